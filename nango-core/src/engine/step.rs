//! One step of the dispatcher: adds schedules of new connections, makes due what its schedule says, and starts due
//! runs.
//!
//! A step is a function of the database and the time, so that days can be simulated in a test.

use super::{
    schedule::{declared_syncs, effective_frequency, interval_of, new_schedule, next_due, rescheduled},
    settings::EngineSettings,
};
use crate::{
    declare::Registry,
    store::{
        ClaimedRun, DueSchedule, ScheduleAdvance, ScheduleChange, ScheduleFilter, SharedStore, StoreError, SyncName,
    },
    time::Timestamp,
};

/// Number of due schedules that are read at a time.
const DUE_BATCH: u32 = 500;
/// Number of schedules that are added in one transaction.
const NEW_BATCH: usize = 500;

/// State of the dispatcher between steps.
#[derive(Debug)]
pub(super) struct Steps {
    store: SharedStore,
    registry: Registry,
    settings: EngineSettings,
    syncs: Vec<SyncName>,
    /// Number of the connection up to which schedules exist.
    known_connection: Option<i64>,
}

/// Result of a step.
#[derive(Debug, Default)]
pub(super) struct Step {
    /// Runs that were started.
    pub(super) started: Vec<ClaimedRun>,
    /// Whether the step wrote something, so that another one may find more.
    pub(super) changed: bool,
    /// Earliest time at which something becomes due.
    pub(super) next_at: Option<Timestamp>,
}

impl Steps {
    /// Creates the state of a process that runs the syncs of its registry.
    pub(super) fn new(store: SharedStore, registry: Registry, settings: EngineSettings) -> Self {
        let syncs = declared_syncs(&registry);
        Self { store, registry, settings, syncs, known_connection: None }
    }

    /// Prepares the schedules for this program: the limits and the declared frequencies may have changed since another
    /// program computed them.
    pub(super) async fn begin(&mut self, now: Timestamp) -> Result<(), StoreError> {
        self.store.unblock_runs().await?;
        for schedule in self.store.schedules(ScheduleFilter::default()).await? {
            let key = &schedule.key;
            let Some(def) = self.registry.sync(&key.integration, &key.function) else { continue };
            let interval = interval_of(effective_frequency(schedule.frequency.as_deref(), Some(def)).as_ref());
            if interval != schedule.interval {
                let next = Some((interval, rescheduled(&schedule, interval, now)));
                let change = ScheduleChange { next, ..ScheduleChange::default() };
                self.store.change_schedule(key, change).await?;
            }
        }
        Ok(())
    }

    /// Executes a step, which starts at most `slots` runs.
    pub(super) async fn step(&mut self, now: Timestamp, slots: u32) -> Result<Step, StoreError> {
        let mut changed = self.add_schedules(now).await?;
        changed |= self.enqueue_due(now).await?;
        let mut started = Vec::new();
        if slots > 0 && self.store.has_due_run(now, self.syncs.clone()).await? {
            started = self.store.claim_runs(self.settings.claim(now, slots, self.syncs.clone())).await?;
            changed |= !started.is_empty();
        }
        let next_at = self.store.next_due_at(now).await?;
        Ok(Step { started, changed, next_at })
    }

    /// Adds the schedules of connections that were added since the last step.
    async fn add_schedules(&mut self, now: Timestamp) -> Result<bool, StoreError> {
        let last = self.store.last_connection().await?;
        if self.known_connection.is_some_and(|known| known >= last) {
            return Ok(false);
        }
        let known = self.known_connection.unwrap_or(0);
        let missing = self.store.unscheduled(self.syncs.clone(), known).await?;
        let new = |key: &crate::store::FunctionKey| {
            let def = self.registry.sync(&key.integration, &key.function)?;
            Some(new_schedule(key.clone(), def, now))
        };
        for keys in missing.chunks(NEW_BATCH) {
            self.store.add_schedules(keys.iter().filter_map(new).collect()).await?;
        }
        self.known_connection = Some(last);
        Ok(!missing.is_empty())
    }

    /// Makes the runs of all schedules due whose due time has come.
    async fn enqueue_due(&self, now: Timestamp) -> Result<bool, StoreError> {
        let mut any = false;
        loop {
            let due = self.store.due_schedules(now, self.syncs.clone(), DUE_BATCH).await?;
            if due.is_empty() {
                return Ok(any);
            }
            any = true;
            let is_last = due.len() < DUE_BATCH as usize;
            let advances = due.into_iter().map(|due| self.advance(due, now)).collect();
            self.store.advance_schedules(now, advances).await?;
            if is_last {
                return Ok(any);
            }
        }
    }

    fn advance(&self, due: DueSchedule, now: Timestamp) -> ScheduleAdvance {
        let DueSchedule { schedule, is_running } = due;
        let def = self.registry.sync(&schedule.key.integration, &schedule.key.function);
        let interval = interval_of(effective_frequency(schedule.frequency.as_deref(), def).as_ref());
        let next_at = next_due(&schedule.key, schedule.anchor, interval, now);
        ScheduleAdvance {
            key: schedule.key,
            was_due_at: schedule.next_at.unwrap_or(now),
            next_at,
            interval,
            enqueue: !is_running,
        }
    }
}
