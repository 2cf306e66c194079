//! Deletion safety against APIs with misleading responses, over real sockets: one test for each reported fault that
//! made a run delete or lose records. Random variants are in `nango-core`, `run::tests::hostile`.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    Json, Router,
    extract::Query,
    http::{HeaderMap, HeaderValue, StatusCode, header::LINK},
    response::{IntoResponse, Response},
    routing::get,
};
use nango_tests::{Registry, serve};
use serde::Deserialize;
use serde_json::{Value, json};

/// Number of runs before deletes are checked: more walks than position-based pagination needs to confirm a delete.
const RUNS: usize = 3;

/// Switches an API from normal to hostile responses.
#[derive(Clone, Default)]
struct Mode(Arc<AtomicUsize>);

impl Mode {
    fn is_hostile(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }

    fn become_hostile(&self) {
        self.0.store(1, Ordering::Relaxed);
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageRequest {
    start_at: usize,
    max_results: usize,
}

fn jira(router: Router) -> Registry {
    let registry = Registry::new();
    registry.base_url("jira", &serve(router));
    let credentials = r#"{"username":"me@example.com","password":"token"}"#;
    let add = ["connection", "add", "jira", "acme", "--auth", "basic", "--credentials", credentials];
    registry.run(add.iter().chain(&["--set", "subdomain=acme", "--no-verify"])).expect(0);
    registry
}

fn connect_with_bearer(integration: &str, url: &str) -> Registry {
    let registry = Registry::new();
    registry.base_url(integration, url);
    let add = ["connection", "add", integration, "acme", "--auth", "bearer", "--credentials", "\"secret-token\""];
    registry.run(add.iter().chain(&["--no-verify"])).expect(0);
    registry
}

fn github(url: &str) -> Registry {
    let registry = connect_with_bearer("github", url);
    registry.run(["connection", "set-metadata", "github", "acme", r#"{"owner":"o","repo":"r"}"#]).expect(0);
    registry
}

fn sync(registry: &Registry, integration: &str, sync: &str) -> Value {
    registry.json(["run", integration, sync, "--connection", "acme", "--json"])
}

#[track_caller]
fn assert_keeps_all(report: &Value, model: &str, complete: bool, reason: &str) {
    assert_eq!(report["models"][model]["deleted"].as_u64().unwrap_or(0), 0, "{report:#}");
    assert_eq!(
        (&report["walk"]["complete"], &report["walk"]["reason"]),
        (&json!(complete), &json!(reason)),
        "{report:#}"
    );
}

fn project(i: usize) -> Value {
    json!({ "id": i.to_string(), "key": format!("P{i}"), "name": "Project", "projectTypeKey": "software" })
}

fn issue(number: u64) -> Value {
    json!({
        "id": number, "number": number, "title": "t", "body": null, "state": "open", "state_reason": null,
        "html_url": "https://github.test/1", "user": null, "labels": [], "assignees": [], "comments": 0,
        "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z", "closed_at": null,
    })
}

fn contact(id: usize) -> Value {
    json!({ "id": id.to_string(), "properties": {}, "updatedAt": "2026-01-01T00:00:00Z" })
}

/// F1: a page shorter than requested ended the walk, and 100 of 120 projects were deleted.
#[test]
fn offset_walk_reads_whole_list_when_server_caps_page_size() {
    let mode = Mode::default();
    let served = mode.clone();
    let projects = move |Query(page): Query<PageRequest>| {
        let size = if served.is_hostile() { 20 } else { page.max_results };
        let end = (page.start_at + size).min(120);
        let values: Vec<Value> = (page.start_at..end).map(project).collect();
        let body = json!({ "startAt": page.start_at, "maxResults": size, "total": 120, "isLast": end == 120,
            "values": values });
        std::future::ready(Json(body))
    };
    let registry = jira(Router::new().route("/rest/api/3/project/search", get(projects)));
    assert_eq!(sync(&registry, "jira", "projects")["models"]["JiraProject"]["added"], 120);
    mode.become_hostile();
    for _ in 0..RUNS {
        let report = sync(&registry, "jira", "projects");
        assert_keeps_all(&report, "JiraProject", true, "has_more_false");
        assert_eq!(report["requests"], 6, "{report:#}");
    }
}

/// F3: a page whose `Link` header contained raw UTF-8 or single quotes was treated as the last one, and six of nine
/// issues were deleted.
#[test]
fn link_header_with_raw_utf8_or_single_quotes_is_followed() {
    let mode = Mode::default();
    let served = mode.clone();
    let issues = move |Query(query): Query<Vec<(String, String)>>| {
        let page = query.iter().find(|(name, _)| name == "page").map_or(1, |(_, page)| page.parse().expect("a number"));
        let response = if served.is_hostile() {
            let list: Vec<Value> = (page * 3 - 2..=page * 3).map(issue).collect();
            let mut headers = HeaderMap::new();
            if page < 3 {
                let rel = if page == 1 { "\"next\"" } else { "'next'" };
                let link = format!("</repos/o/r/issues?q=café&page={}>; rel={rel}", page + 1);
                headers.insert(LINK, HeaderValue::from_bytes(link.as_bytes()).expect("a header"));
            }
            (headers, Json(list)).into_response()
        } else {
            Json((1..=9).map(issue).collect::<Vec<_>>()).into_response()
        };
        std::future::ready(response)
    };
    let registry = github(&serve(Router::new().route("/repos/o/r/issues", get(issues))));
    assert_eq!(sync(&registry, "github", "repo-issues")["models"]["GithubIssue"]["added"], 9);
    mode.become_hostile();
    for _ in 0..RUNS {
        let report = sync(&registry, "github", "repo-issues");
        assert_keeps_all(&report, "GithubIssue", true, "no_next_page");
        assert_eq!(report["pages"], 3, "{report:#}");
    }
}

/// F4: a page on another origin, requested without credentials and answered with an empty list for guests, was treated
/// as the end of the list.
#[test]
fn empty_page_from_another_origin_deletes_nothing() {
    let other_origin = serve(Router::new().route("/page2", get(|| async { Json(json!([])) })));
    let mode = Mode::default();
    let served = mode.clone();
    let issues = move || {
        let response = if served.is_hostile() {
            ([(LINK, format!("<{other_origin}/page2>; rel=\"next\""))], Json(json!([issue(1)]))).into_response()
        } else {
            Json(json!([issue(1), issue(2), issue(3)])).into_response()
        };
        std::future::ready(response)
    };
    let base_url = serve(Router::new().route("/repos/o/r/issues", get(issues)));
    let registry = github(&base_url);
    // Only the port of the base URL is an exception of the egress policy.
    registry.config(&format!("[egress]\nallow = [\"127.0.0.1\"]\n[integrations.github]\nbase_url = \"{base_url}\"\n"));
    assert_eq!(sync(&registry, "github", "repo-issues")["models"]["GithubIssue"]["added"], 3);
    mode.become_hostile();
    for _ in 0..RUNS {
        assert_keeps_all(&sync(&registry, "github", "repo-issues"), "GithubIssue", false, "other_origin");
    }
}

/// Creates a HubSpot API whose first response lists three contacts and whose later responses come from `hostile`.
fn hubspot(hostile: impl Fn(Option<String>) -> Response + Clone + Send + Sync + 'static) -> (Registry, Mode) {
    let mode = Mode::default();
    let served = mode.clone();
    let contacts = move |Query(query): Query<Vec<(String, String)>>| {
        let after = query.into_iter().find(|(name, _)| name == "after").map(|(_, after)| after);
        let response = if served.is_hostile() {
            hostile(after)
        } else {
            Json(json!({ "results": [contact(1), contact(2), contact(3)] })).into_response()
        };
        std::future::ready(response)
    };
    let registry =
        connect_with_bearer("hubspot", &serve(Router::new().route("/crm/v3/objects/contacts", get(contacts))));
    assert_eq!(sync(&registry, "hubspot", "contacts")["models"]["HubspotContact"]["added"], 3);
    mode.become_hostile();
    (registry, mode)
}

/// F5: `null` instead of the list, next to errors, was treated as an empty list, and all records were deleted.
#[test]
fn null_list_with_errors_deletes_nothing() {
    let (registry, _) =
        hubspot(|_| Json(json!({ "results": null, "errors": [{ "message": "timeout" }] })).into_response());
    for _ in 0..RUNS {
        assert_keeps_all(&sync(&registry, "hubspot", "contacts"), "HubspotContact", false, "error_in_body");
    }
}

/// F6: a response with status 206 and a part of the list was treated as the whole list.
#[test]
fn partial_content_without_next_page_deletes_nothing() {
    let (registry, _) =
        hubspot(|_| (StatusCode::PARTIAL_CONTENT, Json(json!({ "results": [contact(1)] }))).into_response());
    for _ in 0..RUNS {
        assert_keeps_all(&sync(&registry, "hubspot", "contacts"), "HubspotContact", false, "partial_content");
    }
}

/// F9: the walk over an API that ignores the offset never ended, because its bodies differ outside the records.
#[test]
fn walk_fails_when_page_repeats_records_in_another_body() {
    let requests = Arc::new(AtomicUsize::new(0));
    let counted = requests.clone();
    let projects = move || {
        let number = counted.fetch_add(1, Ordering::Relaxed);
        let values: Vec<Value> = (0..50).map(project).collect();
        let body = json!({ "requestId": number, "startAt": 0, "total": 120, "isLast": false, "values": values });
        std::future::ready(Json(body))
    };
    let registry = jira(Router::new().route("/rest/api/3/project/search", get(projects)));
    registry.run(["run", "jira", "projects", "--connection", "acme"]).expect(1);
    assert_eq!(requests.load(Ordering::Relaxed), 2);
}

/// F10: the walk over a list whose empty last page links to itself was never complete, and no record was ever deleted.
#[test]
fn walk_ends_at_empty_page_that_links_to_itself() {
    let (registry, _) = hubspot(|after| {
        let results = if after.is_none() { json!([contact(1), contact(2)]) } else { json!([]) };
        Json(json!({ "results": results, "paging": { "next": { "after": "end" } } })).into_response()
    });
    let report = sync(&registry, "hubspot", "contacts");
    let walk = json!({
        "complete": true,
        "reason": "empty_page",
        "message": "complete: the last page is empty",
        "pages": 2,
        "shifted": false,
        "pagination": "token",
    });
    assert_eq!(report["walk"], walk);
    assert_eq!(report["models"]["HubspotContact"]["deleted"], 1, "{report:#}");
}
