//! Test case: a list, its API, several runs with changes, faults and interruptions, and the verification of each run.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard},
};

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{
    super::Fixture,
    api::HostileApi,
    settings::{CaseSettings, Parts},
    style::PositionCarrier,
    transport::ApiTransport,
    upstream::Upstream,
};
use crate::{
    config::Limits,
    declare::{Pagination, Registry},
    rng::Rng,
    run::{NoopObserver, RunReport, Runtime, Target, execute},
    store::{BASE_VARIANT, DatasetKey, LastAction, ReadQuery},
};

/// Counts of all cases.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) walks: u64,
    pub(super) complete: u64,
    pub(super) deleted: u64,
    pub(super) faults: u64,
    pub(super) resumed: u64,
    /// Number of walks whose rate of false deletes is checked, and of their false deletes.
    pub(super) position_walks: (u64, u64),
    /// Number of other position-based walks, and of their false deletes.
    pub(super) other_walks: (u64, u64),
    /// Number of updates that incremental runs alone did not save.
    pub(super) late_updates: u64,
}

/// Number of consecutive misses of a record, as counted by the oracle.
#[derive(Debug, Default, Clone)]
struct Missed {
    walks: u64,
    needed: u64,
    shifted: bool,
}

struct Case<'a> {
    setting: CaseSettings,
    fixture: Fixture,
    api: ApiTransport,
    missed: BTreeMap<u64, Missed>,
    tombstones: BTreeSet<u64>,
    counts: &'a mut Counts,
}

/// Runs the case of a seed.
pub(super) async fn run_case(seed: u64, setting: Option<CaseSettings>, counts: &mut Counts) {
    let mut rng = Rng::new(seed);
    let setting = setting.unwrap_or_else(|| CaseSettings::random(&mut rng));
    let hostile_api = HostileApi::new(rng, Upstream::new(setting.order, setting.size), setting.style.clone());
    let _report = hostile_api.trace.print_on_failure(format!("NANGO_TEST_SEED={seed}\n{setting:?}"));
    let api = ApiTransport(Arc::new(Mutex::new(hostile_api)));
    let registry = Registry::from_items([setting.sync()]).unwrap();
    let fixture = Fixture::with_registry_and_limits(registry, "https://api.test", Limits::default())
        .await
        .with_transport(Arc::new(api.clone()));
    fixture.connect(json!({})).await.unwrap();
    let (missed, tombstones) = (BTreeMap::new(), BTreeSet::new());
    let mut case = Case { setting, fixture, api, missed, tombstones, counts };
    case.run_with_changes().await;
    case.run_without_changes().await;
}

impl Case<'_> {
    fn state(&self) -> MutexGuard<'_, HostileApi> {
        self.api.0.lock().unwrap()
    }

    /// Runs the sync while the list changes and the API misbehaves.
    async fn run_with_changes(&mut self) {
        for number in 0..self.setting.runs {
            let (full, restart) = {
                let mut hostile_api = self.state();
                hostile_api.change_percent = self.setting.change_percent;
                // In half of the cases the first run has no faults.
                hostile_api.fault_percent = if number == 0 { 0 } else { self.setting.fault_percent };
                if hostile_api.rng.percent(15) {
                    let cancellation = (1 + hostile_api.rng.below(8), CancellationToken::new());
                    hostile_api.cancel_after = Some(cancellation);
                }
                (hostile_api.rng.percent(20), hostile_api.rng.percent(20))
            };
            if restart {
                self.restart();
            }
            self.run(full).await;
            let mut hostile_api = self.state();
            let HostileApi { upstream, rng, .. } = &mut *hostile_api;
            upstream.now += 60;
            upstream.refill(rng);
        }
    }

    /// Creates a runtime with the same database, as a new process would.
    fn restart(&mut self) {
        let Runtime { registry, transport, .. } = &*self.fixture.runtime;
        self.fixture.runtime = self.fixture.rebuild(registry.clone(), transport.clone());
    }

    /// Runs the sync without changes and faults: differences are repaired, and removed records are deleted.
    async fn run_without_changes(&mut self) {
        {
            let mut hostile_api = self.state();
            (hostile_api.change_percent, hostile_api.fault_percent, hostile_api.cancel_after) = (0, 0, None);
            hostile_api.trace.add("quiet".to_owned());
        }
        let well_behaved = self.setting.style.is_well_behaved();
        if self.setting.since.is_some() {
            for _ in 0..3 {
                self.run(false).await;
            }
            let late = self.differences().await;
            if well_behaved && self.setting.forbids_false_deletes() && !self.setting.style.null_when_empty {
                assert!(late.is_empty(), "incremental runs lost {late:?}");
            }
            self.counts.late_updates += late.len() as u64;
        }
        for number in 0..5 {
            let report = self.run(true).await;
            let end = report.findings.walk.as_ref();
            if well_behaved {
                assert!(report.error.is_none(), "{:?}", report.error);
                assert!(end.is_some_and(|end| end.outcome.is_complete()), "quiet run {number}: {end:?}");
                // A resumed walk may have started while the list changed.
                if number >= 1 || self.state().from_start {
                    let late = self.differences().await;
                    assert!(late.is_empty(), "a full run lacks {late:?}");
                }
            }
        }
        if well_behaved {
            let live = self.stored().await;
            let hostile_api = self.state();
            let there: BTreeSet<u64> = hostile_api
                .upstream
                .entries
                .iter()
                .map(|entry| entry.id)
                .filter(|id| hostile_api.is_visible(*id))
                .collect();
            let stale: Vec<_> = live.keys().filter(|id| !there.contains(id)).collect();
            assert!(stale.is_empty(), "nothing deletes {stale:?}");
        }
    }

    async fn run(&mut self, full: bool) -> RunReport {
        let before = self.stored().await;
        let cancellation = {
            let mut hostile_api = self.state();
            hostile_api.injected.clear();
            // A repeated page of an earlier attempt cannot be detected, because only its resume point was stored.
            hostile_api.clear_last_reply();
            hostile_api.from_start = false;
            hostile_api.trace.add(format!("run, full: {full}"));
            hostile_api
                .cancel_after
                .as_ref()
                .map_or_else(CancellationToken::new, |(_, cancellation)| cancellation.clone())
        };
        let mut request = Fixture::request(Target::Sync("hostile".into()));
        request.full = full;
        let report =
            execute(&self.fixture.runtime, request, cancellation.clone(), Arc::new(NoopObserver)).await.unwrap();
        let end = report.findings.walk.clone();
        let line = format!("→ {:?} {:?} {:?}", report.status, end, report.error.as_ref().map(ToString::to_string));
        self.state().trace.add(line);
        self.state().cancel_after = None;
        self.verify_run(&report, &before, cancellation.is_cancelled()).await;
        self.verify_parts().await;
        report
    }

    async fn verify_run(&mut self, report: &RunReport, before: &BTreeMap<u64, u64>, cancelled: bool) {
        let after = self.stored().await;
        let no_false_deletes = self.setting.forbids_false_deletes();
        let single = self.setting.style.carrier == PositionCarrier::Single;
        let token = single || (self.setting.style.is_token() && self.setting.order.is_stable());
        let tombstones = self.stored_tombstones().await;
        let mut hostile_api = self.api.0.lock().unwrap();
        let hostile_api = &mut *hostile_api;
        let end = report.findings.walk.as_ref().filter(|_| report.error.is_none());
        let complete = end.is_some_and(|end| end.outcome.is_complete());
        let counts = &mut *self.counts;
        counts.walks += 1;
        counts.complete += u64::from(complete);
        counts.faults += hostile_api.injected.len() as u64;
        counts.resumed += u64::from(!hostile_api.from_start);

        if complete && hostile_api.from_start {
            let fatal = hostile_api.injected.iter().find(|fault| fault.is_fatal());
            assert!(fatal.is_none(), "a walk with {fatal:?} is {end:?}");
        }
        let WalkRecords { required, served, since } = WalkRecords::of(hostile_api);
        if complete && token {
            let lacks: Vec<_> = required.iter().filter(|id| !served.contains(id)).collect();
            assert!(lacks.is_empty(), "a complete walk lacks {lacks:?}");
            let missing: Vec<_> = required.iter().filter(|id| !after.contains_key(id)).collect();
            assert!(missing.is_empty(), "the database lacks {missing:?}");
        }
        if let Some(end) = end.filter(|end| end.pages > 1) {
            let reported = end.pagination == Pagination::Token;
            assert_eq!(reported, self.setting.style.is_token(), "{end:?}");
        }

        // Records that a run read are not missed; a cancelled run may have dropped its last pages.
        if !cancelled {
            self.missed.retain(|id, _| !served.contains(id));
        }
        if let Some(end) = end.filter(|_| complete && since.is_none()) {
            let position = end.pagination == Pagination::Position && end.pages > 1;
            let needed = if position { if end.pages > 50 { 3 } else { 2 } } else { 1 };
            for id in before.keys().filter(|id| !served.contains(id)) {
                let missed = self.missed.entry(*id).or_default();
                missed.walks += 1;
                missed.needed = missed.needed.max(needed);
                missed.shifted |= end.shifted && position;
            }
        }
        let mut wrong = 0;
        for id in tombstones.iter().filter(|id| !self.tombstones.contains(id)) {
            let exists = !hostile_api.upstream.deleted.contains(id);
            if exists {
                wrong += 1;
                assert!(!no_false_deletes, "{id} is a tombstone, but exists");
            }
            counts.deleted += u64::from(!exists);
            if self.setting.request.is_none() {
                let missed = self.missed.get(id).cloned().unwrap_or_default();
                let confirmed = missed.walks >= missed.needed.max(1) + u64::from(missed.shifted);
                // An interrupted attempt may have received a page that it did not commit.
                let uncommitted = !hostile_api.from_start && !exists;
                assert!(confirmed || uncommitted, "{id} (exists: {exists}) is a tombstone after {missed:?}");
            }
        }
        self.tombstones = tombstones;
        if !self.setting.style.is_token() || !self.setting.order.is_stable() {
            let plain = self.setting.style.is_plain_by_number()
                && self.setting.order.is_stable()
                && self.setting.change_percent <= 10;
            let group = if plain { &mut counts.position_walks } else { &mut counts.other_walks };
            group.0 += 1;
            group.1 += wrong;
            if wrong > 0 {
                println!("{wrong} false deletes: {:?}", self.setting);
            }
        }
    }

    /// Verifies that the rows of the second model are those of the records.
    async fn verify_parts(&self) {
        let items = self.rows().await;
        let rows = |rows: Vec<(String, u64, LastAction)>, only_live: bool| {
            let rows = rows.into_iter().map(|(id, version, action)| (id, version, action == LastAction::Deleted));
            rows.filter(|(_, _, is_deleted)| !(only_live && *is_deleted)).collect::<BTreeSet<_>>()
        };
        let (expected, only_live): (Vec<_>, bool) = match self.setting.parts {
            Parts::None => return,
            Parts::Saved => (items.into_iter().map(|(id, at, action)| (id.to_string(), at, action)).collect(), false),
            Parts::Replaced => {
                (items.into_iter().map(|(id, at, action)| (format!("{id}.{at}"), at, action)).collect(), true)
            }
        };
        let parts = self.rows_of("HostilePart").await;
        assert_eq!(rows(parts, only_live), rows(expected, only_live), "parts and records differ");
    }

    /// Returns the stored records that are not deleted, with their versions.
    async fn stored(&self) -> BTreeMap<u64, u64> {
        let rows = self.rows().await.into_iter().filter(|(_, _, action)| *action != LastAction::Deleted);
        rows.map(|(id, version, _)| (id, version)).collect()
    }

    async fn stored_tombstones(&self) -> BTreeSet<u64> {
        let rows = self.rows().await.into_iter().filter(|(_, _, action)| *action == LastAction::Deleted);
        rows.map(|(id, _, _)| id).collect()
    }

    async fn rows(&self) -> Vec<(u64, u64, LastAction)> {
        let rows = self.rows_of("HostileItem").await;
        rows.into_iter().map(|(id, version, action)| (id.parse().unwrap(), version, action)).collect()
    }

    /// Returns ids, versions and last actions of the rows of a model.
    async fn rows_of(&self, model: &str) -> Vec<(String, u64, LastAction)> {
        let dataset = DatasetKey {
            integration: "acme".into(),
            connection: "one".into(),
            model: model.into(),
            variant: BASE_VARIANT.into(),
        };
        let query = ReadQuery { limit: 10_000, ..ReadQuery::default() };
        let page = self.fixture.runtime.store.read(&dataset, query).await.unwrap();
        let version = |payload: &[u8]| serde_json::from_slice::<Value>(payload).unwrap()["version"].as_u64().unwrap();
        page.records
            .iter()
            .map(|row| (row.id.clone(), row.payload.as_deref().map_or(0, version), row.last_action))
            .collect()
    }

    /// Returns the records that are missing or outdated in the database.
    async fn differences(&self) -> Vec<u64> {
        let stored = self.stored().await;
        let hostile_api = self.state();
        let there = hostile_api.upstream.entries.iter().filter(|entry| hostile_api.is_visible(entry.id));
        there.filter(|entry| stored.get(&entry.id) != Some(&entry.version)).map(|entry| entry.id).collect()
    }
}

/// Records that a walk must have read, and records that it read.
struct WalkRecords {
    required: Vec<u64>,
    served: BTreeSet<u64>,
    since: Option<i64>,
}

impl WalkRecords {
    fn of(hostile_api: &HostileApi) -> Self {
        let walk = &hostile_api.walk;
        let required = walk.at_start.iter().copied().filter(|id| !hostile_api.upstream.deleted.contains(id)).collect();
        Self { required, served: walk.served.clone(), since: walk.since }
    }
}
