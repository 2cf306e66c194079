//! `each` together with several models: the records of a page are of both, and deletes are decided for each parent.

use super::super::*;
use crate::{prelude::*, store::RunStatus};

/// Test settings of a connection with repositories.
#[model]
struct RepoNames {
    /// Names of the repositories.
    repos: Vec<String>,
}

/// Test record of a repository.
#[model]
struct Pull {
    /// Id of the pull request.
    id: String,
    /// Repository that it belongs to.
    repo: String,
}

/// Test record of a pull request.
#[model]
struct PullLabel {
    /// Id of the label.
    id: String,
}

/// Record of the API.
#[derive(serde::Deserialize)]
struct ApiPull {
    id: String,
    labels: Vec<String>,
}

/// Saves the pull requests and the labels of each repository.
#[sync(
    integration = "acme",
    models("Pull", "PullLabel"),
    metadata = RepoNames,
    each = metadata.repos,
    parents_at_once = 1,
    endpoint = "/repos/{each}/pulls",
    paginate(cursor(name = "page", path = "next"), response_path = "items"),
    track_deletes
)]
fn pulls(repo: &str, raw: ApiPull) -> (Pull, Vec<PullLabel>) {
    let labels = raw.labels.into_iter().map(|id| PullLabel { id }).collect();
    (Pull { id: raw.id, repo: repo.to_owned() }, labels)
}

impl Fixture {
    async fn with_repos(repos: &[&str]) -> Self {
        let fixture = Self::without_connection().await;
        fixture.connect(json!({ "repos": repos })).await.unwrap();
        fixture
    }

    /// Adds a page of a repository: pull requests with their labels, and the next page.
    fn pulls(&self, repo: &str, pulls: &[(&str, &[&str])], next: Option<&str>) {
        let items: Vec<Value> = pulls.iter().map(|(id, labels)| json!({ "id": id, "labels": labels })).collect();
        self.script.add(&format!("/repos/{repo}/pulls"), 200, &[], json!({ "items": items, "next": next }));
    }

    fn refuses_pulls(&self, repo: &str, status: u16) {
        self.script.add(&format!("/repos/{repo}/pulls"), status, &[], json!({ "message": "refused" }));
    }

    /// Runs the sync, and returns its report and its requests.
    async fn run_pulls(&self) -> (RunReport, Vec<String>) {
        let before = self.requests().len();
        let report = self.sync("pulls").await;
        (report, self.requests().split_off(before))
    }

    /// Returns the live records of both models, ordered by id.
    async fn pulls_and_labels(&self) -> (Vec<String>, Vec<String>) {
        let (mut pulls, mut labels) = (self.live("Pull").await, self.live("PullLabel").await);
        pulls.sort();
        labels.sort();
        (pulls, labels)
    }

    #[track_caller]
    fn assert_ids(found: &(Vec<String>, Vec<String>), pulls: &[&str], labels: &[&str]) {
        assert_eq!(
            *found,
            (pulls.iter().map(|id| (*id).into()).collect(), labels.iter().map(|id| (*id).into()).collect())
        );
    }
}

#[tokio::test]
async fn missing_records_of_both_models_are_deleted_under_parents_whose_walk_was_complete() {
    let fixture = Fixture::with_repos(&["a", "b"]).await;
    fixture.pulls("a", &[("a1", &["la1", "la2"]), ("a2", &["la3"])], Some("x"));
    fixture.pulls("a", &[("a3", &["la4"])], None);
    fixture.pulls("b", &[("b1", &["lb1"]), ("b2", &["lb2"])], None);
    let (report, requests) = fixture.run_pulls().await;
    assert_succeeded(&report);
    assert_eq!(requests, ["/repos/a/pulls", "/repos/a/pulls?page=x", "/repos/b/pulls"]);
    assert_eq!((report.totals.models["Pull"].added, report.totals.models["PullLabel"].added), (5, 6));

    fixture.pulls("a", &[("a1", &["la1"]), ("a3", &["la3", "la4"])], None);
    fixture.refuses_pulls("b", 403);
    let (report, _) = fixture.run_pulls().await;
    assert_succeeded(&report);
    assert_eq!((report.totals.models["Pull"].deleted, report.totals.models["PullLabel"].deleted), (1, 1));
    let (pulls, labels) = (["a1", "a3", "b1", "b2"], ["la1", "la3", "la4", "lb1", "lb2"]);
    Fixture::assert_ids(&fixture.pulls_and_labels().await, &pulls, &labels);
}

#[tokio::test]
async fn parent_that_left_the_list_takes_the_records_of_both_models_along() {
    let fixture = Fixture::with_repos(&["a", "b"]).await;
    fixture.pulls("a", &[("a1", &["la1"])], None);
    fixture.pulls("b", &[("b1", &["lb1"]), ("b2", &["lb2"])], None);
    assert_succeeded(&fixture.run_pulls().await.0);
    let Value::Object(left) = json!({ "repos": ["b"] }) else { unreachable!() };
    let change = crate::store::MetadataChange::Replace(left);
    fixture.runtime.store.change_metadata("acme", "one", change).await.unwrap();
    let (report, requests) = fixture.run_pulls().await;
    assert_succeeded(&report);
    assert_eq!(requests, ["/repos/b/pulls"]);
    Fixture::assert_ids(&fixture.pulls_and_labels().await, &["b1", "b2"], &["lb1", "lb2"]);
}

#[tokio::test]
async fn interrupted_run_continues_the_scans_of_both_models() {
    let fixture = Fixture::with_repos(&["a", "b"]).await;
    fixture.pulls("a", &[("a1", &["la1", "la2"]), ("a2", &["la3"])], None);
    fixture.pulls("b", &[("b1", &["lb1", "lb2"])], None);
    assert_succeeded(&fixture.run_pulls().await.0);
    fixture.pulls("a", &[("a1", &["la1", "la3"])], None);
    fixture.pulls("b", &[("b1", &["lb1"])], Some("x"));
    fixture.refuses_pulls("b", 500);
    let (report, _) = fixture.run_pulls().await;
    assert_eq!((report.status, report.resumable), (RunStatus::Error, true));
    fixture.pulls("b", &[("b2", &[])], None);
    let (report, requests) = fixture.run_pulls().await;
    assert_succeeded(&report);
    assert_eq!(requests, ["/repos/b/pulls?page=x"]);
    Fixture::assert_ids(&fixture.pulls_and_labels().await, &["a1", "b1", "b2"], &["la1", "la3", "lb1"]);
}

#[tokio::test]
async fn record_that_cannot_be_read_keeps_the_other_models_of_its_parent() {
    let fixture = Fixture::with_repos(&["a", "b"]).await;
    fixture.pulls("a", &[("a1", &["la1"]), ("a2", &["la2"]), ("a3", &["la3"])], None);
    fixture.pulls("b", &[("b1", &["lb1"])], None);
    assert_succeeded(&fixture.run_pulls().await.0);
    let broken = json!({ "items": [{ "id": "a1" }], "next": null });
    fixture.script.add("/repos/a/pulls", 200, &[], broken);
    let (report, _) = fixture.run_pulls().await;
    assert_eq!(report.status, RunStatus::Error);
    assert!(report.error.unwrap().to_string().starts_with("parent `\"a\"`: "));
    Fixture::assert_ids(&fixture.pulls_and_labels().await, &["a1", "a2", "a3", "b1"], &["la1", "la2", "la3", "lb1"]);
}
