//! Tests of the requests of mappers: methods, `query(…)`, `headers(…)`, `body = …`, and parameters in the body.

use serde::Serialize;

use super::*;
use crate::{prelude::*, store::RunStatus};

const QUERY: &str = "query Issues($after: String) { issues }";
const SEARCH: &str = "POST /search";

/// State of an issue, which a request names in lower case.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Open,
}

/// Test record of this module.
#[model]
struct Found {
    /// Id of the record.
    id: u64,
}

/// Metadata with the team that a connection reads.
#[model]
struct Team {
    /// Team of the issues.
    team: String,
    /// Version of the API that it uses.
    version: Option<String>,
}

/// Reads issues by a query in the body.
#[sync(
    integration = "acme",
    model = "Found",
    metadata = Team,
    endpoint = "POST /graphql",
    body = json!({ "query": QUERY, "variables": { "team": metadata.team } }),
    paginate(
        cursor(name = "variables.after", path = "data.next"),
        limit = 2,
        limit_name = "variables.first",
        response_path = "data.issues"
    ),
    since(param = "variables.since", format = "unix"),
    retries = 1
)]
fn by_query(found: Found) -> Found {
    found
}

/// Reads a list with parameters and headers, and confirms deletes.
#[sync(
    integration = "acme",
    model = "Found",
    metadata = Team,
    endpoint = "/found?sort=old&page=1",
    query("team" = metadata.team, "state" = State::Open, "sort" = "new", "absent" = None::<u8>, "many" = 2 > 1),
    headers("X-Version" = metadata.version, "X-Team" = format!("team {}", metadata.team)),
    track_deletes,
    confirm_deletes(get = "/found/{record.id}")
)]
fn with_parts(found: Found) -> Found {
    found
}

/// Reads a list at a constant endpoint, with deletes.
#[sync(
    integration = "acme",
    model = "Found",
    endpoint = SEARCH,
    paginate(cursor(name = "after", path = "next"), response_path = "items"),
    track_deletes
)]
fn by_search(found: Found) -> Found {
    found
}

/// Sends a parameter that is a list.
#[sync(integration = "acme", model = "Found", endpoint = "/found", query("ids" = [1, 2]))]
fn with_list(found: Found) -> Found {
    found
}

async fn fixture() -> Fixture {
    let fixture = Fixture::without_connection().await;
    fixture.connect(json!({ "team": "a \"b\"" })).await.unwrap();
    fixture
}

fn issues(ids: &[u64], next: Option<&str>) -> Value {
    let issues: Vec<Value> = ids.iter().map(|id| json!({ "id": id })).collect();
    json!({ "data": { "issues": issues, "next": next } })
}

fn items(ids: &[u64], next: Option<&str>) -> Value {
    let items: Vec<Value> = ids.iter().map(|id| json!({ "id": id })).collect();
    json!({ "items": items, "next": next })
}

fn bodies(fixture: &Fixture) -> Vec<Value> {
    fixture.script.seen().iter().map(|seen| serde_json::from_slice(&seen.body).unwrap_or_default()).collect()
}

#[tokio::test]
async fn cursor_limit_and_since_are_sent_in_the_body() {
    let fixture = fixture().await;
    let date = [("date", "Thu, 01 Jan 1970 00:00:10 GMT")];
    fixture.script.add("/graphql", 200, &date, issues(&[1, 2], Some("x")));
    fixture.script.add("/graphql", 200, &date, issues(&[3], None));
    assert_succeeded(&fixture.sync("by-query").await);
    fixture.script.add("/graphql", 200, &date, issues(&[], None));
    assert_succeeded(&fixture.sync("by-query").await);
    assert_eq!(fixture.live("Found").await, ["1", "2", "3"]);

    let seen = fixture.script.seen();
    assert!(seen.iter().all(|seen| seen.method == "POST" && seen.query.is_empty()), "{seen:?}");
    assert_eq!(seen[0].headers["content-type"], "application/json");
    let body = |variables: Value| json!({ "query": QUERY, "variables": variables });
    let expect = [
        body(json!({ "team": "a \"b\"", "first": 2 })),
        body(json!({ "team": "a \"b\"", "first": 2, "after": "x" })),
        body(json!({ "team": "a \"b\"", "first": 2, "since": 10 })),
    ];
    assert_eq!(bodies(&fixture), expect);
}

#[tokio::test]
async fn interrupted_post_walk_resumes_at_its_cursor_unless_its_body_changed() {
    let fixture = fixture().await;
    fixture.script.add("/graphql", 200, &[], issues(&[1, 2], Some("x")));
    fixture.script.add("/graphql", 400, &[], json!({ "message": "down" }));
    let broken = fixture.sync("by-query").await;
    assert!(broken.resumable && broken.status == RunStatus::Error, "{broken:?}");
    fixture.script.add("/graphql", 200, &[], issues(&[3], Some("y")));
    fixture.script.add("/graphql", 400, &[], json!({ "message": "down" }));
    assert!(fixture.sync("by-query").await.resumable);
    assert_eq!(bodies(&fixture)[2]["variables"]["after"], "x");

    let metadata = serde_json::from_value(json!({ "team": "c" })).unwrap();
    let request = RunRequest { metadata: Some(metadata), ..Fixture::request(Target::Sync("by-query".into())) };
    fixture.script.add("/graphql", 200, &[], issues(&[9], None));
    assert_succeeded(&fixture.run(request).await.unwrap());
    assert_eq!(bodies(&fixture).last().unwrap()["variables"], json!({ "team": "c", "first": 2 }));
}

#[tokio::test]
async fn post_of_a_list_is_retried_as_a_get_is() {
    let fixture = fixture().await;
    fixture.script.add("/graphql", 503, &[], json!({}));
    fixture.script.add("/graphql", 200, &[], issues(&[1], None));
    assert_succeeded(&fixture.sync("by-query").await);
    let bodies = bodies(&fixture);
    assert_eq!((bodies.len(), &bodies[0]), (2, &bodies[1]));
}

#[tokio::test]
async fn query_and_headers_are_sent_with_values_of_the_metadata() {
    let fixture = fixture().await;
    fixture.script.add("/found", 200, &[], json!([{ "id": 1 }, { "id": 2 }]));
    assert_succeeded(&fixture.sync("with-parts").await);
    let seen = fixture.script.seen().remove(0);
    assert_eq!(seen.method, "GET");
    let query: Vec<_> = seen.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(query, ["page=1", "team=a \"b\"", "state=open", "sort=new", "many=true"]);
    assert_eq!(seen.headers["x-team"], "team a \"b\"");
    assert!(!seen.headers.contains_key("x-version"), "`None` sends no header");

    fixture.script.add("/found", 200, &[], json!([{ "id": 1 }]));
    fixture.script.add("/found/2", 404, &[], json!({}));
    assert_succeeded(&fixture.sync("with-parts").await);
    let confirmed = fixture.script.seen().pop().unwrap();
    assert_eq!((confirmed.path.as_str(), &confirmed.headers["x-team"]), ("/found/2", &seen.headers["x-team"]));
    assert_eq!(fixture.live("Found").await, ["1"]);
}

#[tokio::test]
async fn constant_endpoint_with_a_method_is_a_walk_with_deletes() {
    let fixture = fixture().await;
    fixture.script.add("/search", 200, &[], items(&[1, 2], Some("x")));
    fixture.script.add("/search", 200, &[], items(&[3], None));
    assert_succeeded(&fixture.sync("by-search").await);
    assert_eq!(bodies(&fixture), [json!(null), json!({ "after": "x" })]);
    fixture.script.add("/search", 200, &[], items(&[2], None));
    assert_succeeded(&fixture.sync("by-search").await);
    assert_eq!(fixture.live("Found").await, ["2"]);
}

#[tokio::test]
async fn redirected_post_of_a_list_keeps_its_body() {
    let fixture = fixture().await;
    fixture.script.add("/graphql", 302, &[("location", "/v2/graphql")], json!({}));
    fixture.script.add("/v2/graphql", 200, &[], issues(&[1], None));
    assert_succeeded(&fixture.sync("by-query").await);
    let seen = fixture.script.seen();
    assert_eq!((seen[1].method.as_str(), &seen[1].body), ("POST", &seen[0].body));
}

#[tokio::test]
async fn value_that_cannot_be_sent_fails_the_run_before_its_first_request() {
    let fixture = fixture().await;
    let error = fixture.sync("with-list").await.error.expect("an error").to_string();
    assert!(error.contains("the value of `ids` is a list"), "{error}");
    assert!(fixture.script.seen().is_empty());

    let fixture = Fixture::without_connection().await;
    fixture.connect(json!({ "team": 7 })).await.unwrap();
    let error = fixture.sync("by-query").await.error.expect("an error").to_string();
    assert!(error.contains("the metadata of connection `one`") && error.contains("`team`"), "{error}");
}
