//! Schedules of syncs: creation, changes, due times.

use std::{collections::BTreeMap, time::Duration};

use nango_core::Timestamp;
use nango_tests::internal::store::{FunctionKey, RunStatus, Schedule, ScheduleAdvance, ScheduleChange, ScheduleFilter};
use serde_json::json;

use super::support::*;

const HOUR: Duration = Duration::from_hours(1);

fn syncs(names: &[&str]) -> Vec<(String, String)> {
    names.iter().map(|name| ("github".to_owned(), (*name).to_owned())).collect()
}

fn schedule(key: FunctionKey, next_at: Option<Timestamp>) -> Schedule {
    let interval = next_at.map(|_| HOUR);
    Schedule { key, paused: false, frequency: None, interval, anchor: Timestamp::UNIX_EPOCH, next_at }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

pub(super) async fn sync_of_connection_without_schedule_is_found(store: TestStore) {
    assert_eq!(store.last_connection().await.unwrap(), 0);
    assert_eq!(store.unscheduled(syncs(&["issues"]), 0).await.unwrap(), []);
    store.put_connection(connection("acme")).await.unwrap();
    let first = store.last_connection().await.unwrap();
    let found = store.unscheduled(syncs(&["issues", "pulls"]), 0).await.unwrap();
    assert_eq!(found, [function("issues"), function("pulls")]);
    assert_eq!(store.add_schedules(vec![schedule(function("issues"), None)]).await.unwrap(), 1);
    assert_eq!(store.add_schedules(vec![schedule(function("issues"), Some(at(5)))]).await.unwrap(), 0);
    assert_eq!(store.schedule(&function("issues")).await.unwrap().unwrap().next_at, None);
    assert_eq!(store.unscheduled(syncs(&["issues", "pulls"]), 0).await.unwrap(), [function("pulls")]);
    // A schedule needs a connection.
    let other = FunctionKey { connection: "other".to_owned(), ..function("issues") };
    assert_eq!(store.add_schedules(vec![schedule(other, None)]).await.unwrap(), 0);
    // A replaced connection is not a new one.
    store.put_connection(connection("acme")).await.unwrap();
    assert_eq!(store.last_connection().await.unwrap(), first);
    store.put_connection(connection("two")).await.unwrap();
    assert!(store.last_connection().await.unwrap() > first);
    // Only the connections after a number are read.
    let two = FunctionKey { connection: "two".to_owned(), ..function("issues") };
    assert_eq!(store.unscheduled(syncs(&["issues"]), first).await.unwrap(), [two]);
}

pub(super) async fn schedule_is_changed_in_parts(store: TestStore) {
    store.put_connection(connection("acme")).await.unwrap();
    let key = function("issues");
    let change = ScheduleChange { paused: Some(true), ..ScheduleChange::default() };
    assert!(!store.change_schedule(&key, change.clone()).await.unwrap(), "there is no schedule yet");
    store.add_schedules(vec![schedule(key.clone(), Some(at(100)))]).await.unwrap();
    assert!(store.change_schedule(&key, change).await.unwrap());
    let change = ScheduleChange {
        frequency: Some(Some("every day".to_owned())),
        next: Some((Some(24 * HOUR), Some(at(200)))),
        ..ScheduleChange::default()
    };
    assert!(store.change_schedule(&key, change).await.unwrap());
    let expect = Schedule {
        paused: true,
        frequency: Some("every day".to_owned()),
        interval: Some(24 * HOUR),
        ..schedule(key.clone(), Some(at(200)))
    };
    assert_eq!(store.schedule(&key).await.unwrap(), Some(expect.clone()));
    assert_eq!(store.schedules(ScheduleFilter::default()).await.unwrap(), [expect]);
    let none = ScheduleFilter { sync: Some("pulls".to_owned()), ..ScheduleFilter::default() };
    assert_eq!(store.schedules(none).await.unwrap(), []);
    let change = ScheduleChange { paused: Some(false), frequency: Some(None), next: None };
    assert!(store.change_schedule(&key, change).await.unwrap());
    let changed = store.schedule(&key).await.unwrap().unwrap();
    assert_eq!((changed.paused, changed.frequency, changed.next_at), (false, None, Some(at(200))));
    assert!(store.remove_schedule(&key).await.unwrap());
    assert!(!store.remove_schedule(&key).await.unwrap());
    assert_eq!(store.schedule(&key).await.unwrap(), None);
}

pub(super) async fn due_schedule_is_enqueued_once_per_due_time(store: TestStore) {
    store.put_connection(connection("acme")).await.unwrap();
    for (name, due) in [("issues", Some(at(10))), ("pulls", Some(at(20))), ("labels", Some(at(30))), ("manual", None)] {
        store.add_schedules(vec![schedule(function(name), due)]).await.unwrap();
    }
    let paused = ScheduleChange { paused: Some(true), ..ScheduleChange::default() };
    store.change_schedule(&function("labels"), paused).await.unwrap();
    let all = syncs(&["issues", "pulls", "labels", "manual"]);
    assert_eq!(store.due_schedules(at(9), all.clone(), 10).await.unwrap(), []);
    assert_eq!(store.next_due_at(at(9)).await.unwrap(), Some(at(10)));
    let due = store.due_schedules(at(50), all.clone(), 10).await.unwrap();
    let names: Vec<_> = due.iter().map(|due| due.schedule.key.function.as_str()).collect();
    assert_eq!(names, ["issues", "pulls"], "neither the paused one nor the one without a due time");
    assert_eq!(store.due_schedules(at(50), all.clone(), 1).await.unwrap().len(), 1);
    assert_eq!(store.due_schedules(at(50), syncs(&["pulls"]), 10).await.unwrap().len(), 1, "of known syncs only");

    let advance = |enqueue| ScheduleAdvance {
        key: function("issues"),
        was_due_at: at(10),
        next_at: Some(at(3610)),
        interval: Some(HOUR),
        enqueue,
    };
    store.advance_schedules(at(50), vec![advance(true)]).await.unwrap();
    let run = store.due_run_of(&function("issues")).await.unwrap().unwrap();
    assert_eq!((run.due_at, run.is_blocked), (at(50), false));
    // Another process read the same due time.
    store.advance_schedules(at(51), vec![advance(true)]).await.unwrap();
    assert_eq!(store.due_run(run.id).await.unwrap(), Some(run));
    let skipped = ScheduleAdvance { was_due_at: at(20), key: function("pulls"), ..advance(false) };
    store.advance_schedules(at(51), vec![skipped]).await.unwrap();
    assert_eq!(store.due_run_of(&function("pulls")).await.unwrap(), None);
    assert_eq!(store.due_schedules(at(60), all, 10).await.unwrap(), []);
    assert_eq!(store.next_due_at(at(60)).await.unwrap(), Some(at(3610)));
}

pub(super) async fn activities_of_many_syncs_are_those_of_each_sync(store: TestStore) {
    store.put_connection(connection("acme")).await.unwrap();
    for status in [RunStatus::Success, RunStatus::Error, RunStatus::Interrupted] {
        let run = store.start_run(new_run("issues", HOUR)).await.unwrap();
        store.end_run(&run, run_end(status)).await.unwrap();
    }
    store.start_run(new_run("issues", HOUR)).await.unwrap();
    store.enqueue_run(due(function("issues"), at(10))).await.unwrap();
    store.enqueue_run(due(function("pulls"), at(20))).await.unwrap();
    store.set_checkpoint(&function("labels"), Some(json!({"page": 3}))).await.unwrap();
    // Runs of other functions and of other variants.
    store.start_run(new_run("users", HOUR)).await.unwrap();
    let variant = FunctionKey { variant: "v".to_owned(), ..function("issues") };
    store.set_checkpoint(&variant, Some(json!(1))).await.unwrap();

    let keys = ["issues", "pulls", "labels", "unknown", "with\0null"].map(function);
    let mut found = store.sync_activities(keys.to_vec()).await.unwrap();
    for key in &keys {
        let activity = found.remove(key).unwrap_or_default();
        assert_eq!(activity.due, store.due_run_of(key).await.unwrap(), "{key:?}");
        assert_eq!(activity.runs, store.runs_of(key, 2).await.unwrap(), "{key:?}");
        assert_eq!(activity.checkpoint, store.checkpoint(key).await.unwrap(), "{key:?}");
        let has_any = (activity.due.is_some(), activity.runs.len(), activity.checkpoint.version);
        let expect = match key.function.as_str() {
            "issues" => (true, 2, 0),
            "pulls" => (true, 0, 0),
            "labels" => (false, 0, 1),
            _ => (false, 0, 0),
        };
        assert_eq!(has_any, expect, "{key:?}");
    }
    assert_eq!(found, BTreeMap::new(), "only the selected syncs");
}

pub(super) async fn schedules_end_with_their_connection(store: TestStore) {
    store.put_connection(connection("acme")).await.unwrap();
    store.add_schedules(vec![schedule(function("issues"), Some(at(10)))]).await.unwrap();
    let run = store.enqueue_run(due(function("issues"), at(10))).await.unwrap();
    store.remove_connection("github", "acme").await.unwrap();
    assert_eq!(store.schedule(&function("issues")).await.unwrap(), None);
    assert_eq!(store.due_run(run).await.unwrap(), None);
    assert_eq!(store.check(false).await.unwrap().findings, []);
}
