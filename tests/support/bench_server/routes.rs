//! Endpoints of the bench server: the same pages by link, cursor and offset.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_TYPE, LINK};
use axum::response::Response;
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{Mutation, ServerState};

const MAX_PAGE_SIZE: usize = 100;
/// Number of comments of each issue.
const COMMENTS: u64 = 2;

type Parameters = Query<HashMap<String, String>>;

pub(super) async fn serve(listener: TcpListener, state: Arc<ServerState>) {
    let router = Router::new()
        .route("/repos/o/r/issues", get(by_link))
        .route("/cursor/issues", get(by_cursor).post(by_cursor_in_body))
        .route("/offset/issues", get(by_offset))
        .route("/issues/{number}/comments", get(comments))
        .route("/admin/mutate", post(mutate))
        .route("/admin/stats", get(stats))
        .with_state(state);
    // Without this option, the end of a page can wait for an acknowledgement, which would add to the measurement.
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    axum::serve(listener, router).await.expect("an accept loop that does not end");
}

async fn by_link(State(state): State<Arc<ServerState>>, query: Parameters) -> Response {
    let dataset = state.dataset();
    let size = page_size(&query, "per_page");
    let page = number(&query, "page").unwrap_or(1).max(1);
    let last = dataset.len().div_ceil(size).max(1);
    let from = (page - 1).saturating_mul(size);
    let mut response = respond(&state, ["[", dataset.slice(from..from.saturating_add(size)), "]"].concat());
    let links: Vec<String> = [
        (page > 1).then(|| ("prev", page - 1)),
        (page < last).then(|| ("next", page + 1)),
        (page < last).then_some(("last", last)),
        (page > 1).then_some(("first", 1)),
    ]
    .into_iter()
    .flatten()
    .map(|(rel, page)| format!("<{}/repos/o/r/issues?per_page={size}&page={page}>; rel=\"{rel}\"", state.url))
    .collect();
    if !links.is_empty() {
        let links = HeaderValue::try_from(links.join(", ")).expect("an ASCII header");
        response.headers_mut().insert(LINK, links);
    }
    response
}

async fn by_cursor(State(state): State<Arc<ServerState>>, query: Parameters) -> Response {
    cursor_page(&state, query.get("cursor").map(String::as_str), page_size(&query, "limit"))
}

async fn by_cursor_in_body(State(state): State<Arc<ServerState>>, Json(body): Json<Value>) -> Response {
    let size = body["limit"].as_u64().and_then(|limit| usize::try_from(limit).ok()).unwrap_or(MAX_PAGE_SIZE);
    cursor_page(&state, body["cursor"].as_str(), size.clamp(1, MAX_PAGE_SIZE))
}

fn cursor_page(state: &ServerState, cursor: Option<&str>, size: usize) -> Response {
    let dataset = state.dataset();
    let from = cursor.and_then(|cursor| cursor.strip_prefix("after-")?.parse().ok()).unwrap_or(0_usize);
    let to = from.saturating_add(size);
    let next = json!((to < dataset.len()).then(|| format!("after-{to}")));
    respond(state, format!("{{\"items\":[{}],\"next_cursor\":{next}}}", dataset.slice(from..to)))
}

async fn by_offset(State(state): State<Arc<ServerState>>, query: Parameters) -> Response {
    let dataset = state.dataset();
    let from = number(&query, "offset").unwrap_or(0);
    let to = from.saturating_add(page_size(&query, "limit"));
    respond(&state, format!("{{\"items\":[{}],\"total\":{}}}", dataset.slice(from..to), dataset.len()))
}

async fn comments(State(state): State<Arc<ServerState>>, Path(number): Path<u64>) -> Response {
    let comment = |index| json!({ "id": number * COMMENTS + index, "body": format!("Comment {index} of {number}") });
    respond(&state, json!({ "items": (0..COMMENTS).map(comment).collect::<Vec<_>>(), "next_cursor": null }).to_string())
}

async fn mutate(State(state): State<Arc<ServerState>>, query: Parameters) -> String {
    let parameter = |name| query.get(name).and_then(|value| value.parse().ok()).unwrap_or(0);
    let records = state.mutate(Mutation {
        changed_per_mille: parameter("changed"),
        deleted_per_mille: parameter("deleted"),
        seed: parameter("seed"),
    });
    json!({ "records": records }).to_string()
}

async fn stats(State(state): State<Arc<ServerState>>) -> String {
    let (requests, bytes) = (state.requests.load(Ordering::Relaxed), state.bytes.load(Ordering::Relaxed));
    json!({ "records": state.dataset().len(), "requests": requests, "bytes": bytes }).to_string()
}

fn respond(state: &ServerState, body: String) -> Response {
    state.requests.fetch_add(1, Ordering::Relaxed);
    state.bytes.fetch_add(body.len() as u64, Ordering::Relaxed);
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    response
}

fn number(query: &Parameters, name: &str) -> Option<usize> {
    query.get(name)?.parse().ok()
}

fn page_size(query: &Parameters, name: &str) -> usize {
    number(query, name).unwrap_or(MAX_PAGE_SIZE).clamp(1, MAX_PAGE_SIZE)
}
