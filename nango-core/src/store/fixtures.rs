//! Records, keys, runs and pages for the tests of both databases.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};

use super::{
    Change, DatasetKey, DeletePolicy, FeedRow, FinishScan, FunctionKey, NewRun, Page, ParentEnd, ParentKey, ParentScan,
    ParentWrite, ReadQuery, ResealProgress, RowOutcome, RunToken, Scan, ScanWalk, Store, Write, reseal,
};
use crate::{
    auth::KeyRing,
    declare::{FunctionKind, Merging},
    model::{AsRecord, Batch, Model, ModelInfo, Record},
};

/// The record of all tests.
#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub(super) struct Item {
    pub(super) id: u64,
    pub(super) text: String,
}

impl Model for Item {
    const NAME: &'static str = "Item";
    const INFO: &'static ModelInfo = &ModelInfo {
        name: "Item",
        schema: |generator| generator.subschema_for::<Self>(),
        type_name: std::any::type_name::<Self>,
    };
}
impl AsRecord for Item {
    type Model = Self;

    fn record(&self) -> &Self {
        self
    }
}

impl Record for Item {
    type Id = u64;

    fn id(&self) -> &u64 {
        &self.id
    }
}

/// Returns the key of the sync that writes the records.
pub(super) fn key() -> FunctionKey {
    let [integration, connection, function, variant] = ["github", "acme", "issues", "base"].map(str::to_owned);
    FunctionKey { kind: FunctionKind::Sync, integration, connection, function, variant }
}

/// Returns the key of the dataset of the records.
pub(super) fn dataset() -> DatasetKey {
    let [integration, connection, model, variant] = ["github", "acme", "Item", "base"].map(str::to_owned);
    DatasetKey { integration, connection, model, variant }
}

/// Starts a run of the sync, which does not exclude other runs, with a lease of one minute.
pub(super) async fn begin(store: &(impl Store + ?Sized)) -> RunToken {
    let new = NewRun { key: key(), connection: None, exclusive: false, lease: Duration::from_mins(1) };
    store.start_run(new).await.unwrap()
}

/// Returns a change of the dataset.
pub(super) fn change(write: Write) -> Change {
    Change { dataset: dataset(), merging: Merging::Newer, full_walk: None, parent: None, write }
}

/// Returns a page with a record of this text for each id, requested now.
pub(super) fn page(
    store: &(impl Store + ?Sized),
    run: RunToken,
    ids: impl IntoIterator<Item = u64>,
    text: &str,
) -> Page {
    let mut batch = Batch::default();
    for id in ids {
        batch.push(&Item { id, text: text.to_owned() }).unwrap();
    }
    Page {
        run,
        function: key(),
        requested_at: store.now(),
        changes: vec![change(Write::Save(batch))],
        checkpoint: None,
        resume: None,
        parents: Vec::new(),
        pages: 1,
        requests: 1,
        skipped_invalid: 0,
        logs: Vec::new(),
    }
}

/// Commits such a page, and returns the outcome of each record.
pub(super) async fn save(
    store: &(impl Store + ?Sized),
    run: RunToken,
    ids: impl IntoIterator<Item = u64>,
    text: &str,
) -> Vec<RowOutcome> {
    store.commit(page(store, run, ids, text)).await.unwrap().changes.remove(0).rows
}

/// Commits a page of children of a parent, whose complete walk of the scan ends with the page. Returns the outcome of
/// each record.
pub(super) async fn save_children(
    store: &(impl Store + ?Sized),
    run: RunToken,
    scan: Scan,
    parent: &str,
    ids: impl IntoIterator<Item = u64>,
    text: &str,
) -> Vec<RowOutcome> {
    let mut page = page(store, run, ids, text);
    page.changes[0].parent = Some(ParentKey::of(parent));
    let walk = ScanWalk { complete: true, position_based: false, requests: 1, shifted: false, list_empty: false };
    page.parents = vec![ParentWrite {
        id: parent.to_owned(),
        first_seen_at: None,
        state: None,
        done: Some(1),
        scan: Some(ParentScan { number: scan.number, end: ParentEnd::Ended(walk) }),
        is_early: false,
    }];
    store.commit(page).await.unwrap().changes.remove(0).rows
}

/// Returns the whole feed of the dataset.
pub(super) async fn feed(store: &(impl Store + ?Sized)) -> Vec<FeedRow> {
    store.read(&dataset(), ReadQuery { limit: 10_000, ..ReadQuery::default() }).await.unwrap().records
}

/// Reads the feed after the cursor to its end, and keeps the last state of each record.
pub(super) async fn read_new(
    store: &(impl Store + ?Sized),
    cursor: &mut Option<String>,
    replica: &mut BTreeMap<String, FeedRow>,
) {
    loop {
        let query = ReadQuery { cursor: cursor.clone(), limit: 500, ..ReadQuery::default() };
        let page = store.read(&dataset(), query).await.unwrap();
        for row in page.records {
            *cursor = Some(row.cursor.clone());
            replica.insert(row.id.clone(), row);
        }
        if page.next_cursor.is_none() {
            break;
        }
    }
}

/// Returns the end of a scan without guards: one complete walk confirms a delete.
pub(super) fn unguarded_finish_scan(
    run: RunToken,
    function: FunctionKey,
    dataset: DatasetKey,
    scan: Scan,
) -> FinishScan {
    let walk = ScanWalk { complete: true, position_based: false, requests: 1, shifted: false, list_empty: false };
    let policy = DeletePolicy { allow: true, ..DeletePolicy::default() };
    FinishScan { run, function, dataset, scan, walk, policy, confirmations: Vec::new(), resume: None, by_parent: false }
}

/// Returns this number of new keys in the format of the key variable.
pub(super) fn keys(count: usize) -> String {
    let generate = |_| {
        let mut key = [0; 32];
        getrandom::fill(&mut key).unwrap();
        BASE64_STANDARD.encode(key)
    };
    (0..count).map(generate).collect::<Vec<_>>().join(",")
}

/// Returns a ring of these keys.
pub(super) fn ring(keys: &str) -> Arc<KeyRing> {
    Arc::new(KeyRing::from_key(keys).unwrap())
}

/// Seals everything again with the active key.
pub(super) async fn reseal_all(store: &dyn Store) -> ResealProgress {
    reseal(store, |_| true).await.unwrap()
}
