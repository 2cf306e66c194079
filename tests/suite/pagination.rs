//! Cursor and offset pagination of the example integrations, and links to other hosts.

use std::sync::{Arc, Mutex};

use axum::{
    Json, Router,
    extract::Query,
    http::{HeaderMap, StatusCode, header::LINK},
    response::IntoResponse,
    routing::get,
};
use nango_tests::{Registry, serve};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageRequest {
    start_at: usize,
    max_results: usize,
}

/// Serves Jira's project search over 120 projects.
async fn projects(Query(page): Query<PageRequest>) -> Json<Value> {
    let end = (page.start_at + page.max_results).min(120);
    let values: Vec<Value> = (page.start_at..end)
        .map(
            |i| json!({ "id": i.to_string(), "key": format!("P{i}"), "name": "Project", "projectTypeKey": "software" }),
        )
        .collect();
    let is_last = end == 120;
    let (start_at, max_results) = (page.start_at, page.max_results);
    Json(json!({
        "startAt": start_at, "maxResults": max_results, "total": 120, "isLast": is_last, "values": values,
    }))
}

#[test]
fn jira_projects_are_paginated_by_offset() {
    let registry = Registry::new();
    registry.base_url("jira", &serve(Router::new().route("/rest/api/3/project/search", get(projects))));
    let credentials = r#"{"username":"me@example.com","password":"token"}"#;
    registry
        .run([
            "connection",
            "add",
            "jira",
            "acme",
            "--auth",
            "basic",
            "--credentials",
            credentials,
            "--set",
            "subdomain=acme",
            "--no-verify",
        ])
        .expect(0);
    let report = registry.json(["run", "jira", "projects", "--connection", "acme", "--json"]);
    assert_eq!(report["models"]["JiraProject"]["added"], 120, "{report:#}");
    assert_eq!((&report["pages"], &report["requests"]), (&json!(3), &json!(3)));
}

fn issue(number: u64) -> Value {
    json!({
        "id": number, "number": number, "title": "t", "body": null, "state": "open", "state_reason": null,
        "html_url": "https://github.test/1", "user": null, "labels": [], "assignees": [], "comments": 0,
        "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z", "closed_at": null,
    })
}

#[test]
fn link_to_another_host_is_followed_without_credentials() {
    let seen: Arc<Mutex<Vec<bool>>> = Arc::default();
    let recorded = seen.clone();
    let other_host = serve(Router::new().route(
        "/page2",
        get(move |headers: HeaderMap| async move {
            recorded.lock().expect("the lock").push(headers.contains_key("authorization"));
            Json(json!([issue(2)]))
        }),
    ));
    let link = format!("<{other_host}/page2>; rel=\"next\"");
    let base_url = serve(Router::new().route(
        "/repos/o/r/issues",
        get(move |headers: HeaderMap| async move {
            if headers.contains_key("authorization") {
                ([(LINK, link)], Json(json!([issue(1)]))).into_response()
            } else {
                StatusCode::UNAUTHORIZED.into_response()
            }
        }),
    ));
    let registry = Registry::new();
    // Only the port of the base URL is an exception of the egress policy.
    registry.config(&format!("[egress]\nallow = [\"127.0.0.1\"]\n[integrations.github]\nbase_url = \"{base_url}\"\n"));
    registry
        .run(["connection", "add", "github", "acme", "--auth", "bearer", "--credentials", "\"secret-token\""])
        .expect(0);
    registry.run(["connection", "set-metadata", "github", "acme", r#"{"owner":"o","repo":"r"}"#]).expect(0);

    let report = registry.json(["run", "github", "repo-issues", "--connection", "acme", "--json"]);
    assert_eq!(report["models"]["GithubIssue"]["added"], 2, "{report:#}");
    assert_eq!(*seen.lock().expect("the lock"), [false], "the other host must not see the credentials");
}
