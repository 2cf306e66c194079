//! Settings of the dispatcher.

use std::time::Duration;

use crate::{config::Config, store::ClaimRequest, time::Timestamp};

/// Duration of the mark of a serving process without a renewal.
pub(super) const SERVING_LEASE: Duration = Duration::from_secs(15);

/// Settings of the dispatcher of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EngineSettings {
    /// Maximum number of syncs that this process runs at the same time.
    pub(crate) runs: u32,
    /// Maximum number of active syncs of a connection, on all processes.
    pub(crate) per_connection: u32,
    /// Maximum number of active syncs of an integration, on all processes.
    pub(crate) per_integration: u32,
    /// Maximum number of actions that this process runs at the same time.
    pub(crate) actions: u32,
    /// Age from which ended runs are removed with their logs; `None`: never.
    pub(crate) keep_runs: Option<Duration>,
    /// Duration of a run's lease without a heartbeat.
    pub(crate) lease: Duration,
}

impl EngineSettings {
    /// Returns the settings of a configuration.
    pub(crate) fn of(config: &Config) -> Self {
        let limits = &config.limits.concurrency;
        Self {
            runs: limits.runs,
            per_connection: limits.runs_per_connection,
            per_integration: limits.runs_per_integration,
            actions: limits.actions,
            keep_runs: config.retention.delete_runs_after,
            lease: config.lease,
        }
    }

    /// Returns a claim of this many runs.
    pub(super) fn claim(&self, now: Timestamp, slots: u32, syncs: Vec<(String, String)>) -> ClaimRequest {
        ClaimRequest {
            now,
            lease: self.lease,
            slots,
            per_connection: self.per_connection,
            per_integration: self.per_integration,
            syncs,
        }
    }
}
