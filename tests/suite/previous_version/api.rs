//! The API behind the fixtures, with a base URL that does not depend on its port.

use std::{
    collections::BTreeMap,
    mem,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{Path, Query, Request, State},
    http::{StatusCode, header::AUTHORIZATION},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use nango_tests::{Registry, lock, serve};
use serde_json::{Value, json};

/// The base URL that resume points contain. Its host does not exist: requests reach the server as their proxy.
pub(super) const BASE_URL: &str = "http://api.previous.test";
pub(super) const ACCESS_TOKEN: &str = "test-access-token-of-the-fixture";
pub(super) const REFRESH_TOKEN: &str = "test-refresh-token-of-the-fixture";
pub(super) const BEARER_TOKEN: &str = "test-bearer-token-of-the-fixture";
pub(super) const API_KEY: &str = "test-api-key-of-the-fixture";
/// Records on a page of contacts or notes.
pub(super) const PAGE: usize = 10;
const CONTACT_PAGES: usize = 6;
const NOTE_PAGES: usize = 3;

type SharedState = Arc<Mutex<ApiState>>;

/// An API server that runs until the process exits.
pub(super) struct Api {
    url: String,
    state: SharedState,
}

#[derive(Default)]
struct ApiState {
    /// The requests: `Authorization` header, path and query.
    requests: Vec<String>,
    /// The issues by repository.
    issues: BTreeMap<String, Vec<Value>>,
    /// Whether the later pages of contacts never arrive and those of notes are refused.
    broken: bool,
}

impl Api {
    /// Starts the API on a free port, with the issues that the databases contain.
    pub(super) fn start() -> Self {
        let state = SharedState::default();
        let router = Router::new()
            .route("/crm/v3/objects/contacts", get(contacts))
            .route("/repos/o/{repository}/issues", get(issues))
            .route("/notes", get(notes))
            .layer(middleware::from_fn_with_state(Arc::clone(&state), record))
            .with_state(Arc::clone(&state));
        let api = Self { url: serve(router), state };
        api.replace_issues("r", [1, 2, 4, 5, 6, 7, 8].map(|number| issue(number, number == 2)).into());
        api.replace_issues("held", (1..=20).map(|number| issue(number, false)).collect());
        api
    }

    /// Routes the requests of a registry's processes to this server.
    pub(super) fn serve_requests_of(&self, registry: &mut Registry) {
        registry.env("http_proxy", &self.url).env("no_proxy", "").env("NO_PROXY", "");
    }

    /// Replaces the issues of a repository, and returns the previous ones.
    pub(super) fn replace_issues(&self, repository: &str, issues: Vec<Value>) -> Vec<Value> {
        lock(&self.state).issues.insert(repository.to_owned(), issues).unwrap_or_default()
    }

    /// Sets whether the later pages of contacts and notes fail.
    pub(super) fn set_broken(&self, broken: bool) {
        lock(&self.state).broken = broken;
    }

    /// Returns the requests since the last call.
    pub(super) fn take_requests(&self) -> Vec<String> {
        mem::take(&mut lock(&self.state).requests)
    }

    /// Returns the number of requests since the last [`take_requests`](Self::take_requests).
    pub(super) fn request_count(&self) -> usize {
        lock(&self.state).requests.len()
    }
}

/// Returns an issue as GitHub sends it.
pub(super) fn issue(number: u64, edited: bool) -> Value {
    json!({
        "id": number, "number": number, "title": if edited { "An edited title" } else { "A first title" },
        "body": format!("Text of issue {number}: Grüße, 5 € and \"quotes\""), "state": "open", "state_reason": null,
        "html_url": format!("https://github.test/issues/{number}"), "user": { "id": 1, "login": "octocat" },
        "labels": [{ "name": "bug" }], "assignees": [], "comments": 0, "reactions": { "total_count": 2 },
        "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-02T00:00:00Z", "closed_at": null,
    })
}

async fn record(State(state): State<SharedState>, request: Request, next: Next) -> Response {
    let authorization = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or("none");
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    let line = format!("{authorization} {target}");
    lock(&state).requests.push(line);
    next.run(request).await
}

async fn contacts(State(state): State<SharedState>, Query(query): Query<BTreeMap<String, String>>) -> Json<Value> {
    let page = page_number(&query, 'c');
    let broken = lock(&state).broken;
    if broken {
        // Longer than a commit, so that the previous page is stored before this one arrives.
        tokio::time::sleep(if page >= 3 { Duration::from_mins(10) } else { Duration::from_millis(500) }).await;
    }
    let contact = |i: usize| {
        let properties = json!({ "email": format!("c{i}@example.com"), "firstname": "C", "lastname": i.to_string() });
        json!({ "id": format!("{i:04}"), "properties": properties, "updatedAt": "2026-01-01T00:00:00Z" })
    };
    let results: Vec<_> = (page * PAGE..(page + 1) * PAGE).map(contact).collect();
    let next = (page + 1 < CONTACT_PAGES).then(|| json!({ "next": { "after": format!("c{}", page + 1) } }));
    Json(json!({ "results": results, "paging": next }))
}

async fn issues(State(state): State<SharedState>, Path(repository): Path<String>) -> Json<Value> {
    Json(lock(&state).issues.get(&repository).cloned().into())
}

async fn notes(State(state): State<SharedState>, Query(query): Query<BTreeMap<String, String>>) -> Response {
    let page = page_number(&query, 'n');
    if page >= 2 && lock(&state).broken {
        return (StatusCode::BAD_REQUEST, Json(json!({ "message": "not now" }))).into_response();
    }
    let items: Vec<_> = (page * PAGE..(page + 1) * PAGE)
        .map(|i| json!({ "id": format!("{i:04}"), "text": format!("note {i}") }))
        .collect();
    let next = (page + 1 < NOTE_PAGES).then(|| format!("n{}", page + 1));
    Json(json!({ "items": items, "next": next })).into_response()
}

fn page_number(query: &BTreeMap<String, String>, prefix: char) -> usize {
    query.get("after").map_or(0, |after| after.trim_start_matches(prefix).parse().expect("a page"))
}
