//! Dispatcher: when runs happen. It runs the syncs that are due within limits, and actions in a lane of their own.
//!
//! The database is the truth: schedules, due runs and running runs are rows, which any number of processes on one
//! `PostgreSQL` database share. This module holds what a process needs to run them: the arithmetic of due times
//! (`slots`), the step that makes schedules due and starts due runs (`step`), the loop that repeats it (`dispatch`),
//! and the end of runs whose process has crashed (`reaper`). `run` executes each run.
//!
//! Invariants:
//! - A run is started by a claim only, which excludes other claims, so that no limit is exceeded and no sync of a
//!   connection runs twice at the same time.
//! - Syncs never take the slots of actions.
//! - After [`Engine::stop`] began, nothing new starts; syncs end at a page and become due again, actions are waited
//!   for.

#[cfg(feature = "server")]
mod actions;
#[cfg(feature = "server")]
mod active;
mod beside;
#[cfg(feature = "server")]
mod dispatch;
mod error;
mod follow;
#[cfg(feature = "server")]
mod handle;
mod pauses;
#[cfg(feature = "server")]
mod reaper;
#[cfg(feature = "server")]
mod retention;
mod schedule;
#[cfg(feature = "server")]
mod settings;
#[cfg(feature = "server")]
mod slots;
mod statuses;
#[cfg(feature = "server")]
mod step;
#[cfg(feature = "server")]
#[cfg(test)]
mod tests;
mod triggers;
#[cfg(feature = "server")]
mod variants;

pub(crate) use beside::run_beside_server;
pub(crate) use error::EngineError;
#[cfg(feature = "server")]
pub(crate) use handle::Engine;
pub(crate) use pauses::{pause, resume};
#[cfg(feature = "server")]
pub(crate) use settings::EngineSettings;
pub(crate) use statuses::{SyncState, statuses};
pub(crate) use triggers::{TriggerOptions, trigger};
