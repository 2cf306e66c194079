//! Schedules and due runs: the traits over the units of work.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{Postgres, activities, cancellation, claims, queue, runs, schedules};
use crate::{
    store::{
        ClaimRequest, ClaimedRun, DueRun, DueSchedule, ExpiredRun, FunctionKey, NewDueRun, NextAttempt, Queue, Run,
        RunCounts, RunEnd, RunToken, Schedule, ScheduleAdvance, ScheduleChange, ScheduleFilter, Schedules, StoreFuture,
        SyncActivity, SyncName,
    },
    time::Timestamp,
};

impl Schedules for Postgres {
    fn last_connection(&self) -> StoreFuture<'_, i64> {
        self.read_with((), |db, ()| Box::pin(schedules::last_connection(db)))
    }

    fn unscheduled(&self, syncs: Vec<SyncName>, after: i64) -> StoreFuture<'_, Vec<FunctionKey>> {
        self.read_with((syncs, after), |db, (syncs, after)| Box::pin(schedules::unscheduled(db, syncs, *after)))
    }

    fn add_schedules(&self, schedules: Vec<Schedule>) -> StoreFuture<'_, u64> {
        self.write(schedules, |db, schedules| Box::pin(schedules::add(db, schedules)))
    }

    fn schedules(&self, filter: ScheduleFilter) -> StoreFuture<'_, Vec<Schedule>> {
        self.read_with(filter, |db, filter| Box::pin(schedules::list(db, filter)))
    }

    fn schedule(&self, key: &FunctionKey) -> StoreFuture<'_, Option<Schedule>> {
        self.read_with(key.clone(), |db, key| Box::pin(schedules::find(db, key)))
    }

    fn sync_activities(&self, keys: Vec<FunctionKey>) -> StoreFuture<'_, BTreeMap<FunctionKey, SyncActivity>> {
        self.read_with(keys, |db, keys| Box::pin(activities::read(db, keys)))
    }

    fn change_schedule(&self, key: &FunctionKey, change: ScheduleChange) -> StoreFuture<'_, bool> {
        self.write((key.clone(), change), |db, (key, change)| Box::pin(schedules::change(db, key, change)))
    }

    fn remove_schedule(&self, key: &FunctionKey) -> StoreFuture<'_, bool> {
        self.write(key.clone(), |db, key| Box::pin(schedules::remove(db, key)))
    }

    fn due_schedules(&self, now: Timestamp, syncs: Vec<SyncName>, limit: u32) -> StoreFuture<'_, Vec<DueSchedule>> {
        self.read_with((now, syncs, limit), |db, (now, syncs, limit)| Box::pin(schedules::due(db, *now, syncs, *limit)))
    }

    fn advance_schedules(&self, now: Timestamp, advances: Vec<ScheduleAdvance>) -> StoreFuture<'_, ()> {
        self.write((now, advances), |db, (now, advances)| Box::pin(schedules::advance(db, *now, advances)))
    }
}

impl Queue for Postgres {
    fn enqueue_run(&self, due: NewDueRun) -> StoreFuture<'_, Uuid> {
        self.write(due, |db, due| Box::pin(queue::enqueue_triggered(db, due)))
    }

    fn claim_runs(&self, request: ClaimRequest) -> StoreFuture<'_, Vec<ClaimedRun>> {
        self.write(request, |db, request| Box::pin(claims::claim(db, request)))
    }

    fn next_due_at(&self, now: Timestamp) -> StoreFuture<'_, Option<Timestamp>> {
        self.read_with(now, |db, now| Box::pin(queue::next_due_at(db, *now)))
    }

    fn has_due_run(&self, now: Timestamp, syncs: Vec<SyncName>) -> StoreFuture<'_, bool> {
        self.read_with((now, syncs), |db, (now, syncs)| Box::pin(queue::has_due(db, *now, syncs)))
    }

    fn run_counts(&self, now: Timestamp) -> StoreFuture<'_, RunCounts> {
        self.read_with(now, |db, now| Box::pin(queue::counts(db, *now)))
    }

    fn due_run(&self, id: Uuid) -> StoreFuture<'_, Option<DueRun>> {
        self.read_with(id, |db, id| Box::pin(queue::by_id(db, *id)))
    }

    fn due_run_of(&self, key: &FunctionKey) -> StoreFuture<'_, Option<DueRun>> {
        self.read_with(key.clone(), |db, key| Box::pin(queue::of(db, key)))
    }

    fn cancel_runs(&self, key: &FunctionKey) -> StoreFuture<'_, Vec<Uuid>> {
        self.write(key.clone(), |db, key| Box::pin(cancellation::cancel(db, key)))
    }

    fn cancel_run(&self, id: Uuid) -> StoreFuture<'_, bool> {
        self.write(id, |db, id| Box::pin(cancellation::cancel_one(db, *id)))
    }

    fn end_attempt(&self, run: &RunToken, end: RunEnd, next: Option<NextAttempt>) -> StoreFuture<'_, Run> {
        self.write((*run, end, next), |db, (run, end, next)| Box::pin(runs::end(db, run, end, next.as_ref())))
    }

    fn expired_runs(&self, now: Timestamp, limit: u32) -> StoreFuture<'_, Vec<ExpiredRun>> {
        self.read_with((now, limit), |db, (now, limit)| Box::pin(queue::expired(db, *now, *limit)))
    }

    fn unblock_runs(&self) -> StoreFuture<'_, ()> {
        self.write((), |db, ()| Box::pin(queue::unblock_all(db)))
    }

    fn purge_runs(&self, before: Timestamp, limit: u32) -> StoreFuture<'_, u64> {
        self.write((before, limit), |db, (before, limit)| Box::pin(queue::purge(db, *before, *limit)))
    }
}
