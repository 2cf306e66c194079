//! Invariants of a scenario, checked after its crashes.
//!
//! The database is named by a URL and accessed through the store's traits, so that the checks work for every backend.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use nango_core::internal::store::{
    self, DatasetKey, DeletePolicy, FeedRow, FinishScan, FunctionKey, ModelCounts, NewRun, ReadQuery, RunEnd,
    RunStatus, ScanFrom, ScanWalk, SharedStore,
};
use nango_tests::wait;

use super::{proof_sync::ProofSync, replica::Replica, scenario::Scenario};

impl Scenario {
    /// Opens the database in this process and passes the store to a function.
    fn with_store<T: Send + 'static, F: Future<Output = T> + Send>(
        &self,
        query: impl FnOnce(SharedStore) -> F + Send + 'static,
    ) -> T {
        let url = self.url.clone();
        wait(async move {
            let store = store::open(&url).await.expect("a database");
            let result = query(store.clone()).await;
            store.close().await.expect("a close");
            result
        })
    }

    /// Verifies that the runs since the last check added, updated and deleted exactly what changed at the API: the
    /// pages of killed runs were counted once, with their records.
    pub(super) fn verify_counters(&mut self, sync: ProofSync) {
        let (total, running) = self.with_store(move |store| async move {
            let runs = store.runs_of(&sync.function(), 100_000).await.expect("runs");
            let mut total = ModelCounts::default();
            for counts in runs.iter().filter_map(|run| run.totals.models.get(sync.model())) {
                total.added += counts.added;
                total.updated += counts.updated;
                total.deleted += counts.deleted;
                total.skipped_newer += counts.skipped_newer;
            }
            (total, runs.iter().filter(|run| run.status == RunStatus::Running).count())
        });
        let now = self.upstream_records(sync);
        let sync_state = &mut self.sync_states[sync as usize];
        let count = |counts: fn(Option<&String>, Option<&String>) -> bool| {
            let ids: BTreeSet<_> = sync_state.verified_records.keys().chain(now.keys()).collect();
            ids.into_iter().filter(|id| counts(sync_state.verified_records.get(*id), now.get(*id))).count() as u64
        };
        let expect = ModelCounts {
            added: sync_state.verified_counts.added + count(|before, now| before.is_none() && now.is_some()),
            updated: sync_state.verified_counts.updated
                + count(|before, now| before.is_some() && now.is_some() && before != now),
            deleted: sync_state.verified_counts.deleted + count(|before, now| before.is_some() && now.is_none()),
            ..ModelCounts::default()
        };
        assert_eq!((total, running), (expect, 0), "counters of {}", sync.name());
        (sync_state.verified_counts, sync_state.verified_records) = (total, now);
    }

    /// Verifies the cache, its sizes, the reader's replica, checkpoint, resume state and scan.
    pub(super) fn verify(&mut self, sync: ProofSync) {
        let (rows, sizes, checkpoint, resume, resumed, total) = self.with_store(move |store| async move {
            let (function, dataset) = (sync.function(), sync.dataset());
            let rows = rows_of(&store, &dataset).await;
            let sizes = store.datasets(Some("proof"), Some("acme")).await.expect("sizes");
            let sizes = sizes.into_iter().find(|one| one.dataset == dataset).expect("a dataset");
            let checkpoint = store.checkpoint(&function).await.expect("a checkpoint").value;
            let resume = store.resume_state(&function).await.expect("a resume state");
            let mut runs = store.runs_of(&function, 100_000).await.expect("runs");
            runs.extend(store.runs_of(&sync.handler(), 100_000).await.expect("runs"));
            let counts = runs.iter().filter_map(|run| run.totals.models.get(sync.model()));
            let total: i64 = counts.map(|one| one.added.cast_signed() - one.deleted.cast_signed()).sum();
            let mut resumed = is_scan_unfinished(&store, &function, &dataset).await;
            if let Some(parts) = sync.parts() {
                resumed |= is_scan_unfinished(&store, &function, &parts).await;
            }
            (rows, sizes, checkpoint, resume, resumed, total)
        });
        let expect = texts(&self.upstream_records(sync));
        let (mut live_records, mut bytes, mut seen) = (BTreeMap::new(), 0, BTreeSet::new());
        for row in &rows {
            assert!(seen.insert(row.id.clone()), "{} is there twice", row.id);
            let payload = row.payload.as_ref().expect("a payload");
            if row.deleted_at.is_none() {
                bytes += payload.len() as u64;
                live_records.insert(row.id.clone(), String::from_utf8_lossy(payload).into_owned());
            } else {
                assert!(!expect.contains_key(&row.id), "{} exists at the API and is deleted in the cache", row.id);
            }
        }
        assert_eq!((sizes.live, sizes.bytes), (live_records.len() as u64, bytes), "sizes and their recount");
        assert_same_records(&texts(&live_records), &expect, "the cache and the API");
        assert_eq!(
            total,
            i64::try_from(live_records.len()).expect("a count"),
            "added minus deleted, and the number of live records"
        );
        assert_eq!(
            (checkpoint, resume.is_some(), resumed),
            (None, sync.stores_position(), false),
            "checkpoint, resume state, an unfinished scan"
        );
        self.verify_parts(sync, &texts(&live_records));
        self.verify_replica(sync);
        self.sync_states[sync as usize].verified_records = self.upstream_records(sync);
        self.sync_states[sync as usize].verified_counts = self.counts_of_all_runs(sync);
    }

    /// Verifies that each live record has its part and no other, if the sync saves parts. `live` contains the texts.
    fn verify_parts(&self, sync: ProofSync, live: &BTreeMap<String, String>) {
        let Some(parts) = sync.parts() else { return };
        let stored = self.with_store(move |store| async move { live_payloads(&store, &parts).await });
        let expect = live.iter().map(|(id, text)| (format!("{id}/{}", text.len()), text.clone())).collect();
        assert_same_records(&texts(&stored), &expect, "the parts and their records");
    }

    /// Verifies, also after a kill, that the two models of a sync have the same records: both were written and deleted
    /// together, or neither was.
    pub(super) fn verify_models_agree(&self, sync: ProofSync) {
        let Some(parts) = sync.parts() else { return };
        let (records, parts) = self.with_store(move |store| async move {
            (live_payloads(&store, &sync.dataset()).await, live_payloads(&store, &parts).await)
        });
        let part_of = |(id, text): (String, String)| (format!("{id}/{}", text.len()), text);
        let (expect, stored): (BTreeMap<_, _>, _) = (texts(&records).into_iter().map(part_of).collect(), texts(&parts));
        if sync == ProofSync::Mapped {
            return assert_same_records(&stored, &expect, "the parts and their records after a kill");
        }
        // The earlier line of a changed order is deleted by the end of the scan; each order has its present line.
        let present = stored.iter().filter(|(id, _)| expect.contains_key(*id));
        let present = present.map(|(id, text)| (id.clone(), text.clone())).collect();
        assert_same_records(&present, &expect, "the lines of the orders after a kill");
        let orphans: Vec<_> =
            stored.keys().filter(|id| id.split('/').next().is_none_or(|id| !records.contains_key(id))).collect();
        assert!(orphans.is_empty(), "these lines are not deleted with their orders: {orphans:?}");
    }

    /// Runs a function that continues a feed, and verifies that the position at which it continued was not ahead of
    /// the rows that were stored before. For other syncs, it only runs the function.
    pub(super) fn verify_position_is_not_ahead(&mut self, sync: ProofSync, run: impl FnOnce(&mut Self)) {
        if !sync.stores_position() {
            return run(self);
        }
        let stored = self.with_store(move |store| async move { live_payloads(&store, &sync.dataset()).await });
        self.upstream.forget_first_request(sync.name());
        let before = self.upstream.changes(sync.name());
        run(self);
        let Some(position) = self.upstream.first_position(sync.name()) else { return };
        self.verified_positions += 1;
        let (stored, mut expect) = (texts(&stored), BTreeMap::new());
        let mut found = BTreeMap::new();
        for (id, _, record) in before.into_iter().filter(|(_, number, _)| *number <= position) {
            found.extend(stored.get_key_value(&id).map(|(id, text)| (id.clone(), text.clone())));
            expect.extend(record.map(|record| (id, record)));
        }
        assert_same_records(&found, &texts(&expect), "the rows and the changes before the stored position");
    }

    /// Verifies that the reader that followed its cursor has the same records as the API.
    pub(super) fn verify_replica(&mut self, sync: ProofSync) {
        let expect = texts(&self.upstream_records(sync));
        let replica = &mut self.sync_states[sync as usize].replica;
        replica.read(&self.registry, sync, None);
        assert_same_records(&replica.live_records, &expect, "the replica and the API");
    }

    /// Returns the reader of a sync.
    pub(super) fn replica(&mut self, sync: ProofSync) -> &mut Replica {
        &mut self.sync_states[sync as usize].replica
    }

    fn counts_of_all_runs(&self, sync: ProofSync) -> ModelCounts {
        self.with_store(move |store| async move {
            let mut total = ModelCounts::default();
            for run in store.runs_of(&sync.function(), 100_000).await.expect("runs") {
                let counts = run.totals.models.get(sync.model()).copied().unwrap_or_default();
                total.added += counts.added;
                total.updated += counts.updated;
                total.deleted += counts.deleted;
            }
            total
        })
    }
}

/// Returns all rows of a dataset, with its tombstones.
async fn rows_of(store: &SharedStore, dataset: &DatasetKey) -> Vec<FeedRow> {
    let (mut rows, mut cursor) = (Vec::new(), None);
    loop {
        let query = ReadQuery { cursor, limit: 1000, ..ReadQuery::default() };
        let page = store.read(dataset, query).await.expect("a page");
        rows.extend(page.records);
        cursor = page.next_cursor;
        if cursor.is_none() {
            return rows;
        }
    }
}

/// Returns the payloads of the records of a dataset that are not deleted.
async fn live_payloads(store: &SharedStore, dataset: &DatasetKey) -> BTreeMap<String, String> {
    let live = rows_of(store, dataset).await.into_iter().filter(|row| row.deleted_at.is_none());
    let payload = |row: &FeedRow| String::from_utf8_lossy(row.payload.as_ref().expect("a payload")).into_owned();
    live.map(|row| (row.id.clone(), payload(&row))).collect()
}

/// Returns whether a dataset has an unfinished scan, which would be resumed, and closes it.
async fn is_scan_unfinished(store: &SharedStore, function: &FunctionKey, dataset: &DatasetKey) -> bool {
    let lease = Duration::from_secs(5);
    let new = NewRun { key: function.clone(), connection: None, exclusive: true, lease };
    let run = store.start_run(new).await.expect("a run");
    let scan = store.begin_scan(&run, function, dataset, ScanFrom::Unfinished, false).await.expect("a scan");
    // Without a complete walk the scan is only closed.
    let closed = FinishScan {
        run,
        function: function.clone(),
        dataset: dataset.clone(),
        scan,
        walk: ScanWalk::combined(&[], true),
        policy: DeletePolicy::default(),
        confirmations: Vec::new(),
        resume: None,
        by_parent: false,
    };
    store.finish_scan(closed).await.expect("a closed scan");
    let status = RunStatus::Success;
    let end = RunEnd::new(status);
    store.end_run(&run, end).await.expect("an end");
    scan.resumed
}

/// Returns the texts of records by id.
pub(super) fn texts(collection: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let text = |json: &str| serde_json::from_str::<serde_json::Value>(json).expect("JSON")["text"].clone();
    collection.iter().map(|(id, json)| (id.clone(), text(json).as_str().expect("a text").to_owned())).collect()
}

/// Compares and reports only the differences: maps of thousands of records are unreadable.
#[track_caller]
pub(super) fn assert_same_records(found: &BTreeMap<String, String>, expect: &BTreeMap<String, String>, what: &str) {
    let differs = |(id, text): (&String, &String), other: &BTreeMap<String, String>| {
        (other.get(id) != Some(text)).then(|| id.clone())
    };
    let extra: Vec<_> = found.iter().filter_map(|one| differs(one, expect)).collect();
    let missing: Vec<_> = expect.iter().filter_map(|one| differs(one, found)).collect();
    assert!(extra.is_empty() && missing.is_empty(), "{what}: too many or old {extra:?}, missing {missing:?}");
}
