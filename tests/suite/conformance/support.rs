//! Helpers of the cases: a database, a sync of one connection, and its pages.

use std::{collections::BTreeMap, ops::Deref, sync::Arc, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use nango_core::Timestamp;
use nango_tests::{
    DatabaseKind, TestDatabase,
    internal::{
        auth::KeyRing,
        declare::{FunctionKind, Merging},
        model::{AsRecord, Batch, Model, ModelInfo, Patch, Record},
        store::{
            self, Change, Committed, DatasetKey, DeletePolicy, FeedPage, FeedRow, FinishScan, FunctionKey,
            NewConnection, NewDueRun, NewRun, Page, PatchRow, ProfileChange, QueuedOptions, ReadQuery, RowOutcome,
            RunEnd, RunStatus, RunToken, Scan, ScanFrom, ScanWalk, SharedStore, StoreError, Write,
        },
    },
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

/// The empty database of a case.
pub(super) struct TestStore {
    store: SharedStore,
    /// A ring of two keys. The store uses it only if it was opened sealed.
    pub ring: Arc<KeyRing>,
    database: TestDatabase,
    /// The directory of a database file.
    dir: TempDir,
}

impl TestStore {
    /// Opens an empty database. Returns `None` if it is not available here, which is then printed.
    pub(super) async fn open(kind: DatabaseKind) -> Option<Self> {
        let database = kind.create_migrated()?;
        let dir = tempfile::tempdir().unwrap();
        let store = store::open(&database.url(dir.path())).await.unwrap();
        Some(Self { store, ring: two_keys(), database, dir })
    }

    /// Opens an empty database with sealed payloads.
    pub(super) async fn open_sealed(kind: DatabaseKind) -> Option<Self> {
        Some(Self::open(kind).await?.enable_encryption().await)
    }

    /// Closes the database and opens it again. An in-memory database stays open, because it would be lost.
    pub(super) async fn reopened(self) -> Self {
        if self.database.kind() == DatabaseKind::SqliteInMemory {
            return self;
        }
        let url = self.database.url(self.dir.path());
        let sealed = self.encryption_settings().await.unwrap().payloads;
        self.store.close().await.unwrap();
        let again = Self { store: store::open(&url).await.unwrap(), ..self };
        if sealed {
            again.use_keys(again.ring.clone(), false).await.unwrap();
        }
        again
    }

    async fn enable_encryption(self) -> Self {
        self.use_keys(self.ring.clone(), true).await.unwrap();
        assert!(self.encryption().await.unwrap().payloads);
        self
    }
}

fn two_keys() -> Arc<KeyRing> {
    let key =
        || BASE64_STANDARD.encode([uuid::Uuid::new_v4().into_bytes(), uuid::Uuid::new_v4().into_bytes()].concat());
    Arc::new(KeyRing::from_key(&format!("{},{}", key(), key())).unwrap())
}

impl Deref for TestStore {
    type Target = SharedStore;

    fn deref(&self) -> &SharedStore {
        &self.store
    }
}

/// The record of all cases. `None` and empty values are not serialized, so that a patch can add a new key.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub(super) struct Doc {
    pub id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    pub n: u64,
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub map: BTreeMap<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<f64>,
    /// The update time at the provider, microseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<i64>,
}

impl Model for Doc {
    const NAME: &'static str = "Doc";
    const INFO: &'static ModelInfo = &ModelInfo {
        name: "Doc",
        schema: |generator| generator.subschema_for::<Self>(),
        type_name: std::any::type_name::<Self>,
    };
}

impl AsRecord for Doc {
    type Model = Self;

    fn record(&self) -> &Self {
        self
    }
}

impl Record for Doc {
    type Id = String;

    const UPDATED: Option<&'static str> = Some("at");

    fn updated_micros(&self) -> Option<i64> {
        self.at
    }

    fn id(&self) -> &String {
        &self.id
    }
}

pub(super) fn doc(id: &str, n: u64) -> Doc {
    Doc { id: id.to_owned(), n, ..Doc::default() }
}

pub(super) fn batch(docs: &[Doc]) -> Batch {
    let mut batch = Batch::default();
    for doc in docs {
        batch.push(doc).unwrap();
    }
    batch
}

pub(super) fn save(docs: &[(&str, u64)]) -> Write {
    Write::Save(batch(&docs.iter().map(|(id, n)| doc(id, *n)).collect::<Vec<_>>()))
}

pub(super) fn delete(ids: &[&str]) -> Write {
    Write::delete(ids.iter().map(|id| (*id).to_owned()))
}

pub(super) fn patch(id: &str, fields: Value) -> Write {
    let Value::Object(fields) = fields else { panic!("a patch is an object") };
    Write::Patch(vec![patch_row(id, fields)])
}

pub(super) fn patch_row(id: &str, fields: Map<String, Value>) -> PatchRow {
    let updated = fields
        .get("at")
        .map_or(Patch::Keep, |at| at.as_i64().map_or(Patch::Null, |at| Patch::Set(Timestamp::from_micros(at))));
    PatchRow { id: id.to_owned(), fields, updated }
}

pub(super) fn dataset(model: &str) -> DatasetKey {
    let [integration, connection, variant] = ["github", "acme", "base"].map(str::to_owned);
    DatasetKey { integration, connection, model: model.to_owned(), variant }
}

pub(super) fn function(name: &str) -> FunctionKey {
    let [integration, connection, variant] = ["github", "acme", "base"].map(str::to_owned);
    FunctionKey { kind: FunctionKind::Sync, integration, connection, function: name.to_owned(), variant }
}

pub(super) const MINUTE: Duration = Duration::from_mins(1);

pub(super) fn new_run(name: &str, lease: Duration) -> NewRun {
    NewRun { key: function(name), connection: None, exclusive: true, lease }
}

pub(super) fn run_end(status: RunStatus) -> RunEnd {
    RunEnd::new(status)
}

pub(super) fn due(key: FunctionKey, due_at: Timestamp) -> NewDueRun {
    NewDueRun { key, due_at, options: QueuedOptions::default() }
}

/// Returns a complete walk with position-based pagination.
pub(super) fn position_walk() -> ScanWalk {
    ScanWalk { position_based: true, ..token_walk() }
}

/// Returns a complete walk with token pagination.
pub(super) fn token_walk() -> ScanWalk {
    ScanWalk { complete: true, position_based: false, requests: 2, shifted: false, list_empty: false }
}

/// A run of a sync that writes to `Doc`.
pub(super) struct TestSync<'a> {
    pub store: &'a SharedStore,
    pub key: FunctionKey,
    pub run: RunToken,
    pub dataset: DatasetKey,
}

impl<'a> TestSync<'a> {
    /// Starts a run of the sync of this name.
    pub(super) async fn begin(store: &'a SharedStore, name: &str) -> Self {
        let run = store.start_run(new_run(name, MINUTE)).await.unwrap();
        Self { store, key: function(name), run, dataset: dataset("Doc") }
    }

    pub(super) async fn end(self) {
        self.store.end_run(&self.run, run_end(RunStatus::Success)).await.unwrap();
    }

    /// Returns a page whose request time is now.
    pub(super) fn page(&self, writes: impl IntoIterator<Item = Write>) -> Page {
        let change = |write| Change {
            dataset: self.dataset.clone(),
            merging: Merging::Newer,
            full_walk: None,
            parent: None,
            write,
        };
        Page {
            skipped_invalid: 0,
            run: self.run,
            function: self.key.clone(),
            requested_at: self.store.now(),
            changes: writes.into_iter().map(change).collect(),
            checkpoint: None,
            resume: None,
            parents: Vec::new(),
            pages: 1,
            requests: 1,
            logs: Vec::new(),
        }
    }

    pub(super) async fn commit(&self, write: Write) -> Vec<RowOutcome> {
        row_outcomes(self.store.commit(self.page([write])).await.unwrap())
    }

    pub(super) async fn save(&self, docs: &[(&str, u64)]) -> Vec<RowOutcome> {
        self.commit(save(docs)).await
    }

    pub(super) async fn scan(&self, resume: bool) -> Scan {
        let from = if resume { ScanFrom::Unfinished } else { ScanFrom::Start };
        self.begin_scan(from, false).await
    }

    pub(super) async fn begin_scan(&self, from: ScanFrom, is_early: bool) -> Scan {
        self.store.begin_scan(&self.run, &self.key, &self.dataset, from, is_early).await.unwrap()
    }

    /// Returns the end of a scan without guards: one complete walk confirms a delete.
    pub(super) fn unguarded_finish(&self, scan: Scan) -> FinishScan {
        FinishScan {
            run: self.run,
            function: self.key.clone(),
            dataset: self.dataset.clone(),
            scan,
            walk: ScanWalk { requests: 1, ..token_walk() },
            policy: DeletePolicy { allow: true, ..DeletePolicy::default() },
            confirmations: Vec::new(),
            resume: None,
            by_parent: false,
        }
    }

    /// Returns the end of a scan without guards, of a complete or incomplete walk, with this number of confirmations.
    pub(super) fn finish(&self, scan: Scan, confirm: u32, complete: bool) -> FinishScan {
        let mut finish = self.unguarded_finish(scan);
        (finish.policy.confirmations, finish.walk.complete) = (Some(confirm), complete);
        finish
    }

    /// Returns the end of a scan with these walk results and this policy.
    pub(super) fn finish_as(&self, scan: Scan, walk: ScanWalk, policy: DeletePolicy) -> FinishScan {
        FinishScan { walk, policy, ..self.unguarded_finish(scan) }
    }

    /// Executes a complete walk that sees these records. Returns the number of deleted and of unconfirmed records.
    pub(super) async fn walk(&self, seen: &[(&str, u64)], confirm: u32) -> (u64, u64) {
        let scan = self.scan(false).await;
        self.save(seen).await;
        let outcome = self.store.finish_scan(self.finish(scan, confirm, true)).await.unwrap();
        (outcome.deleted, outcome.unconfirmed)
    }

    /// Returns the whole feed.
    pub(super) async fn feed(&self) -> Vec<FeedRow> {
        read(self.store, &self.dataset, ReadQuery { limit: 10_000, ..ReadQuery::default() }).await.records
    }

    /// Returns the ids of the feed; deleted ones have the prefix `-`.
    pub(super) async fn ids(&self) -> String {
        ids(&self.feed().await)
    }

    pub(super) async fn row(&self, id: &str) -> FeedRow {
        let mut found = self.store.records_by_id(&self.dataset, vec![id.to_owned()]).await.unwrap();
        assert_eq!(found.len(), 1, "{id}");
        found.remove(0)
    }
}

pub(super) fn row_outcomes(committed: Committed) -> Vec<RowOutcome> {
    committed.changes.into_iter().flat_map(|outcome| outcome.rows).collect()
}

pub(super) fn ids(rows: &[FeedRow]) -> String {
    let name = |row: &FeedRow| if row.deleted_at.is_some() { format!("-{}", row.id) } else { row.id.clone() };
    rows.iter().map(name).collect::<Vec<_>>().join(" ")
}

/// Returns the number of active records of a feed, and the size of their payloads.
pub(super) fn recount(feed: &[FeedRow]) -> (u64, u64) {
    let live = feed.iter().filter(|row| row.deleted_at.is_none());
    let size = |row: &FeedRow| row.payload.as_ref().map_or(0, |payload| payload.len() as u64);
    (live.clone().count() as u64, live.map(size).sum())
}

/// Returns the stored number of active records, and the size of their payloads.
pub(super) async fn stats(store: &TestStore) -> (u64, u64) {
    let all = store.datasets(Some("github"), Some("acme")).await.unwrap();
    assert_eq!(all.len(), 1);
    (all[0].live, all[0].bytes)
}

pub(super) async fn read(store: &SharedStore, dataset: &DatasetKey, query: ReadQuery) -> FeedPage {
    store.read(dataset, query).await.unwrap()
}

pub(super) fn json_of(row: &FeedRow) -> Value {
    serde_json::from_slice(row.payload.as_deref().unwrap()).unwrap()
}

/// Waits until the database's clock has advanced, and returns its time.
pub(super) async fn tick(store: &SharedStore) -> Timestamp {
    let from = store.now();
    while store.now() == from {
        tokio::task::yield_now().await;
    }
    store.now()
}

pub(super) fn connection(id: &str) -> NewConnection {
    let config = json!({ "subdomain": "acme" }).as_object().unwrap().clone();
    NewConnection {
        integration: "github".to_owned(),
        id: id.to_owned(),
        auth: "NONE".to_owned(),
        credentials: b"sealed\0".to_vec(),
        refresh_at: None,
        config,
        metadata: None,
        profile: ProfileChange::default(),
    }
}

#[track_caller]
pub(super) fn assert_lease_lost<T: std::fmt::Debug>(result: Result<T, StoreError>) {
    let error = result.unwrap_err();
    assert!(matches!(error, StoreError::LeaseLost), "{error:?}");
}
