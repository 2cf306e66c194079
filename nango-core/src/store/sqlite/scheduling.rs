//! Schedules and due runs: the traits over the units of work.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{Sqlite, activities, cancellation, claims, queue, runs, schedules};
use crate::{
    store::{
        ClaimRequest, ClaimedRun, DueRun, DueSchedule, ExpiredRun, FunctionKey, NewDueRun, NextAttempt, Queue, Run,
        RunCounts, RunEnd, RunToken, Schedule, ScheduleAdvance, ScheduleChange, ScheduleFilter, Schedules, StoreFuture,
        SyncActivity, SyncName,
    },
    time::Timestamp,
};

impl Schedules for Sqlite {
    fn last_connection(&self) -> StoreFuture<'_, i64> {
        self.read_with(schedules::last_connection)
    }

    fn unscheduled(&self, syncs: Vec<SyncName>, after: i64) -> StoreFuture<'_, Vec<FunctionKey>> {
        self.read_with(move |db| schedules::unscheduled(db, &syncs, after))
    }

    fn add_schedules(&self, schedules: Vec<Schedule>) -> StoreFuture<'_, u64> {
        self.write(move |db| schedules::add(db, &schedules))
    }

    fn schedules(&self, filter: ScheduleFilter) -> StoreFuture<'_, Vec<Schedule>> {
        self.read_with(move |db| schedules::list(db, &filter))
    }

    fn schedule(&self, key: &FunctionKey) -> StoreFuture<'_, Option<Schedule>> {
        let key = key.clone();
        self.read_with(move |db| schedules::find(db, &key))
    }

    fn sync_activities(&self, keys: Vec<FunctionKey>) -> StoreFuture<'_, BTreeMap<FunctionKey, SyncActivity>> {
        self.read_with(move |db| activities::read(db, keys))
    }

    fn change_schedule(&self, key: &FunctionKey, change: ScheduleChange) -> StoreFuture<'_, bool> {
        let key = key.clone();
        self.write(move |db| schedules::change(db, &key, &change))
    }

    fn remove_schedule(&self, key: &FunctionKey) -> StoreFuture<'_, bool> {
        let key = key.clone();
        self.write(move |db| schedules::remove(db, &key))
    }

    fn due_schedules(&self, now: Timestamp, syncs: Vec<SyncName>, limit: u32) -> StoreFuture<'_, Vec<DueSchedule>> {
        self.read_with(move |db| schedules::due(db, now, &syncs, limit))
    }

    fn advance_schedules(&self, now: Timestamp, advances: Vec<ScheduleAdvance>) -> StoreFuture<'_, ()> {
        self.write(move |db| schedules::advance(db, now, &advances))
    }
}

impl Queue for Sqlite {
    fn enqueue_run(&self, due: NewDueRun) -> StoreFuture<'_, Uuid> {
        self.write(move |db| queue::enqueue_triggered(db, &due))
    }

    fn claim_runs(&self, request: ClaimRequest) -> StoreFuture<'_, Vec<ClaimedRun>> {
        self.write(move |db| claims::claim(db, &request))
    }

    fn next_due_at(&self, now: Timestamp) -> StoreFuture<'_, Option<Timestamp>> {
        self.read_with(move |db| queue::next_due_at(db, now))
    }

    fn has_due_run(&self, now: Timestamp, syncs: Vec<SyncName>) -> StoreFuture<'_, bool> {
        self.read_with(move |db| queue::has_due(db, now, &syncs))
    }

    fn run_counts(&self, now: Timestamp) -> StoreFuture<'_, RunCounts> {
        self.read_with(move |db| queue::counts(db, now))
    }

    fn due_run(&self, id: Uuid) -> StoreFuture<'_, Option<DueRun>> {
        self.read_with(move |db| queue::by_id(db, id))
    }

    fn due_run_of(&self, key: &FunctionKey) -> StoreFuture<'_, Option<DueRun>> {
        let key = key.clone();
        self.read_with(move |db| queue::of(db, &key))
    }

    fn cancel_runs(&self, key: &FunctionKey) -> StoreFuture<'_, Vec<Uuid>> {
        let key = key.clone();
        self.write(move |db| cancellation::cancel(db, &key))
    }

    fn cancel_run(&self, id: Uuid) -> StoreFuture<'_, bool> {
        self.write(move |db| cancellation::cancel_one(db, id))
    }

    fn end_attempt(&self, run: &RunToken, end: RunEnd, next: Option<NextAttempt>) -> StoreFuture<'_, Run> {
        let run = *run;
        self.write(move |db| runs::end(db, &run, &end, next.as_ref()))
    }

    fn expired_runs(&self, now: Timestamp, limit: u32) -> StoreFuture<'_, Vec<ExpiredRun>> {
        self.read_with(move |db| queue::expired(db, now, limit))
    }

    fn unblock_runs(&self) -> StoreFuture<'_, ()> {
        self.write(queue::unblock_all)
    }

    fn purge_runs(&self, before: Timestamp, limit: u32) -> StoreFuture<'_, u64> {
        self.write(move |db| queue::purge(db, before, limit))
    }
}
