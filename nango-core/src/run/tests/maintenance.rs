//! Tests of maintenance around runs: failing setups, emptied datasets, retention.

use std::time::Duration;

use super::*;
use crate::{
    config::Retention,
    declare::FunctionKind,
    run::{empty, retain},
    store::{FunctionKey, NewRun, PruneUntil, RunEnd, RunStatus, SharedStore, prune_all},
    time::Timestamp,
};

impl Fixture {
    /// Creates a fixture with another database.
    async fn on_store(store: SharedStore) -> Self {
        let fixture = Self::without_connection().await.with_store(store);
        fixture.connect(json!({ "space": "a" })).await.unwrap();
        fixture
    }

    /// Adds responses of `/things` for the hand-written syncs: one page and the end.
    fn things(&self, ids: &[u64]) {
        let page = ids.iter().map(|id| json!({ "id": id, "name": "t" })).collect::<Value>();
        self.script.add("/things", 200, &[], page);
        self.script.add("/things", 200, &[], json!([]));
    }
}

fn key(name: &str) -> FunctionKey {
    let [integration, connection, variant] = ["acme", "one", BASE_VARIANT].map(str::to_owned);
    FunctionKey { kind: FunctionKind::Sync, integration, connection, function: name.to_owned(), variant }
}

#[tokio::test]
async fn checkpoint_that_cannot_be_written_fails_the_run_at_once() {
    let fixture = Fixture::on_store(Arc::new(Sqlite::refusing_checkpoints().await.unwrap())).await;
    let checkpoint = Some(json!({ "page": 2 }));
    let request = RunRequest { checkpoint, ..Fixture::request(Target::Sync("by-hand".into())) };
    let report = fixture.run(request).await.unwrap();
    assert_eq!(report.status, RunStatus::Error);
    assert!(report.error.is_some_and(|error| error.kind() == crate::ErrorKind::Store));
    assert_eq!(fixture.requests(), [""; 0]);
    let run = fixture.runtime.store.run(report.run).await.unwrap().unwrap();
    assert_eq!((run.status, run.finished_at.is_some()), (RunStatus::Error, true));
    // The lease was released: the next run need not wait for its expiry.
    let next = NewRun { key: key("by-hand"), connection: None, exclusive: true, lease: Duration::from_secs(1) };
    fixture.runtime.store.start_run(next).await.unwrap();
}

#[tokio::test]
async fn reset_with_empty_cache_adds_all_records_again() {
    let fixture = Fixture::new().await;
    fixture.things(&[1, 2, 3]);
    assert_succeeded(&fixture.sync("by-hand").await);
    fixture.things(&[3, 4]);
    let request = Fixture::request(Target::Sync("by-hand".into()));
    let report = fixture.run(RunRequest { reset: true, empty_cache: true, ..request.clone() }).await.unwrap();
    assert_succeeded(&report);
    assert_eq!(report.totals.models["Thing"].added, 2);
    // There are no tombstones, because the rows were removed.
    let added = |id: &str| (id.to_owned(), LastAction::Added);
    assert_eq!(fixture.records("Thing").await, [added("3"), added("4")]);
    // It has no effect without `reset`, because a sync that resumes would not save the records again.
    fixture.things(&[5]);
    assert_succeeded(&fixture.run(RunRequest { empty_cache: true, ..request }).await.unwrap());
    assert_eq!(fixture.live("Thing").await, ["3", "4", "5"]);
}

#[tokio::test]
async fn emptied_dataset_is_filled_from_the_first_page() {
    let fixture = Fixture::new().await;
    let store = &fixture.runtime.store;
    fixture.things(&[1, 2]);
    assert_succeeded(&fixture.sync("by-hand").await);
    store.set_checkpoint(&key("by-hand"), Some(json!({ "page": 7 }))).await.unwrap();
    assert_eq!(empty(&fixture.runtime, &Fixture::dataset("Thing")).await.unwrap(), 2);
    assert_eq!(fixture.records("Thing").await, []);
    assert_eq!(store.checkpoint(&key("by-hand")).await.unwrap().value, None);
    let last = store.runs_of(&key("by-hand"), 1).await.unwrap().remove(0);
    assert_eq!(last.status, RunStatus::Success);
    let line = store.logs(last.id).await.unwrap().remove(0);
    assert_eq!(line.message, "`Thing` was emptied of 2 records; the next run starts from the beginning");
    assert_eq!(empty(&fixture.runtime, &Fixture::dataset("Thing")).await.unwrap(), 0);
}

#[tokio::test]
async fn dataset_is_not_emptied_while_a_run_holds_its_lease() {
    let fixture = Fixture::new().await;
    let store = &fixture.runtime.store;
    fixture.things(&[1, 2]);
    assert_succeeded(&fixture.sync("by-hand").await);
    let running = NewRun { key: key("by-offset"), connection: None, exclusive: true, lease: Duration::from_mins(1) };
    let token = store.start_run(running).await.unwrap();
    let refused = empty(&fixture.runtime, &Fixture::dataset("Thing")).await.unwrap_err();
    assert!(refused.to_string().contains("`by-offset` is already running"), "{refused}");
    assert_eq!(fixture.live("Thing").await, ["1", "2"]);
    // The leases that were acquired are released again.
    fixture.things(&[3]);
    assert_succeeded(&fixture.sync("by-hand").await);
    store.end_run(&token, RunEnd::new(RunStatus::Success)).await.unwrap();
    assert_eq!(empty(&fixture.runtime, &Fixture::dataset("Thing")).await.unwrap(), 3);
}

#[tokio::test]
async fn retention_prunes_and_empties_what_its_dry_run_reported() {
    let fixture = Fixture::new().await;
    let store = &fixture.runtime.store;
    fixture.things(&[1, 2]);
    assert_succeeded(&fixture.sync("by-hand").await);
    let (long, none) = (Duration::from_hours(1), Duration::ZERO);
    let with = |prune_after, delete_after| Retention { prune_after, delete_after, ..Retention::default() };
    tokio::time::sleep(Duration::from_millis(5)).await;
    for limits in [Retention::default(), with(Some(long), Some(long))] {
        assert_eq!(retain(&fixture.runtime, limits, false).await.unwrap(), crate::run::RetentionReport::default());
    }
    let dry = retain(&fixture.runtime, with(Some(none), Some(long)), true).await.unwrap();
    assert_eq!((dry.pruned.len(), dry.pruned[0].records, dry.emptied.len()), (1, 2, 0));
    let before = store.datasets(None, None).await.unwrap();
    assert_eq!(dry.pruned[0].bytes, before[0].bytes);
    assert_eq!(retain(&fixture.runtime, with(Some(none), Some(long)), false).await.unwrap(), dry);
    let after = store.datasets(None, None).await.unwrap();
    assert_eq!((after[0].live, after[0].bytes), (2, 0));

    let dry = retain(&fixture.runtime, with(None, Some(none)), true).await.unwrap();
    assert_eq!((dry.pruned.len(), dry.emptied.len(), dry.emptied[0].records), (0, 1, 2));
    assert_eq!(fixture.live("Thing").await.len(), 2);
    // A run of a sync counts as use, even if it saved nothing.
    fixture.things(&[]);
    assert_succeeded(&fixture.sync("by-hand").await);
    let used_at = retain(&fixture.runtime, with(None, Some(none)), true).await.unwrap().emptied[0].last_used_at;
    assert!(used_at > dry.emptied[0].last_used_at);
    store.set_checkpoint(&key("by-hand"), Some(json!({ "page": 7 }))).await.unwrap();
    assert_eq!(retain(&fixture.runtime, with(None, Some(none)), false).await.unwrap().emptied.len(), 1);
    assert_eq!(fixture.records("Thing").await, []);
    assert_eq!(store.checkpoint(&key("by-hand")).await.unwrap().value, None);
    let again = retain(&fixture.runtime, with(Some(none), Some(none)), false).await.unwrap();
    assert_eq!(again, crate::run::RetentionReport::default());
}

#[tokio::test]
async fn pruned_dataset_continues_to_sync() {
    let fixture = Fixture::new().await;
    fixture.things(&[1, 2]);
    assert_succeeded(&fixture.sync("by-hand").await);
    prune_all(&fixture.runtime.store, &Fixture::dataset("Thing"), PruneUntil::Before(Timestamp::MAX)).await.unwrap();
    fixture.things(&[1, 2, 3]);
    let report = fixture.sync("by-hand").await;
    assert_succeeded(&report);
    let counts = report.totals.models["Thing"];
    assert_eq!((counts.added, counts.updated, counts.unchanged), (1, 0, 2));
}
