//! The examples of integrations against servers that behave as the public documents of their APIs say: method, headers,
//! page size, cursors that are checked, deleted records that are no longer listed, and errors.

pub(super) mod shopify_orders;
pub(super) mod slack_messages;

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode},
    routing::{get, post},
};
use nango_tests::{Registry, serve};
use serde_json::{Value, json};

pub(super) const TOKEN: &str = "sk_test_secret";
/// Number of records at the start: two pages of 100 and a part of a third one.
const RECORDS: usize = 230;

pub(super) type Answer = (StatusCode, Json<Value>);

/// The list of an API, and whether the API reports an error.
#[derive(Clone)]
pub(super) struct Api {
    ids: Arc<Mutex<Vec<usize>>>,
    /// Records that changed after every run.
    changed: Arc<Mutex<Vec<usize>>>,
    fails: Arc<AtomicBool>,
    /// Maximum number of records in a response whose size the API chooses.
    page_size: usize,
}

impl Api {
    fn new() -> Self {
        Self::of(RECORDS, 100)
    }

    /// Creates the list of some records, in pages of this size.
    pub(super) fn of(records: usize, page_size: usize) -> Self {
        let ids = Arc::new(Mutex::new((1..=records).collect()));
        Self { ids, changed: Arc::default(), fails: Arc::default(), page_size }
    }

    /// Changes a record, as a user of the API does.
    pub(super) fn change(&self, id: usize) {
        self.changed.lock().expect("the changes").push(id);
    }

    fn has_changed(&self, id: usize) -> bool {
        self.changed.lock().expect("the changes").contains(&id)
    }

    /// Removes a record, as a user of the API does.
    fn delete(&self, id: usize) {
        self.ids.lock().expect("the list").retain(|known| *known != id);
    }

    fn is_failing(&self) -> bool {
        self.fails.load(Ordering::Relaxed)
    }

    /// Returns a page after an id, and the last id of the page if another page follows.
    fn page(&self, after: Option<usize>, limit: usize) -> (Vec<usize>, Option<usize>) {
        let ids = self.ids.lock().expect("the list");
        let rest: Vec<usize> = ids.iter().copied().filter(|id| after.is_none_or(|after| *id > after)).collect();
        let page: Vec<usize> = rest.iter().copied().take(limit).collect();
        let next = page.last().copied().filter(|_| rest.len() > limit);
        (page, next)
    }
}

pub(super) fn is_authorized(headers: &HeaderMap) -> bool {
    headers.get("authorization").is_some_and(|value| value == &format!("Bearer {TOKEN}"))
}

pub(super) fn parameter<'a>(query: &'a [(String, String)], name: &str) -> Option<&'a str> {
    query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// Starts a server and connects to it, with this metadata.
pub(super) fn connected(integration: &str, auth: &str, router: Router, metadata: &str) -> Registry {
    let registry = Registry::new();
    registry.base_url(integration, &serve(router));
    let credentials = format!("\"{TOKEN}\"");
    let add = ["connection", "add", integration, "acme", "--auth", auth, "--credentials", &credentials];
    registry.run(add.iter().chain(&["--metadata", metadata, "--no-verify"])).expect(0);
    registry
}

/// Runs a sync over all pages, again after a delete, and again while the API reports an error, whose text the report
/// contains.
fn check(registry: &Registry, api: &Api, [integration, sync, model]: [&str; 3], error: &str) {
    let run = ["run", integration, sync, "--connection", "acme", "--json", "--record", "run.jsonl"];
    let counts = || {
        let counts = registry.json(run)["models"][model].clone();
        check_replay(registry);
        counts
    };
    assert_eq!(counts()["added"], RECORDS, "first run of {sync}");
    api.delete(117);
    let second = counts();
    assert_eq!((&second["deleted"], &second["unchanged"]), (&json!(1), &json!(RECORDS - 1)), "second run of {sync}");
    api.fails.store(true, Ordering::Relaxed);
    let failed = registry.run(run).expect(1).json();
    let message = failed["error"].to_string();
    assert!(message.contains(error) && !message.contains(TOKEN), "{failed:#}");
    check_replay(registry);
    api.fails.store(false, Ordering::Relaxed);
    assert_eq!(counts()["unchanged"], RECORDS - 1, "run of {sync} after an error");
}

/// Replays the last run without a network, and removes its recording.
fn check_replay(registry: &Registry) {
    let file = registry.dir().join("run.jsonl");
    let text = std::fs::read_to_string(&file).expect("a recording");
    assert!(!text.contains(TOKEN), "{text}");
    let replayed = Registry::new().json([std::path::Path::new("replay"), &file, std::path::Path::new("--json")]);
    assert_eq!(replayed["equal"], true, "{replayed:#}");
    std::fs::remove_file(file).expect("a recording");
}

async fn query_notion(
    State(api): State<Api>,
    Path(database): Path<String>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Answer {
    let error = |status: StatusCode, code: &str, message: &str| {
        let body = json!({ "object": "error", "status": status.as_u16(), "code": code, "message": message });
        (status, Json(body))
    };
    if !is_authorized(&headers) {
        return error(StatusCode::UNAUTHORIZED, "unauthorized", "API token is invalid.");
    }
    if headers.get("notion-version").is_none_or(|version| version != "2022-06-28") {
        return error(StatusCode::BAD_REQUEST, "missing_version", "Notion-Version header should be defined.");
    }
    if database != "d1" || api.is_failing() {
        return error(StatusCode::NOT_FOUND, "object_not_found", "Could not find database with ID.");
    }
    let fields = body.as_object().into_iter().flatten();
    let unknown = fields.map(|(name, _)| name.as_str()).find(|name| !["page_size", "start_cursor"].contains(name));
    let limit = body.get("page_size").map_or(Some(100), Value::as_u64);
    let (None, Some(limit @ 1..=100)) = (unknown, limit) else {
        return error(StatusCode::BAD_REQUEST, "validation_error", "body failed validation.");
    };
    let after = body["start_cursor"].as_str().and_then(|cursor| cursor.strip_prefix("page-")?.parse().ok());
    let (ids, next) = api.page(after, usize::try_from(limit).unwrap_or(100));
    let pages: Vec<Value> = ids
        .iter()
        .map(|id| {
            let title = json!([{ "type": "text", "plain_text": format!("Page {id}") }]);
            json!({
                "object": "page", "id": format!("page-{id}"), "url": format!("https://notion.test/{id}"),
                "last_edited_time": "2026-01-02T00:00:00.000Z", "archived": false,
                "properties": { "Name": { "id": "title", "type": "title", "title": title } },
            })
        })
        .collect();
    let next_cursor = next.map(|id| format!("page-{id}"));
    (
        StatusCode::OK,
        Json(json!({ "object": "list", "results": pages, "has_more": next.is_some(), "next_cursor": next_cursor })),
    )
}

#[test]
fn notion_pages_are_read_by_post() {
    let api = Api::new();
    let router = Router::new().route("/v1/databases/{id}/query", post(query_notion)).with_state(api.clone());
    let registry = connected("notion", "bearer", router, r#"{"database_id":"d1"}"#);
    check(&registry, &api, ["notion", "pages", "NotionPage"], "Could not find database with ID.");
    let records = registry.json(["records", "notion", "NotionPage", "--connection", "acme", "--limit", "1", "--json"]);
    assert_eq!(records["records"][0]["title"], "Page 1");
}

async fn query_linear(State(api): State<Api>, headers: HeaderMap, Json(body): Json<Value>) -> Answer {
    let error = |status, message: &str| (status, Json(json!({ "errors": [{ "message": message }], "data": null })));
    if !is_authorized(&headers) {
        return error(StatusCode::UNAUTHORIZED, "Authentication required, not authenticated");
    }
    if api.is_failing() {
        return error(StatusCode::OK, "Query too complex");
    }
    let variables = &body["variables"];
    let declares = |text: &str| body["query"].as_str().is_some_and(|query| query.contains(text));
    let ("ENG", Some(limit @ 1..=250), true) =
        (variables["team"].as_str().unwrap_or_default(), variables["first"].as_u64(), declares("pageInfo"))
    else {
        return error(StatusCode::BAD_REQUEST, "Argument Validation Error");
    };
    let after = variables["after"].as_str().and_then(|cursor| cursor.strip_prefix("cursor-")?.parse().ok());
    let (ids, next) = api.page(after, usize::try_from(limit).unwrap_or(250));
    let nodes: Vec<Value> = ids
        .iter()
        .map(|id| {
            json!({
                "id": format!("id-{id}"), "identifier": format!("ENG-{id}"), "title": "Title",
                "state": { "name": "Todo" }, "assignee": null, "updatedAt": "2026-01-02T00:00:00.000Z",
            })
        })
        .collect();
    // The cursor of the last page is its last issue; `hasNextPage` is false if no page follows.
    let end = ids.last().map(|id| format!("cursor-{id}"));
    let info = json!({ "hasNextPage": next.is_some(), "endCursor": end });
    (StatusCode::OK, Json(json!({ "data": { "issues": { "nodes": nodes, "pageInfo": info } } })))
}

#[test]
fn linear_issues_are_read_by_graphql() {
    let api = Api::new();
    let router = Router::new().route("/graphql", post(query_linear)).with_state(api.clone());
    let registry = connected("linear", "bearer", router, r#"{"team":"ENG"}"#);
    check(&registry, &api, ["linear", "issues", "LinearIssue"], "Query too complex");
}

/// Answers a method of Slack with its list. A failed call has status 200.
fn slack(api: &Api, headers: &HeaderMap, query: &[(String, String)], name: &str, record: fn(usize) -> Value) -> Answer {
    let error = |code: &str| (StatusCode::OK, Json(json!({ "ok": false, "error": code })));
    if !is_authorized(headers) {
        return error("invalid_auth");
    }
    if api.is_failing() {
        return error("missing_scope");
    }
    let limit = parameter(query, "limit").and_then(|limit| limit.parse().ok()).filter(|limit| *limit <= 1000);
    let cursor = parameter(query, "cursor").filter(|cursor| !cursor.is_empty());
    let after = cursor.and_then(|cursor| cursor.strip_prefix("dXNlcjpV")?.parse().ok());
    let (Some(limit), true) = (limit, cursor.is_none() || after.is_some()) else { return error("invalid_cursor") };
    let (ids, next) = api.page(after, limit);
    let records: Vec<Value> = ids.into_iter().map(record).collect();
    let next_cursor = next.map_or_else(String::new, |id| format!("dXNlcjpV{id}"));
    let metadata = json!({ "next_cursor": next_cursor });
    (StatusCode::OK, Json(json!({ "ok": true, name: records, "response_metadata": metadata })))
}

#[test]
fn slack_errors_with_status_200_fail_the_run() {
    type Parameters = Query<Vec<(String, String)>>;
    let users = async |State(api): State<Api>, headers: HeaderMap, Query(query): Parameters| {
        let user =
            |id| json!({ "id": format!("U{id}"), "name": "ada", "deleted": false, "profile": { "real_name": "Ada" } });
        slack(&api, &headers, &query, "members", user)
    };
    let channels = async |State(api): State<Api>, headers: HeaderMap, Query(query): Parameters| {
        let channel = |id| json!({ "id": format!("C{id}"), "name": "general", "is_private": false, "num_members": 3 });
        if parameter(&query, "types") != Some("public_channel,private_channel") {
            return (StatusCode::OK, Json(json!({ "ok": false, "error": "invalid_types" })));
        }
        slack(&api, &headers, &query, "channels", channel)
    };
    for sync in [["slack", "users", "SlackUser"], ["slack", "channels", "SlackChannel"]] {
        let api = Api::new();
        let router = Router::new()
            .route("/users.list", get(users))
            .route("/conversations.list", get(channels))
            .with_state(api.clone());
        check(&connected("slack", "bearer", router, "{}"), &api, sync, "missing_scope");
    }
}

/// Lists objects newest first, as Stripe does: `starting_after` must be the id of an object.
fn stripe(api: &Api, headers: &HeaderMap, query: &[(String, String)], prefix: &str, fields: &Value) -> Answer {
    let error = |status, message: &str| {
        (status, Json(json!({ "error": { "type": "invalid_request_error", "message": message } })))
    };
    if !is_authorized(headers) || api.is_failing() {
        return error(StatusCode::UNAUTHORIZED, "Expired API Key provided");
    }
    let limit = parameter(query, "limit").map_or(Some(10), |limit| limit.parse().ok());
    let Some(limit @ 1..=100) = limit else { return error(StatusCode::BAD_REQUEST, "Invalid integer") };
    let (mut ids, _) = api.page(None, RECORDS);
    ids.reverse();
    if let Some(after) = parameter(query, "starting_after") {
        let found = ids.iter().position(|id| after == format!("{prefix}_{id}"));
        let Some(found) = found else { return error(StatusCode::BAD_REQUEST, "No such object") };
        ids.drain(..=found);
    }
    let has_more = ids.len() > limit;
    let object = |id: &usize| {
        let mut object = fields.clone();
        object["id"] = format!("{prefix}_{id}").into();
        object
    };
    let data: Vec<Value> = ids.iter().take(limit).map(object).collect();
    (StatusCode::OK, Json(json!({ "object": "list", "data": data, "has_more": has_more })))
}

#[test]
fn stripe_lists_continue_after_their_last_object() {
    type Parameters = Query<Vec<(String, String)>>;
    let customers = async |State(api): State<Api>, headers: HeaderMap, Query(query): Parameters| {
        let fields =
            json!({ "object": "customer", "email": "a@example.com", "delinquent": null, "created": 1_700_000_000 });
        stripe(&api, &headers, &query, "cus", &fields)
    };
    let invoices = async |State(api): State<Api>, headers: HeaderMap, Query(query): Parameters| {
        let fields = json!({
            "object": "invoice", "customer": "cus_1", "number": null, "status": "open", "currency": "eur",
            "amount_due": 100, "amount_paid": 0, "created": 1_700_000_000,
        });
        stripe(&api, &headers, &query, "in", &fields)
    };
    for sync in [["stripe", "customers", "StripeCustomer"], ["stripe", "invoices", "StripeInvoice"]] {
        let api = Api::new();
        let router = Router::new()
            .route("/v1/customers", get(customers))
            .route("/v1/invoices", get(invoices))
            .with_state(api.clone());
        check(&connected("stripe", "api-key", router, "{}"), &api, sync, "Expired API Key provided");
    }
}
