//! Dispatcher: when runs happen. It runs the syncs that are due within limits, and actions in a lane of their own.
//!
//! The database is the truth: schedules, due runs and running runs are rows, which any number of processes on one
//! `PostgreSQL` database share. This module holds what a process needs to run them: the arithmetic of due times
//! (`slots`), the step that makes schedules due and starts due runs (`step`), the loop that repeats it (`dispatch`), and
//! the end of runs whose process has crashed (`reaper`). `run` executes each run.
//!
//! Invariants:
//! - A run is started by a claim only, which excludes other claims, so that no limit is exceeded and no sync of a
//!   connection runs twice at the same time.
//! - Syncs never take the slots of actions.
//! - After [`Engine::stop`] began, nothing new starts; syncs end at a page and become due again, actions are waited for.

mod actions;
mod active;
mod beside;
mod dispatch;
mod error;
mod follow;
mod handle;
mod pauses;
mod reaper;
mod retention;
mod schedule;
mod settings;
mod slots;
mod statuses;
mod step;
#[cfg(test)]
mod tests;
mod triggers;
mod variants;

pub(crate) use beside::run_beside_server;
pub(crate) use error::EngineError;
pub(crate) use follow::follow_run;
pub(crate) use handle::Engine;
pub(crate) use pauses::{pause, resume, set_frequency};
pub(crate) use settings::EngineSettings;
pub(crate) use statuses::{SyncState, statuses};
pub(crate) use triggers::{TriggerOptions, trigger};
