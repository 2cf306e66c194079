//! Tests of `each`: a walk per parent, its errors, interrupted runs, and deletes.

mod deletes;
mod errors;
mod feeds;
mod interruptions;
mod recordings;
mod several_models;
mod sources;

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Fixture, assert_succeeded};
use crate::{
    config::Limits,
    declare::{
        Deletes, Delta, DeltaPosition, Each, EachRequest, EachScope, Endpoint, ErrorAt, Item, ListRequest, Location,
        MapRecord, Mapper, Merging, OnInvalid, OnParentError, Paginate, ParentElement, ParentSource, Registry,
        SharedMetadata, SharedParent, Since, SinceFormat, SinceFrom, SyncDef, SyncRun,
    },
    error::{Error, ErrorKind, Result},
    model::{Change, Mapped, MappedBatch, Record},
    run::{RunReport, RunRequest, Target},
    store::{RunStatus, SharedStore, sqlite::Sqlite},
};

/// Channel, whose list has messages.
#[crate::model]
struct Channel {
    /// Id of the channel.
    id: String,
}

/// Child: a message of a channel.
#[crate::model]
struct Message {
    /// Id of the message.
    id: String,
    /// Channel whose list returned it last.
    channel: String,
}

fn decode<T: serde::de::DeserializeOwned>(json: &[u8]) -> Result<T> {
    serde_json::from_slice(json).map_err(|error| Error::new(ErrorKind::Decode, error))
}

fn channel_of(scope: &EachScope) -> &str {
    match scope.parent.get::<Channel>() {
        Some(channel) => &channel.id,
        None => scope.parent.get::<Value>().unwrap()["name"].as_str().unwrap(),
    }
}

fn map_channel(raw: &str, batch: &mut MappedBatch) -> Result<()> {
    decode::<Channel>(raw.as_bytes())?.put(&[0], batch)
}

fn map_message(scope: &EachScope, raw: &str, batch: &mut MappedBatch) -> Result<()> {
    let value: Value = decode(raw.as_bytes())?;
    let id = value["id"].as_str().ok_or_else(|| Error::new(ErrorKind::Decode, "it has no id"))?;
    if value["deleted"] == true {
        return Change::<Message>::Delete(id.to_owned()).put(&[0], batch);
    }
    Message { id: id.to_owned(), channel: channel_of(scope).to_owned() }.put(&[0], batch)
}

fn elements(metadata: &SharedMetadata) -> Result<Vec<ParentElement>> {
    let metadata = metadata.get::<Value>().ok_or_else(|| Error::msg("the metadata has another type"))?;
    let list = metadata["channels"].as_array().cloned().unwrap_or_default();
    let mut elements: Vec<ParentElement> = list
        .into_iter()
        .map(|value| ParentElement { id: value.to_string(), value: SharedParent::new(value) })
        .collect();
    elements.sort_by(|a, b| a.id.cmp(&b.id));
    elements.dedup_by(|a, b| a.id == b.id);
    Ok(elements)
}

/// Sync of the messages of all channels.
pub(super) struct Messages {
    parents: ParentSource,
    at_once: usize,
    on_error: OnParentError,
    since: bool,
    has_delta: bool,
    track_deletes: bool,
    errors: Vec<ErrorAt>,
}

impl Messages {
    pub(super) fn of_channels() -> Self {
        let parents = ParentSource::Model {
            model: Channel::RECORD,
            variant: None,
            decode: |json| decode::<Channel>(json).map(SharedParent::new),
        };
        let on_error = OnParentError::Standard;
        let (since, has_delta, track_deletes) = (false, false, true);
        Self { parents, at_once: 1, on_error, since, has_delta, track_deletes, errors: Vec::new() }
    }

    /// Sets the number of lists that are walked at the same time.
    pub(super) fn at_once(self, at_once: usize) -> Self {
        Self { at_once, ..self }
    }

    /// Sets what an error in the list of a parent does.
    pub(super) fn on_error(self, on_error: OnParentError) -> Self {
        Self { on_error, ..self }
    }

    /// Sets whether each list has a feed of changes, whose position is the parameter `sync`.
    pub(super) fn with_delta(self, has_delta: bool) -> Self {
        Self { has_delta, ..self }
    }

    fn of_metadata() -> Self {
        let parents = ParentSource::Metadata { path: "metadata.channels", list: elements };
        Self { parents, ..Self::of_channels() }
    }

    fn registry(self) -> Registry {
        let is_metadata = matches!(self.parents, ParentSource::Metadata { .. });
        let each = Each {
            parents: self.parents,
            at_once: self.at_once,
            on_error: self.on_error,
            metadata: is_metadata.then_some(|metadata| Ok(SharedMetadata::new(metadata))),
            request: EachRequest::NONE,
        };
        let since = Since {
            param: "since",
            format: SinceFormat::Unix,
            from: SinceFrom::RunStart,
            overlap: 0,
            full_every: Some(30 * 86_400),
        };
        let delta = Delta {
            position: DeltaPosition::Param { param: "sync", path: "position" },
            initial: None,
            initial_names: &[],
            end: None,
            expired: Delta::EXPIRED,
        };
        let messages = Mapper {
            endpoint: Endpoint::Each(|scope| Ok(format!("/messages/{}", channel_of(scope))), "/messages/{each.id}"),
            each: Some(Box::leak(Box::new(each))),
            since: self.since.then_some(since),
            delta: if self.has_delta { Some(Box::leak(Box::new(delta))) } else { None },
            errors: self.errors.leak(),
            map: MapRecord::PlainEach(map_message),
            ..channels()
        };
        let deletes = Deletes { hold: 0, ..Deletes::standard() };
        let sync = |name, models, mapper, track_deletes| {
            Item::Sync(Box::leak(Box::new(SyncDef {
                at: Location { file: "src/acme.rs", line: 1, function: name },
                integration: "acme",
                name,
                description: "",
                version: "1.0.0",
                frequency: None,
                auto_start: false,
                track_deletes,
                deletes,
                merging: Merging::Newer,
                scopes: &[],
                models,
                checkpoint: None,
                metadata: None,
                run: SyncRun::Mapper(Box::leak(Box::new(mapper))),
            })))
        };
        Registry::from_items([
            sync("channels", &[Channel::RECORD], channels(), true),
            sync("messages", &[Message::RECORD], messages, self.track_deletes),
        ])
        .unwrap()
    }

    /// Creates a runtime in which the channels are stored.
    pub(super) async fn fixture(self, channels: &[&str]) -> Fixture {
        self.fixture_on(Arc::new(Sqlite::open(":memory:").await.unwrap()), channels).await
    }

    /// Creates a runtime with a database, in which the channels are stored.
    async fn fixture_on(self, store: SharedStore, channels: &[&str]) -> Fixture {
        let limits = Limits::default();
        let fixture = Fixture::with_registry_and_limits(self.registry(), "https://api.acme.test", limits).await;
        let fixture = fixture.with_store(store);
        let elements: Vec<Value> = channels.iter().map(|name| json!({ "name": name })).collect();
        fixture.connect(json!({ "channels": elements })).await.unwrap();
        fixture.set_channels(channels).await;
        fixture
    }
}

/// Mapper of the channels.
fn channels() -> Mapper {
    Mapper {
        endpoint: Endpoint::Fixed("/channels"),
        request: ListRequest::GET,
        paginate: Some(Paginate::cursor("page", "next").response_path("items")),
        retries: 0,
        since: None,
        errors: &[],
        on_invalid: OnInvalid::Fail,
        each: None,
        delta: None,
        map: MapRecord::Plain(map_channel),
    }
}

impl Fixture {
    /// Stores the channels; those that are missing are deleted.
    async fn set_channels(&self, channels: &[&str]) {
        self.list("/channels", channels, None);
        let request = RunRequest { allow_deletes: true, ..Self::request(Target::Sync("channels".into())) };
        assert_succeeded(&self.run(request).await.unwrap());
    }

    /// Adds a page of a list: its ids, and the next page.
    fn list(&self, path: &str, ids: &[&str], next: Option<&str>) {
        let items: Vec<Value> = ids.iter().map(|id| json!({ "id": id })).collect();
        self.script.add(path, 200, &[], json!({ "items": items, "next": next }));
    }

    fn fails(&self, path: &str, status: u16) {
        self.script.add(path, status, &[], json!({ "message": "refused" }));
    }

    /// Runs the sync of the messages, and returns its report and its requests.
    async fn run_messages(&self) -> (RunReport, Vec<String>) {
        self.messages_with(Self::request(Target::Sync("messages".into()))).await
    }

    async fn messages_with(&self, request: RunRequest) -> (RunReport, Vec<String>) {
        let before = self.requests().len();
        let report = self.run(request).await.unwrap();
        (report, self.requests().split_off(before))
    }

    /// Runs the sync of the messages, which succeeds, and returns its requests.
    async fn walked(&self) -> Vec<String> {
        let (report, requests) = self.run_messages().await;
        assert_succeeded(&report);
        requests
    }

    /// Returns the live messages, ordered by id.
    async fn message_ids(&self) -> Vec<String> {
        let mut live = self.live("Message").await;
        live.sort();
        live
    }

    async fn log_lines(&self, report: &RunReport, text: &str) -> usize {
        let logs = self.runtime.store.logs(report.run).await.unwrap();
        logs.iter().filter(|line| line.message.contains(text)).count()
    }
}

fn counts(report: &RunReport) -> (u64, u64) {
    report.findings.parents.map_or((0, 0), |parents| (parents.walked, parents.skipped))
}

#[tokio::test]
async fn list_of_each_parent_is_walked_in_the_order_of_their_ids() {
    let fixture = Messages::of_channels().fixture(&["b", "a", "c"]).await;
    fixture.list("/messages/a", &["a1"], Some("x"));
    fixture.list("/messages/a", &["a2"], None);
    fixture.list("/messages/b", &[], None);
    fixture.list("/messages/c", &["c1"], None);
    let (report, requests) = fixture.run_messages().await;
    assert_succeeded(&report);
    assert_eq!(requests, ["/messages/a", "/messages/a?page=x", "/messages/b", "/messages/c"]);
    assert_eq!((counts(&report), report.totals.pages, report.resumable), ((3, 0), 4, false));
    assert_eq!(fixture.message_ids().await, ["a1", "a2", "c1"]);
    let end = report.findings.walk.unwrap();
    assert!(end.outcome.is_complete() && end.pages == 4, "{end:?}");
}

#[tokio::test]
async fn many_parents_are_walked_once_each() {
    let ids: Vec<String> = (0..300).map(|i| format!("c{i:03}")).collect();
    let channels: Vec<&str> = ids.iter().map(String::as_str).collect();
    let fixture = Messages { at_once: 16, ..Messages::of_channels() }.fixture(&channels).await;
    for id in &ids {
        fixture.list(&format!("/messages/{id}"), &[&format!("{id}-1"), &format!("{id}-2")], None);
    }
    let mut requests = fixture.walked().await;
    requests.sort();
    let expect: Vec<String> = ids.iter().map(|id| format!("/messages/{id}")).collect();
    assert_eq!(requests, expect);
    assert_eq!(fixture.message_ids().await.len(), 600);
}

#[tokio::test]
async fn nothing_is_requested_without_parents() {
    let fixture = Messages::of_channels().fixture(&[]).await;
    let (report, requests) = fixture.run_messages().await;
    assert_succeeded(&report);
    assert_eq!((requests.len(), counts(&report)), (0, (0, 0)));
}

#[tokio::test]
async fn each_parent_has_its_own_since() {
    let fixture = Messages { since: true, ..Messages::of_channels() }.fixture(&["a", "b"]).await;
    let date = |path: &str, date: &str| {
        fixture.script.add(path, 200, &[("date", date)], json!({ "items": [] }));
    };
    date("/messages/a", "Thu, 01 Jan 2026 00:00:01 GMT");
    date("/messages/b", "Thu, 01 Jan 2026 00:00:02 GMT");
    assert_eq!(fixture.walked().await, ["/messages/a", "/messages/b"]);
    fixture.set_channels(&["a", "b", "c"]).await;
    fixture.list("/messages/c", &["c1"], None);
    let expect = ["/messages/a?since=1767225601", "/messages/b?since=1767225602", "/messages/c"];
    assert_eq!(fixture.walked().await, expect, "a new parent is read completely");
}
