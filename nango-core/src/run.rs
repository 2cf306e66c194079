//! Execution of runs: one call of a function for a connection, from the lease to the stored result.
//!
//! A [`RunRequest`] becomes a `Job` (the function) and a prepared run (the connection with its HTTP client).
//! [`execute`] acquires the lease, calls the function and returns a [`RunReport`].
//!
//! Invariants: the row of a run exists before the function is called, and the run is ended exactly once, by this
//! process or by the one that takes over its key; a run that was cancelled or lost its lease has no effects other than
//! its committed pages.

mod attempt;
mod call;
#[cfg(feature = "server")]
mod claimed;
mod clock;
mod confirm_path;
mod connection;
#[cfg(feature = "server")]
mod current_credentials;
mod delta;
mod dry_run;
mod execute;
mod find_connection;
mod finished_runs;
mod heartbeat;
#[cfg(feature = "server")]
mod import;
mod job;
mod lease;
mod listener;
mod maintenance;
mod mapper;
mod observer;
mod plain_config;
mod prefetch;
mod prepare;
mod record;
mod replay;
mod report;
mod request;
mod resolved_connection;
mod resume;
mod rotated_token;
mod run_lease;
mod runtime;
mod services;
mod setup;
mod since;
#[cfg(test)]
mod tests;
mod tracing_log;
mod verify;

#[cfg(feature = "server")]
pub(crate) use attempt::{Continuation, continuation};
#[cfg(feature = "server")]
pub(crate) use claimed::execute_claimed;
#[doc(hidden)]
pub use confirm_path::confirm_path;
#[cfg(test)]
pub(crate) use connection::AddedConnection;
pub use connection::{AddConnection, add_connection};
#[cfg(feature = "server")]
pub(crate) use connection::{AddFailure, try_add_connection};
pub(crate) use connection::{check_connection_id, remove_connection};
#[cfg(feature = "server")]
pub(crate) use current_credentials::{current_credentials, provider_of, stored_credentials};
pub use execute::execute;
pub(crate) use execute::execute_recorded;
pub(crate) use find_connection::{UnknownConnection, find_connection};
#[cfg(feature = "server")]
pub(crate) use import::{ImportEffect, import_effect};
#[cfg(feature = "server")]
pub(crate) use listener::RunListener;
pub(crate) use maintenance::{RetainedDataset, RetentionReport, empty, retain};
pub use observer::NoopObserver;
pub(crate) use observer::Observer;
pub(crate) use record::TooManyRecords;
pub(crate) use replay::Replay;
pub use report::RunReport;
pub(crate) use report::{DryRecords, TriggeredSync};
pub use request::{RunRequest, Target};
pub use runtime::Runtime;
pub(crate) use tracing_log::capture as capture_tracing;
pub(crate) use verify::{ConnectionTest, test_connection};
