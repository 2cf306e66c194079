//! Tests with lists of well-behaved APIs, whose responses follow their public documentation: each walk is complete, and
//! a removed record is deleted after the number of walks that its pagination requires.

mod replies;
mod table;

use serde_json::{Value, json};

use super::{
    Fixture, assert_succeeded,
    vectors::{map, mapper_sync},
};
use crate::{
    config::Limits,
    declare::{Endpoint, Mapper, OnInvalid, Paginate, Pagination, Registry},
    paginate::Completion,
    prelude::{NangoSync, Paginate as Pages},
    provider::Catalogue,
};

/// Response of an API.
struct Reply {
    path: &'static str,
    status: u16,
    /// Value of the `Link` header.
    link: Option<String>,
    body: Value,
}

/// List of an API.
struct ApiCase {
    name: &'static str,
    /// Name of the built-in entry with the preset of the API.
    preset: Option<&'static str>,
    /// Pagination that the sync declares; `None` for a list without pages.
    paginate: Option<Paginate>,
    endpoint: &'static str,
    /// Returns the responses of a walk over these pages.
    serve: fn(&[&[&str]]) -> Vec<Reply>,
    /// Expected requests of a walk over [`ALL`].
    requests: &'static [&'static str],
    end: Completion,
    pagination: Pagination,
}

const ALL: [&[&str]; 2] = [&["r1", "r2"], &["r3", "r4"]];
/// The same list without the third record.
const LESS: [&[&str]; 2] = [&["r1", "r2"], &["r4"]];

impl ApiCase {
    fn paginate(&self) -> Option<Paginate> {
        let declared = self.paginate.clone()?;
        let Some(name) = self.preset else { return Some(declared) };
        let catalogue = Catalogue::builtin();
        let preset = catalogue.get(name).and_then(|provider| provider.proxy.paginate.as_ref());
        Some(declared.with_defaults(preset.unwrap_or_else(|| panic!("{name} has no preset"))))
    }

    async fn fixture(&self) -> Fixture {
        let mapper = Mapper {
            endpoint: Endpoint::Fixed(self.endpoint),
            request: crate::declare::ListRequest::GET,
            paginate: self.paginate(),
            retries: 0,
            since: None,
            errors: &[],
            on_invalid: OnInvalid::Fail,
            each: None,
            delta: None,
            map: crate::declare::MapRecord::Plain(map),
        };
        let registry = Registry::from_items([mapper_sync(Box::leak(Box::new(mapper)), true)]).unwrap();
        let fixture = Fixture::with_registry_and_limits(registry, "https://api.test", Limits::default()).await;
        fixture.connect(json!({})).await.unwrap();
        fixture
    }

    /// Runs the sync over a list, and returns the ids of the records that are not deleted.
    async fn run(&self, fixture: &Fixture, pages: &[&[&str]]) -> Vec<String> {
        let replies = (self.serve)(pages);
        let expected = fixture.requests().len() + replies.len();
        for Reply { path, status, link, body } in replies {
            let headers: Vec<(&str, &str)> = link.iter().map(|link| ("link", link.as_str())).collect();
            fixture.script.add(path, status, &headers, body);
        }
        let report = fixture.sync("vector").await;
        assert!(report.error.is_none(), "{}: {:?}", self.name, report.error);
        let end = report.findings.walk.unwrap();
        assert_eq!(end.outcome.reason(), self.end.name(), "{}: {:?}", self.name, fixture.requests());
        assert_eq!((end.outcome.is_complete(), end.shifted), (true, false), "{}", self.name);
        assert_eq!(end.pagination, self.pagination, "{}", self.name);
        assert_eq!(fixture.requests().len(), expected, "{}: {:?}", self.name, fixture.requests());
        fixture.live("Entry").await
    }
}

#[tokio::test]
async fn walk_of_a_well_behaved_api_is_complete_and_deletes_removed_records() {
    for case in table::api_cases() {
        let fixture = case.fixture().await;
        assert_eq!(case.run(&fixture, &ALL).await, ["r1", "r2", "r3", "r4"], "{}", case.name);
        assert_eq!(fixture.requests(), case.requests, "{}", case.name);
        // Records can shift across positions, so a second walk must confirm the delete.
        if case.pagination == Pagination::Position {
            assert_eq!(case.run(&fixture, &LESS).await.len(), 4, "{}", case.name);
        }
        assert_eq!(case.run(&fixture, &LESS).await, ["r1", "r2", "r4"], "{}", case.name);
    }
}

#[tokio::test]
async fn empty_account_is_complete_and_deletes_of_an_emptied_account_are_held() {
    for case in table::api_cases_with_empty_list() {
        let fixture = case.fixture().await;
        let nothing: [&[&str]; 1] = [&[]];
        assert!(case.run(&fixture, &nothing).await.is_empty(), "{}", case.name);
        assert_eq!(case.run(&fixture, &[&["r1", "r2"]]).await.len(), 2, "{}", case.name);
        assert_eq!(case.run(&fixture, &nothing).await.len(), 2, "{}: deletes of an empty list are held", case.name);
    }
}

/// Issue of the API of Linear.
#[crate::model]
struct LinearIssue {
    /// Id of the issue.
    id: String,
}

/// Syncs issues of Linear by GraphQL, whose cursor is sent in the variables of the body.
#[crate::sync(integration = "acme", model = "LinearIssue")]
async fn linear_issues(nango: NangoSync) -> crate::Result<()> {
    let query = "query($after: String) { issues(after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } }";
    let request = nango.post("/graphql").body(json!({ "query": query }));
    let pages = Pages::cursor("variables.after", "data.issues.pageInfo.endCursor")
        .has_more("data.issues.pageInfo.hasNextPage")
        .response_path("data.issues.nodes");
    let scan = nango.full_scan::<LinearIssue>().await?;
    let mut pages = nango.paginate::<LinearIssue>(request, pages);
    while let Some(page) = pages.next().await? {
        nango.batch_save(page).await?;
    }
    scan.finish().await.map(drop)
}

#[tokio::test]
async fn graphql_walk_over_post_is_complete_and_deletes_removed_records() {
    let fixture = Fixture::new().await;
    let run = async |pages: [&[&str]; 2]| {
        let cursors =
            [json!({ "hasNextPage": true, "endCursor": "a1b2" }), json!({ "hasNextPage": false, "endCursor": "c3d4" })];
        for (ids, info) in pages.into_iter().zip(cursors) {
            let issues = json!({ "nodes": replies::records(ids), "pageInfo": info });
            fixture.script.add("/graphql", 200, &[], json!({ "data": { "issues": issues } }));
        }
        let report = fixture.sync("linear-issues").await;
        assert_succeeded(&report);
        let end = report.findings.walk.unwrap();
        assert_eq!((end.outcome.reason(), end.pages), ("has_more_false", 2));
        assert_eq!(end.pagination, Pagination::Token);
        fixture.live("LinearIssue").await
    };
    assert_eq!(run(ALL).await, ["r1", "r2", "r3", "r4"]);
    assert_eq!(run(LESS).await, ["r1", "r2", "r4"]);
    let after: Vec<Value> =
        fixture.script.seen().iter().map(|seen| seen.json()["variables"]["after"].clone()).collect();
    assert_eq!(after, [Value::Null, json!("a1b2"), Value::Null, json!("a1b2")]);
}
