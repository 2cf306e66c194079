//! The examples of integrations that read a feed, against servers that behave as the public documents of their APIs
//! say: positions that are checked and expire, deleted records in the feed, and errors.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
};

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode},
    routing::get,
};
use nango_tests::Registry;
use serde_json::{Value, json};

use crate::example_apis::{Answer, connected, is_authorized, parameter};

/// Number of records at the start: two pages and a part of a third one.
const RECORDS: u64 = 230;

/// Records of an API, in the order of their last changes.
#[derive(Clone)]
pub(super) struct Feed(Arc<Mutex<FeedState>>);

struct FeedState {
    /// Number of the last change of each record, and whether it was its delete.
    records: BTreeMap<u64, (u64, bool)>,
    last_change: u64,
    /// Maximum number of records in a response.
    page_size: usize,
    /// First position that is still accepted.
    oldest: u64,
    /// Parameters of the requests, in order.
    requests: Vec<Vec<(String, String)>>,
}

impl Feed {
    fn new() -> Self {
        Self::of(RECORDS, 100)
    }

    /// Creates a feed of some records, in pages of this size.
    pub(super) fn of(records: u64, page_size: usize) -> Self {
        let all = (1..=records).map(|id| (id, (id, false))).collect();
        let state = FeedState { records: all, last_change: records, page_size, oldest: 0, requests: Vec::new() };
        Self(Arc::new(Mutex::new(state)))
    }

    fn lock(&self) -> MutexGuard<'_, FeedState> {
        self.0.lock().expect("the feed")
    }

    /// Changes a record as a user of the API does.
    pub(super) fn change(&self, id: u64, is_delete: bool) {
        let mut state = self.lock();
        state.last_change += 1;
        let change = state.last_change;
        state.records.insert(id, (change, is_delete));
    }

    /// Returns the names of the parameters of the requests since the last call.
    fn parameters(&self) -> Vec<String> {
        let requests = std::mem::take(&mut self.lock().requests);
        let names =
            |query: Vec<(String, String)>| query.into_iter().map(|(name, _)| name).collect::<Vec<_>>().join(" ");
        requests.into_iter().map(names).collect()
    }
}

impl FeedState {
    /// Returns the records that changed after a change, at most `limit` in the order of their changes, and whether
    /// these are all.
    fn changes(&self, after: u64, limit: usize) -> (Vec<(u64, u64, bool)>, bool) {
        let records = self.records.iter().map(|(id, (change, is_delete))| (*change, *id, *is_delete));
        let mut rest: Vec<(u64, u64, bool)> = records.filter(|(change, ..)| *change > after).collect();
        rest.sort_unstable();
        let is_last = rest.len() <= limit;
        rest.truncate(limit);
        (rest, is_last)
    }
}

fn run(registry: &Registry, [integration, sync, model]: [&str; 3]) -> Value {
    registry.json(["run", integration, sync, "--connection", "acme", "--json"])["models"][model].clone()
}

type Parameters = Query<Vec<(String, String)>>;

async fn export_tickets(State(feed): State<Feed>, headers: HeaderMap, Query(query): Parameters) -> Answer {
    let error = |status, code: &str| (status, Json(json!({ "error": code, "description": code })));
    if !is_authorized(&headers) {
        return error(StatusCode::UNAUTHORIZED, "Couldn't authenticate you");
    }
    let mut state = feed.lock();
    state.requests.push(query.clone());
    let (start, cursor) = (parameter(&query, "start_time"), parameter(&query, "cursor"));
    let after = match (start, cursor) {
        (Some("0"), None) => Some(0),
        (None, Some(cursor)) => cursor.strip_prefix("MTU3N").and_then(|change| change.parse().ok()),
        _ => None,
    };
    let limit = parameter(&query, "per_page").and_then(|limit| limit.parse().ok()).filter(|limit| *limit <= 1000);
    let (Some(after), Some(limit)) = (after, limit) else { return error(StatusCode::BAD_REQUEST, "InvalidValue") };
    // The server returns fewer tickets than requested, which does not end the export.
    let (changes, is_last) = state.changes(after, state.page_size.min(limit));
    let cursor = changes.last().map_or(after, |(change, ..)| *change);
    let tickets: Vec<Value> = changes
        .into_iter()
        .map(|(change, id, is_delete)| {
            let status = if is_delete { "deleted" } else { "open" };
            json!({
                "id": id, "subject": format!("Change {change}"), "status": status, "priority": "normal",
                "requester_id": 7, "updated_at": "2026-01-02T00:00:00Z",
            })
        })
        .collect();
    let body = json!({
        "tickets": tickets, "after_cursor": format!("MTU3N{cursor}"), "before_cursor": null,
        "after_url": format!("https://acme.zendesk.com/api/v2/incremental/tickets/cursor.json?cursor=MTU3N{cursor}"),
        "end_of_stream": is_last,
    });
    (StatusCode::OK, Json(body))
}

/// Returns Zendesk's incremental export of a feed.
pub(super) fn zendesk(feed: &Feed) -> Router {
    Router::new().route("/api/v2/incremental/tickets/cursor.json", get(export_tickets)).with_state(feed.clone())
}

#[test]
fn zendesk_tickets_are_exported_incrementally() {
    let feed = Feed::new();
    let registry = connected("zendesk", "bearer", zendesk(&feed), "{}");
    let names = ["zendesk", "tickets", "ZendeskTicket"];
    assert_eq!(run(&registry, names)["added"], RECORDS);
    assert_eq!(feed.parameters(), ["per_page start_time", "per_page cursor", "per_page cursor"]);
    feed.change(17, true);
    feed.change(RECORDS + 1, false);
    feed.change(40, false);
    let counts = run(&registry, names);
    assert_eq!((&counts["deleted"], &counts["added"], &counts["updated"]), (&json!(1), &json!(1), &json!(1)));
    assert_eq!(feed.parameters(), ["per_page cursor"], "one page has all changes");
    assert_eq!(run(&registry, names), Value::Null, "nothing has changed");
}

async fn list_events(
    State(feed): State<Feed>,
    Path(calendar): Path<String>,
    headers: HeaderMap,
    Query(query): Parameters,
) -> Answer {
    let error = |status: StatusCode, message: &str| {
        (status, Json(json!({ "error": { "code": status.as_u16(), "message": message } })))
    };
    if !is_authorized(&headers) {
        return error(StatusCode::UNAUTHORIZED, "Invalid Credentials");
    }
    if calendar != "primary" {
        return error(StatusCode::NOT_FOUND, "Not Found");
    }
    let mut state = feed.lock();
    state.requests.push(query.clone());
    let number = |name: &str, prefix: &str| parameter(&query, name)?.strip_prefix(prefix)?.parse::<u64>().ok();
    let sync = number("syncToken", "CPDAlv");
    if sync.is_some_and(|sync| sync < state.oldest) {
        return error(StatusCode::GONE, "Sync token is no longer valid, a full sync is required.");
    }
    let after = number("pageToken", "EiQKGj").or(sync).unwrap_or(0);
    let (changes, is_last) = state.changes(after, state.page_size);
    let next = changes.last().map_or(after, |(change, ..)| *change);
    // The list of all events has no cancelled ones.
    let items: Vec<Value> = changes
        .into_iter()
        .filter(|(_, _, is_delete)| sync.is_some() || !is_delete)
        .map(|(change, id, is_delete)| {
            if is_delete {
                return json!({ "kind": "calendar#event", "id": format!("e{id}"), "status": "cancelled" });
            }
            json!({
                "kind": "calendar#event", "id": format!("e{id}"), "status": "confirmed",
                "summary": format!("Change {change}"),
                "start": { "date": "2026-01-02" }, "end": { "date": "2026-01-03" },
            })
        })
        .collect();
    let mut body = json!({ "kind": "calendar#events", "summary": "acme", "items": items });
    if is_last {
        body["nextSyncToken"] = format!("CPDAlv{next}").into();
    } else {
        body["nextPageToken"] = format!("EiQKGj{next}").into();
    }
    (StatusCode::OK, Json(body))
}

/// Returns Google Calendar's events of a feed.
pub(super) fn google_calendar(feed: &Feed) -> Router {
    Router::new().route("/calendar/v3/calendars/{id}/events", get(list_events)).with_state(feed.clone())
}

#[test]
fn google_calendar_events_are_read_by_sync_tokens() {
    let feed = Feed::new();
    let registry = connected("google-calendar", "bearer", google_calendar(&feed), "{}");
    let names = ["google-calendar", "events", "CalendarEvent"];
    assert_eq!(run(&registry, names)["added"], RECORDS);
    assert_eq!(feed.parameters(), ["maxResults", "maxResults pageToken", "maxResults pageToken"]);
    feed.change(17, true);
    feed.change(RECORDS + 1, false);
    let counts = run(&registry, names);
    assert_eq!((&counts["deleted"], &counts["added"]), (&json!(1), &json!(1)));
    assert_eq!(feed.parameters(), ["maxResults syncToken"]);
    // The token expires, and a delete is lost with it: the complete list lacks the event.
    feed.change(18, true);
    let last_change = feed.lock().last_change;
    feed.lock().oldest = last_change;
    let counts = run(&registry, names);
    assert_eq!((&counts["deleted"], &counts["unchanged"]), (&json!(1), &json!(RECORDS - 1)));
    let requests = feed.parameters();
    assert_eq!(requests.first().map(String::as_str), Some("maxResults syncToken"));
    assert_eq!(requests.get(1).map(String::as_str), Some("maxResults"));
    run(&registry, names);
    assert_eq!(feed.parameters(), ["maxResults syncToken"]);
}
