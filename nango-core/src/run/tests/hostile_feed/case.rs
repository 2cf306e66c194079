//! Test case: a feed, several runs with changes, faults and interruptions, and the verification of each run.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard},
};

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{
    super::Fixture,
    api::{FeedApi, FeedForm},
};
use crate::{
    config::Limits,
    declare::{
        Deletes, Endpoint, Item, ListRequest, Location, MapRecord, Mapper, Merging, OnInvalid, Registry, SyncDef,
        SyncRun,
    },
    error::{Error, ErrorKind, Result},
    http::{BoxFuture, OutgoingRequest, RawResponse, Transport, TransportError},
    model::{Change, Mapped, MappedBatch, Record},
    rng::Rng,
    run::{NoopObserver, RunReport, Runtime, Target, execute},
    store::{BASE_VARIANT, DatasetKey, LastAction, ReadQuery},
};

/// Record of the feed.
#[crate::model]
struct HostileChange {
    /// Id of the record.
    id: u64,
    /// Number of changes.
    version: u64,
}

fn map(raw: &str, batch: &mut MappedBatch) -> Result<()> {
    let value: Value = serde_json::from_str(raw).map_err(|error| Error::new(ErrorKind::Decode, error))?;
    let id = value["id"].as_u64().ok_or_else(|| Error::new(ErrorKind::Decode, "it has no id"))?;
    let change = value["version"].as_u64().map(|version| Change::Save(HostileChange { id, version }));
    change.unwrap_or(Change::Delete(id)).put(&[], batch)
}

fn registry(form: FeedForm) -> Registry {
    let (delta, paginate) = form.declaration();
    let mapper = Mapper {
        endpoint: Endpoint::Fixed("/feed"),
        request: ListRequest::GET,
        paginate: Some(paginate),
        retries: 0,
        since: None,
        errors: &[],
        on_invalid: OnInvalid::Fail,
        each: None,
        delta: Some(Box::leak(Box::new(delta))),
        map: MapRecord::Plain(map),
    };
    let def = SyncDef {
        at: Location { file: "src/hostile.rs", line: 1, function: "" },
        integration: "acme",
        name: "feed",
        description: "",
        version: "0.0.1",
        frequency: None,
        auto_start: false,
        track_deletes: true,
        deletes: Deletes { hold: 0, ..Deletes::standard() },
        merging: Merging::Newer,
        scopes: &[],
        models: &[HostileChange::RECORD],
        checkpoint: None,
        metadata: None,
        run: SyncRun::Mapper(Box::leak(Box::new(mapper))),
    };
    Registry::from_items([Item::Sync(Box::leak(Box::new(def)))]).unwrap()
}

/// Counts of all cases.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) runs: u64,
    pub(super) complete: u64,
    pub(super) failed: u64,
    pub(super) deleted: u64,
    pub(super) full_walks: u64,
    pub(super) expired_at_start: u64,
    pub(super) expired_later: u64,
}

#[derive(Debug, Clone)]
struct FeedTransport(Arc<Mutex<FeedApi>>);

impl Transport for FeedTransport {
    fn send(&self, request: OutgoingRequest) -> BoxFuture<'_, Result<RawResponse, TransportError>> {
        Box::pin(async move {
            let (_, url, _, _) = request.into_parts()?;
            self.0.lock().unwrap().respond(&url)
        })
    }
}

struct Case<'a> {
    fixture: Fixture,
    api: FeedTransport,
    tombstones: BTreeSet<u64>,
    /// Whether the next run may resume a walk that an earlier one started.
    may_resume: bool,
    counts: &'a mut Counts,
}

/// Runs the case of a seed.
pub(super) async fn run_case(seed: u64, form: FeedForm, counts: &mut Counts) {
    let api = FeedApi::new(Rng::new(seed), form);
    let _report = api.trace.print_on_failure(format!("NANGO_TEST_SEED={seed} {form:?}"));
    let api = FeedTransport(Arc::new(Mutex::new(api)));
    let fixture = Fixture::with_registry_and_limits(registry(form), "https://api.test", Limits::default())
        .await
        .with_transport(Arc::new(api.clone()));
    fixture.connect(json!({})).await.unwrap();
    let mut case = Case { fixture, api, tombstones: BTreeSet::new(), may_resume: false, counts };
    case.run_with_changes().await;
    case.run_without_changes().await;
    let api = case.api.0.lock().unwrap();
    case.counts.full_walks += api.full_walks;
    case.counts.expired_at_start += api.expired_at_start;
    case.counts.expired_later += api.expired_later;
}

impl Case<'_> {
    fn state(&self) -> MutexGuard<'_, FeedApi> {
        self.api.0.lock().unwrap()
    }

    /// Runs the sync while the list changes and the API misbehaves.
    async fn run_with_changes(&mut self) {
        let runs = 6 + self.state().rng.below(5);
        for number in 0..runs {
            let (full, restart) = {
                let mut api = self.state();
                api.change_percent = *api.rng.choose(&[0, 10, 40]);
                api.fault_percent = if number == 0 { 0 } else { *api.rng.choose(&[0, 5, 20]) };
                if api.rng.percent(15) {
                    api.cancel_after = Some((1 + api.rng.below(4), CancellationToken::new()));
                }
                if api.rng.percent(10) {
                    api.expire();
                }
                (api.rng.percent(5), api.rng.percent(20))
            };
            if restart {
                let Runtime { registry, transport, .. } = &*self.fixture.runtime;
                self.fixture.runtime = self.fixture.rebuild(registry.clone(), transport.clone());
            }
            self.run(full).await;
        }
    }

    /// Runs the sync without changes and faults, as a rule incrementally: the copy equals the list of the API.
    async fn run_without_changes(&mut self) {
        {
            let mut api = self.state();
            (api.change_percent, api.fault_percent, api.cancel_after) = (0, 0, None);
            api.trace.add("quiet".to_owned());
        }
        for _ in 0..5 {
            let report = self.run(false).await;
            // The first page token of an interrupted full walk may have expired: the next run starts over.
            assert!(report.error.is_none() || self.may_resume, "{:?}", report.error);
        }
        let (stored, live) = (self.stored().await, self.state().live());
        assert_eq!(stored, live, "the copy differs from the list of the API");
    }

    async fn run(&mut self, full: bool) -> RunReport {
        let cancellation = {
            let mut api = self.state();
            api.requests = 0;
            api.trace.add(format!("run, full: {full}"));
            api.cancel_after.as_ref().map_or_else(CancellationToken::new, |(_, cancellation)| cancellation.clone())
        };
        let (live, deleted, started_at) = {
            let api = self.state();
            (api.live(), api.deleted.clone(), api.last_change())
        };
        let mut request = Fixture::request(Target::Sync("feed".into()));
        request.full = full;
        let report = execute(&self.fixture.runtime, request, cancellation, Arc::new(NoopObserver)).await.unwrap();
        let end = report.findings.walk.as_ref().filter(|_| report.error.is_none());
        let complete = end.is_some_and(|end| end.outcome.is_complete());
        let shown = format!("→ {:?} {end:?} {:?}", report.status, report.error.as_ref().map(ToString::to_string));
        self.state().trace.add(shown);
        self.state().cancel_after = None;
        self.counts.runs += 1;
        self.counts.complete += u64::from(complete);
        self.counts.failed += u64::from(report.error.is_some());

        let (rows, stored) = (self.rows().await, self.stored().await);
        let tombstones = rows.into_iter().filter(|(_, _, action)| *action == LastAction::Deleted);
        let tombstones: BTreeSet<u64> = tombstones.map(|(id, ..)| id).collect();
        let api = self.api.0.lock().unwrap();
        for id in tombstones.difference(&self.tombstones) {
            assert!(api.deleted.contains(id), "{id} is a tombstone, but was never deleted");
            self.counts.deleted += 1;
        }
        if complete && !self.may_resume {
            for (id, version) in live.iter().filter(|(id, _)| !api.deleted.contains(id)) {
                assert!(stored.get(id) >= Some(version), "{id}, version {version}, is {:?}", stored.get(id));
            }
            if report.findings.deferred_deletes.is_empty() {
                // A record that was restored and deleted again during the run may have been read in between.
                let gone =
                    deleted.iter().filter(|id| !live.contains_key(id) && !api.has_changed_since(**id, started_at));
                let stale: Vec<_> = gone.filter(|id| stored.contains_key(id)).collect();
                assert!(stale.is_empty(), "nothing deletes {stale:?}");
            }
        }
        drop(api);
        self.tombstones = tombstones;
        self.may_resume = report.error.is_some();
        report
    }

    /// Returns the stored records that are not deleted, with their versions.
    async fn stored(&self) -> BTreeMap<u64, u64> {
        let rows = self.rows().await.into_iter().filter(|(_, _, action)| *action != LastAction::Deleted);
        rows.map(|(id, version, _)| (id, version)).collect()
    }

    async fn rows(&self) -> Vec<(u64, u64, LastAction)> {
        let dataset = DatasetKey {
            integration: "acme".into(),
            connection: "one".into(),
            model: "HostileChange".into(),
            variant: BASE_VARIANT.into(),
        };
        let query = ReadQuery { limit: 10_000, ..ReadQuery::default() };
        let page = self.fixture.runtime.store.read(&dataset, query).await.unwrap();
        let version = |payload: &[u8]| serde_json::from_slice::<Value>(payload).unwrap()["version"].as_u64().unwrap();
        page.records
            .iter()
            .map(|row| (row.id.parse().unwrap(), row.payload.as_deref().map_or(0, version), row.last_action))
            .collect()
    }
}
