//! Tests of `delta`: positions that an API returns, incremental runs, expiry, and interruptions.

mod ends;
mod positions;
mod recordings;

use serde_json::{Value, json};

use super::{Fixture, assert_succeeded};
use crate::{
    config::Limits,
    declare::{
        Deletes, Delta, DeltaPosition, Endpoint, InitialValues, Item, ListRequest, Location, MapRecord, Mapper,
        Merging, OnInvalid, Paginate, Registry, SyncDef, SyncRun,
    },
    error::{Error, ErrorKind, Result},
    model::{Change, Mapped, MappedBatch, Record},
    run::{RunReport, RunRequest, Target},
};

/// Record of the feeds.
#[crate::model]
struct FeedItem {
    /// Id of the record.
    id: String,
    /// Content of the record.
    text: String,
}

fn map(raw: &str, batch: &mut MappedBatch) -> Result<()> {
    let value: Value = serde_json::from_str(raw).map_err(|error| Error::new(ErrorKind::Decode, error))?;
    let id = value["id"].as_str().ok_or_else(|| Error::new(ErrorKind::Decode, "it has no id"))?.to_owned();
    let change = match value["text"].as_str() {
        Some(text) => Change::Save(FeedItem { id, text: text.to_owned() }),
        None => Change::Delete(id),
    };
    change.put(&[0], batch)
}

const TOKEN: DeltaPosition = DeltaPosition::Param { param: "sync", path: "sync" };

/// Feed whose position is the cursor of its pages.
fn stream() -> Delta {
    Delta {
        position: DeltaPosition::Param { param: "cursor", path: "after" },
        initial: Some(InitialValues::Metadata(|_, values| values.add("start", &0))),
        initial_names: &["start"],
        end: Some("done"),
        expired: Delta::EXPIRED,
    }
}

/// Feed whose last page has a position beside the pages.
fn synced() -> Delta {
    Delta { position: TOKEN, end: None, ..stream() }
}

/// Sync of a feed.
struct Feed {
    delta: Delta,
    paginate: Option<Paginate>,
    track_deletes: bool,
    deletes: Deletes,
    version: &'static str,
}

impl Feed {
    fn stream() -> Self {
        let paginate = Some(Paginate::provider().response_path("items"));
        Self { delta: stream(), paginate, track_deletes: true, deletes: Deletes::standard(), version: "1.0.0" }
    }

    fn synced() -> Self {
        let paginate = Some(Paginate::cursor("page", "next").response_path("items"));
        Self { delta: synced(), paginate, ..Self::stream() }
    }

    fn linked() -> Self {
        let delta = Delta { position: DeltaPosition::Link { path: "@delta" }, ..synced() };
        let paginate = Some(Paginate::link_in_body("@next").response_path("items"));
        Self { delta, paginate, ..Self::stream() }
    }

    fn registry(self) -> Registry {
        let mapper = Mapper {
            endpoint: Endpoint::Fixed("/feed"),
            request: ListRequest::GET,
            paginate: self.paginate,
            retries: 0,
            since: None,
            errors: &[],
            on_invalid: OnInvalid::Fail,
            each: None,
            delta: Some(Box::leak(Box::new(self.delta))),
            map: MapRecord::Plain(map),
        };
        let def = SyncDef {
            at: Location { file: "src/acme.rs", line: 1, function: "acme::feed" },
            integration: "acme",
            name: "feed",
            description: "",
            version: self.version,
            frequency: None,
            auto_start: false,
            track_deletes: self.track_deletes,
            deletes: self.deletes,
            merging: Merging::Newer,
            scopes: &[],
            models: &[FeedItem::RECORD],
            checkpoint: None,
            metadata: None,
            run: SyncRun::Mapper(Box::leak(Box::new(mapper))),
        };
        Registry::from_items([Item::Sync(Box::leak(Box::new(def)))]).unwrap()
    }

    async fn fixture(self) -> Fixture {
        let fixture =
            Fixture::with_registry_and_limits(self.registry(), "https://api.acme.test", Limits::default()).await;
        fixture.connect(json!({})).await.unwrap();
        fixture
    }
}

impl Fixture {
    /// Adds the response of a page: its records, and further fields.
    fn page(&self, items: impl Into<Value>, mut body: Value) {
        body["items"] = items.into();
        self.script.add("/feed", 200, &[], body);
    }

    /// Adds the response to an expired position.
    fn gone(&self) {
        self.script.add("/feed", 410, &[], json!({ "error": "gone" }));
    }

    /// Runs the sync, which succeeds, and returns its requests.
    async fn feed(&self) -> Vec<String> {
        let before = self.requests().len();
        assert_succeeded(&self.sync("feed").await);
        self.requests().split_off(before)
    }

    /// Runs the sync over the complete list.
    async fn full(&self) -> RunReport {
        let full = RunRequest { full: true, ..Self::request(Target::Sync("feed".into())) };
        self.run(full).await.unwrap()
    }

    /// Returns the live records with their contents, ordered by id.
    async fn contents(&self) -> Vec<String> {
        let mut live = self.live("FeedItem").await;
        live.sort();
        live
    }

    /// Returns whether a line of the log of a run contains a text.
    async fn has_logged(&self, report: &RunReport, text: &str) -> bool {
        let logs = self.runtime.store.logs(report.run).await.unwrap();
        logs.iter().any(|line| line.message.contains(text))
    }
}

fn item(id: &str) -> Value {
    json!({ "id": id, "text": "a" })
}

fn gone_item(id: &str) -> Value {
    json!({ "id": id })
}
