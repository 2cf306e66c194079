//! GitHub's real responses, as recorded by npm's `@octokit/fixtures-server`.

use nango_tests::{
    Registry,
    octokit::{Recording, Scenario},
};
use serde_json::{Value, json};

const TOKEN: &str = "the-clients-own-token";

fn connected(github: &Recording, repo: &str) -> Registry {
    let registry = Registry::new();
    connect(&registry, github, repo);
    registry
}

fn connect(registry: &Registry, github: &Recording, repo: &str) {
    registry.base_url("github", github.url());
    let credentials = json!({ "access_token": TOKEN }).to_string();
    registry.run(["connection", "add", "github", "octo", "--auth", "bearer", "--credentials", &credentials]).expect(0);
    let metadata = json!({ "owner": "octokit-fixture-org", "repo": repo }).to_string();
    registry.run(["connection", "set-metadata", "github", "octo", &metadata]).expect(0);
}

fn sync(registry: &Registry, function: &str) -> Value {
    registry.json(["run", "github", function, "--connection", "octo", "--json"])
}

fn check_second_run_finds_nothing_new(function: &str) {
    let start = || Recording::start(Scenario::PaginateIssues, TOKEN, &[("state", "all")]);
    let Some(github) = start() else { return };
    let registry = connected(&github, "paginate-issues");

    let first = sync(&registry, function);
    assert_eq!(first["status"], "success", "{first:#}");
    assert_eq!(first["models"]["GithubIssue"]["added"], 13);
    assert_eq!((&first["pages"], &first["requests"]), (&json!(5), &json!(5)));
    assert_eq!(github.finish().len(), 5);
    println!("{function}: 13 issues in five pages, {} ms", first["duration_ms"]);

    let page = registry.json(["records", "github", "GithubIssue", "--connection", "octo", "--json"]);
    let titles: Vec<_> =
        page["records"].as_array().expect("records").iter().map(|record| record["title"].clone()).collect();
    assert_eq!(titles.len(), 13);
    assert_eq!((&titles[0], &titles[12]), (&json!("Test issue 13"), &json!("Test issue 1")));

    let Some(github) = start() else { return };
    registry.base_url("github", github.url());
    let second = sync(&registry, function);
    let counts = &second["models"]["GithubIssue"];
    assert_eq!(
        [&counts["added"], &counts["updated"], &counts["deleted"], &counts["unchanged"]],
        [0, 0, 0, 13].map(Value::from).each_ref()
    );
    github.finish();
}

#[test]
fn repo_issues_sync_finds_nothing_new_in_second_run() {
    check_second_run_finds_nothing_new("repo-issues");
}

#[test]
fn repo_issues_by_hand_sync_finds_nothing_new_in_second_run() {
    check_second_run_finds_nothing_new("repo-issues-by-hand");
}

#[test]
fn mapper_and_hand_written_sync_store_the_same_records() {
    let stored = |function: &str| {
        let github = Recording::start(Scenario::PaginateIssues, TOKEN, &[("state", "all")])?;
        let registry = connected(&github, "paginate-issues");
        sync(&registry, function);
        let page = registry.json(["records", "github", "GithubIssue", "--connection", "octo", "--json"]);
        let mut records = page["records"].as_array().expect("records").clone();
        for record in &mut records {
            record.as_object_mut().expect("an object").remove("_nango_metadata");
        }
        Some(records)
    };
    let (Some(mapped), Some(by_hand)) = (stored("repo-issues"), stored("repo-issues-by-hand")) else { return };
    assert_eq!(mapped, by_hand);
}

#[test]
fn labels_are_created_read_changed_and_deleted() {
    let Some(github) = Recording::start(Scenario::Labels, TOKEN, &[]) else { return };
    let registry = connected(&github, "labels");
    let run_action = |action: &str, mut input: Value| {
        input["owner"] = "octokit-fixture-org".into();
        input["repo"] = "labels".into();
        let input = input.to_string();
        registry.json(["run", "github", action, "--connection", "octo", "--input", &input, "--json"])["output"].clone()
    };

    assert_eq!(run_action("list-labels", json!({})).as_array().map(Vec::len), Some(9));
    let created = run_action("create-label", json!({ "name": "test-label", "color": "663399" }));
    assert_eq!((&created["id"], &created["description"]), (&json!(1009), &Value::Null));
    assert_eq!(run_action("get-label", json!({ "name": "test-label" })), created);
    let change = json!({ "name": "test-label", "new_name": "test-label-updated", "color": "BADA55" });
    assert_eq!(run_action("update-label", change)["name"], "test-label-updated");
    assert_eq!(run_action("delete-label", json!({ "name": "test-label-updated" })), json!(true));
    assert_eq!(github.finish().len(), 5);
}
