//! Simulation of an API whose records are added, changed and removed, a walk over it in pages, and handlers that report
//! some changes.
//!
//! Pages are in flight: the API and the handlers continue between the request of a page and its commit. A walk is
//! interrupted from time to time and resumed by another run. In every case, a record that existed at the API for the
//! whole walk is not deleted by it; and if every change was reported, the cache equals the API.

use std::{collections::BTreeMap, ops::Bound};

use nango_tests::{
    internal::store::{RowOutcome, RunStatus, Scan, ScanFrom, SharedStore, Write},
    rng::{self, Rng},
    step_log::StepLog,
};

use super::{
    readers::{Replica, ReplicaRow, check_sizes, read_feed, replica_row},
    step_count,
};
use crate::conformance::support::{Doc, TestStore, TestSync, batch, doc, row_outcomes, run_end, tick};

/// A record of the API, and the step since which it has existed without a gap.
#[derive(Debug, Clone)]
struct ApiRecord {
    doc: Doc,
    present_since: usize,
}

struct Walk {
    scan: Scan,
    began: usize,
    /// The last id of the last page.
    resume_point: Option<String>,
}

struct Simulation<'a> {
    store: &'a SharedStore,
    rng: Rng,
    step_log: StepLog,
    api: BTreeMap<String, ApiRecord>,
    /// The steps in which records were removed that do not exist now.
    removed_at_step: BTreeMap<String, usize>,
    walker: TestSync<'a>,
    handler: TestSync<'a>,
    walk: Option<Walk>,
    /// Whether handlers report every change.
    reports_all_changes: bool,
    replica: Replica,
}

pub(in crate::conformance) async fn complete_walk_deletes_no_live_record(store: TestStore) {
    for reports_all in [true, false] {
        let seed = rng::seed();
        let mut simulation = Simulation {
            store: &store,
            rng: Rng::new(seed),
            step_log: StepLog::new(format!("NANGO_TEST_SEED={seed}")),
            api: BTreeMap::new(),
            removed_at_step: BTreeMap::new(),
            walker: TestSync::begin(&store, "walker").await,
            handler: TestSync::begin(&store, "handler").await,
            walk: None,
            reports_all_changes: reports_all,
            replica: Replica::default(),
        };
        // Records of the first simulation do not exist at the API of the second one: its first walk deletes them.
        let mut walks = 0;
        for step in 0..step_count(700) {
            simulation.step_log.step = step;
            walks += u64::from(simulation.step().await);
        }
        assert!(walks > 3, "{walks} walks were finished");
        simulation.finish_without_changes().await;
    }
}

impl Simulation<'_> {
    /// Executes one step and returns whether it finished a walk.
    async fn step(&mut self) -> bool {
        match self.rng.below(10) {
            0..3 => self.change_api().await,
            3 => self.interrupt().await,
            4 => {
                let pages = self.rng.below(4);
                self.replica.follow(self.store, &self.walker.dataset, &mut self.rng, pages).await;
            }
            _ => return self.continue_walk().await,
        }
        false
    }

    /// Adds, changes or removes a record of the API. A handler may report the change.
    async fn change_api(&mut self) {
        let id = format!("r{:02}", self.rng.below(60));
        let step = self.step_log.step;
        let reports_all = self.reports_all_changes || self.rng.one_in(2);
        tick(self.store).await;
        let write = if self.rng.one_in(3) {
            if self.api.remove(&id).is_some() {
                self.removed_at_step.insert(id.clone(), step);
            }
            self.step_log.note(&format!("{id} is removed, reported: {reports_all}"));
            Write::delete([id])
        } else {
            let record = doc(&id, self.rng.below(1000));
            let since = self.api.get(&id).map_or(step, |record| record.present_since);
            self.api.insert(id.clone(), ApiRecord { doc: record.clone(), present_since: since });
            self.removed_at_step.remove(&id);
            self.step_log.note(&format!("{id} is {}, reported: {reports_all}", record.n));
            Write::Save(batch(&[record]))
        };
        if reports_all {
            tick(self.store).await;
            self.handler.commit(write).await;
            if self.rng.one_in(9) {
                self.store.end_run(&self.handler.run, run_end(RunStatus::Success)).await.unwrap();
                self.handler = TestSync::begin(self.store, "handler").await;
            }
        }
    }

    async fn interrupt(&mut self) {
        self.store.end_run(&self.walker.run, run_end(RunStatus::Interrupted)).await.unwrap();
        self.walker = TestSync::begin(self.store, "walker").await;
        if let Some(walk) = &mut self.walk {
            let from = ScanFrom::Number(walk.scan.number);
            let TestSync { run, key, dataset, .. } = &self.walker;
            walk.scan = self.store.begin_scan(run, key, dataset, from, false).await.unwrap();
            assert!(walk.scan.resumed);
            self.step_log.note("the walk is interrupted and resumed");
        }
    }

    /// Requests a page, executes other changes, and commits the page.
    async fn continue_walk(&mut self) -> bool {
        let Some(walk) = &self.walk else {
            let scan = self.walker.scan(false).await;
            self.walk = Some(Walk { scan, began: self.step_log.step, resume_point: None });
            self.step_log.note("a walk begins");
            return false;
        };
        let requested_at = tick(self.store).await;
        let after = walk.resume_point.as_ref().map_or(Bound::Unbounded, |id| Bound::Excluded(id.clone()));
        let size = 1 + self.rng.index(9);
        let docs: Vec<Doc> =
            self.api.range((after, Bound::Unbounded)).take(size).map(|(_, record)| record.doc.clone()).collect();
        for _ in 0..self.rng.below(3) {
            self.change_api().await;
        }
        let Some(last) = docs.last() else { return self.finish().await };
        let resume_point = Some(last.id.clone());
        let mut page = self.walker.page([Write::Save(batch(&docs))]);
        page.requested_at = requested_at;
        let outcomes = row_outcomes(self.store.commit(page).await.unwrap());
        let ids: Vec<_> = docs.iter().map(|doc| &*doc.id).collect();
        self.step_log.note(&format!("a page of {}: {outcomes:?}", ids.join(" ")));
        assert!(!outcomes.contains(&RowOutcome::Duplicate));
        if let Some(walk) = &mut self.walk {
            walk.resume_point = resume_point;
        }
        false
    }

    async fn finish(&mut self) -> bool {
        let Some(walk) = self.walk.take() else { return false };
        let finish = self.walker.finish(walk.scan, 1, true);
        let finished = self.store.finish_scan(finish).await.unwrap();
        self.step_log.note(&format!("the walk ends: {finished:?}"));
        let cache = self.cache().await;
        for (id, record) in self.api.iter().filter(|(_, record)| record.present_since < walk.began) {
            let active = cache.get(id).is_some_and(|(_, live)| *live);
            assert!(active, "{id} existed for the whole walk (since step {}) and is deleted", record.present_since);
        }
        for (id, (_, live)) in &cache {
            let removed_before =
                !self.api.contains_key(id) && self.removed_at_step.get(id).is_none_or(|step| *step < walk.began);
            assert!(!(removed_before && *live), "{id} did not exist during the whole walk and is still active");
        }
        if self.reports_all_changes {
            assert_eq!(live_docs(cache), self.api_docs());
        }
        true
    }

    /// Executes a complete walk without changes, after which all unreported changes are stored.
    async fn finish_without_changes(&mut self) {
        self.walk = None;
        let scan = self.walker.scan(false).await;
        let docs: Vec<Doc> = self.api.values().map(|record| record.doc.clone()).collect();
        tick(self.store).await;
        self.walker.commit(Write::Save(batch(&docs))).await;
        self.store.finish_scan(self.walker.finish(scan, 1, true)).await.unwrap();
        let cache = self.cache().await;
        assert_eq!(live_docs(cache.clone()), self.api_docs());
        let dataset = &self.walker.dataset;
        assert!(self.replica.follow(self.store, dataset, &mut self.rng, u64::MAX).await);
        assert_eq!(self.replica.rows, cache);
        check_sizes(self.store, dataset, &read_feed(self.store, dataset).await).await;
        for sync in [&self.walker, &self.handler] {
            self.store.end_run(&sync.run, run_end(RunStatus::Success)).await.unwrap();
        }
    }

    async fn cache(&self) -> BTreeMap<String, ReplicaRow> {
        let feed = read_feed(self.store, &self.walker.dataset).await;
        feed.iter().map(|row| (row.id.clone(), replica_row(row))).collect()
    }

    fn api_docs(&self) -> BTreeMap<String, Doc> {
        self.api.iter().map(|(id, record)| (id.clone(), record.doc.clone())).collect()
    }
}

fn live_docs(cache: BTreeMap<String, ReplicaRow>) -> BTreeMap<String, Doc> {
    cache.into_iter().filter(|(_, (_, live))| *live).filter_map(|(id, (doc, _))| Some((id, doc?))).collect()
}
