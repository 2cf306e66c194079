//! Slack's `users.conversations` and `conversations.history`, as its documentation describes them: the messages of a
//! channel come newest first, only for channels that the bot has joined, and errors have status 200.

use std::{
    collections::BTreeMap,
    ops::Range,
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    extract::{Query, State},
    http::{HeaderMap, StatusCode},
    routing::get,
};
use serde_json::{Value, json};

use super::{Answer, TOKEN, connected, is_authorized, parameter};

/// Number of messages in the first channel: a page of 200 and a part of a second one.
const MESSAGES: u64 = 230;
/// Second of the first message.
const FIRST: u64 = 1_700_000_000;
/// Second of a message that is newer than every run.
const LATER: u64 = 4_102_444_800;

/// A workspace with its channels and messages.
#[derive(Clone)]
pub(in super::super) struct Workspace {
    /// Channels that the bot has joined.
    joined: Arc<Mutex<Vec<&'static str>>>,
    /// Seconds of the messages of each channel.
    messages: Arc<Mutex<BTreeMap<&'static str, Vec<u64>>>>,
    /// Error of every request.
    error: Arc<Mutex<Option<&'static str>>>,
    /// Maximum number of messages in a response.
    page_size: usize,
}

impl Workspace {
    /// Creates a workspace with the messages of its channels, all of which the bot has joined.
    pub(in super::super) fn new(
        messages: impl IntoIterator<Item = (&'static str, Range<u64>)>,
        page_size: usize,
    ) -> Self {
        let seconds = |range: Range<u64>| range.map(|second| FIRST + second).collect();
        let messages: BTreeMap<_, Vec<u64>> =
            messages.into_iter().map(|(channel, range)| (channel, seconds(range))).collect();
        let joined = messages.keys().copied().collect();
        let (joined, messages) = (Arc::new(Mutex::new(joined)), Arc::new(Mutex::new(messages)));
        Self { joined, messages, error: Arc::default(), page_size }
    }

    /// Adds a message that is newer than every run.
    pub(in super::super) fn post(&self, channel: &'static str) {
        self.messages.lock().expect("the messages").entry(channel).or_default().push(LATER);
    }

    /// Removes the bot from a channel.
    pub(in super::super) fn leave(&self, channel: &str) {
        self.joined.lock().expect("the channels").retain(|joined| *joined != channel);
    }

    /// Returns the methods of the API.
    pub(in super::super) fn router(&self) -> Router {
        Router::new()
            .route("/users.conversations", get(conversations))
            .route("/conversations.history", get(history))
            .with_state(self.clone())
    }

    fn has_joined(&self, channel: &str) -> bool {
        self.joined.lock().expect("the channels").contains(&channel)
    }

    fn set_error(&self, error: Option<&'static str>) {
        *self.error.lock().expect("the error") = error;
    }

    fn answer(&self, headers: &HeaderMap, body: impl FnOnce() -> Result<Value, &'static str>) -> Answer {
        let error = if is_authorized(headers) { *self.error.lock().expect("the error") } else { Some("invalid_auth") };
        let body = error.map_or_else(body, Err);
        (StatusCode::OK, Json(body.unwrap_or_else(|error| json!({ "ok": false, "error": error }))))
    }

    fn conversations(&self, query: &[(String, String)]) -> Result<Value, &'static str> {
        if parameter(query, "types") != Some("public_channel,private_channel") {
            return Err("invalid_types");
        }
        let joined = self.joined.lock().expect("the channels");
        let channel = |id: &&str| json!({ "id": id, "name": "general", "is_channel": true, "is_private": false });
        let channels: Vec<Value> = joined.iter().map(channel).collect();
        Ok(json!({ "ok": true, "channels": channels, "response_metadata": { "next_cursor": "" } }))
    }

    /// Returns the messages of a channel after `oldest`, newest first.
    fn history(&self, query: &[(String, String)]) -> Result<Value, &'static str> {
        let channel = parameter(query, "channel").ok_or("invalid_arguments")?;
        let messages = self.messages.lock().expect("the messages");
        let seconds = messages.get(channel).ok_or("channel_not_found")?;
        if !self.has_joined(channel) {
            return Err("not_in_channel");
        }
        let oldest: u64 = parameter(query, "oldest").map_or(Ok(0), str::parse).map_err(|_error| "invalid_ts_oldest")?;
        let limit: usize = parameter(query, "limit").map_or(Ok(100), str::parse).map_err(|_error| "invalid_limit")?;
        let before = match parameter(query, "cursor") {
            Some(cursor) => {
                cursor.strip_prefix("bmV4dF90czo").and_then(|ts| ts.parse().ok()).ok_or("invalid_cursor")?
            }
            None => u64::MAX,
        };
        let mut rest: Vec<u64> =
            seconds.iter().copied().filter(|second| *second < before && *second >= oldest).collect();
        rest.sort_unstable_by(|a, b| b.cmp(a));
        let page: Vec<u64> = rest.iter().copied().take(limit.min(self.page_size)).collect();
        let next = page.last().filter(|_| rest.len() > page.len());
        let message = |second: &u64| json!({ "type": "message", "user": "U1", "text": format!("at {second}"), "ts": format!("{second}.000100") });
        let messages: Vec<Value> = page.iter().map(message).collect();
        let mut body = json!({ "ok": true, "messages": messages, "has_more": next.is_some(), "pin_count": 0 });
        if let Some(next) = next {
            body["response_metadata"] = json!({ "next_cursor": format!("bmV4dF90czo{next}") });
        }
        Ok(body)
    }
}

type Parameters = Query<Vec<(String, String)>>;

async fn conversations(State(api): State<Workspace>, headers: HeaderMap, Query(query): Parameters) -> Answer {
    api.answer(&headers, || api.conversations(&query))
}

async fn history(State(api): State<Workspace>, headers: HeaderMap, Query(query): Parameters) -> Answer {
    api.answer(&headers, || api.history(&query))
}

#[test]
fn slack_messages_are_read_from_each_channel_that_the_bot_has_joined() {
    let api = Workspace::new([("C1", 0..MESSAGES), ("C2", 0..3), ("C3", 0..0)], 999);
    let registry = connected("slack", "bearer", api.router(), "{}");
    let channels = || registry.json(["run", "slack", "joined-channels", "--connection", "acme", "--json"]);
    let run = ["run", "slack", "messages", "--connection", "acme", "--json"];
    let full = || registry.json(["run", "slack", "messages", "--connection", "acme", "--full", "--json"]);
    let counts = |report: &Value| report["models"]["SlackMessage"].clone();

    channels();
    let first = registry.json(run);
    assert_eq!(counts(&first)["added"], MESSAGES + 3, "{first:#}");
    assert_eq!((&first["parents"], &first["parents_skipped"]), (&json!(3), &json!(0)), "{first:#}");

    // The next run requests new messages only.
    api.post("C2");
    let second = registry.json(run);
    let found = counts(&second);
    assert_eq!((&found["added"], &found["unchanged"], &found["deleted"]), (&json!(1), &json!(0), &json!(0)));

    // The bot leaves a channel: its messages stay until the channel is deleted.
    api.leave("C2");
    let left = full();
    assert_eq!((&left["parents_skipped"], &counts(&left)["deleted"]), (&json!(1), &json!(0)), "{left:#}");
    assert_eq!(channels()["models"]["SlackJoinedChannel"]["deleted"], 1);
    let gone = full();
    assert_eq!(counts(&gone)["deleted"], 4, "{gone:#}");

    api.set_error(Some("token_revoked"));
    let failed = registry.run(run).expect(1).json();
    let message = failed["error"].to_string();
    assert!(message.contains("token_revoked") && !message.contains(TOKEN), "{failed:#}");
    api.set_error(None);
    assert_eq!(counts(&full())["unchanged"], MESSAGES);
}
