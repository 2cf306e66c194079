//! Effective frequency of schedules, and their due times.

use std::time::Duration;

#[cfg(feature = "server")]
use super::slots::Grid;
use crate::{
    declare::{Frequency, Registry, SyncDef},
    store::{FunctionKey, Schedule, SyncName},
    time::Timestamp,
};

/// Returns the names of the syncs that the program declares.
pub(super) fn declared_syncs(registry: &Registry) -> Vec<SyncName> {
    registry.syncs().map(|(entry, def)| (entry.integration().to_owned(), def.name.to_owned())).collect()
}

/// Returns the frequency of a sync: the override of the connection, or the declared one; `None` if the sync runs only
/// when triggered. An override that this program cannot parse is ignored.
pub(super) fn effective_frequency(over: Option<&str>, def: Option<&SyncDef>) -> Option<Frequency> {
    let parsed = over.and_then(|text| Frequency::parse(text).ok());
    parsed.or_else(|| def.and_then(|def| def.frequency.clone()))
}

/// Returns the interval of a frequency.
pub(super) fn interval_of(frequency: Option<&Frequency>) -> Option<Duration> {
    frequency.map(|frequency| Duration::from_secs(frequency.seconds().into()))
}

/// Returns the first due time after `now`.
#[cfg(feature = "server")]
pub(super) fn next_due(
    key: &FunctionKey,
    anchor: Timestamp,
    interval: Option<Duration>,
    now: Timestamp,
) -> Option<Timestamp> {
    interval.map(|interval| Grid::new(key, anchor, interval).next_after(now))
}

/// Returns the due time of a schedule whose frequency has changed. A run that is due already, such as the first one,
/// stays due.
#[cfg(feature = "server")]
pub(super) fn rescheduled(schedule: &Schedule, interval: Option<Duration>, now: Timestamp) -> Option<Timestamp> {
    match schedule.next_at {
        Some(at) if at <= now && interval.is_some() => Some(at),
        _ => next_due(&schedule.key, schedule.anchor, interval, now),
    }
}

/// Returns the schedule of a sync of a connection that has none: it is due at once, or paused if the sync is not
/// started automatically.
pub(super) fn new_schedule(key: FunctionKey, def: &SyncDef, now: Timestamp) -> Schedule {
    let interval = interval_of(def.frequency.as_ref());
    let next_at = interval.map(|_| now);
    Schedule { key, paused: !def.auto_start, frequency: None, interval, anchor: now, next_at }
}
