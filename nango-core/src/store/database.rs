//! A database as a whole.

use std::{sync::Arc, time::Duration};

use super::{
    ApiKeys, Checkpoints, Connections, Encryption, Logs, Maintenance, Parents, Processes, Queue, Records, Refreshes,
    Runs, Schedules, Secrets, StoreFuture, StoreWarning, Transfer,
};
use crate::time::Timestamp;

/// A database: connections, records, runs and everything else that is stored.
pub trait Store:
    Connections
    + Refreshes
    + Processes
    + Records
    + Parents
    + Checkpoints
    + Runs
    + Schedules
    + Queue
    + ApiKeys
    + Secrets
    + Logs
    + Encryption
    + Maintenance
    + Transfer
    + Send
    + Sync
    + std::fmt::Debug
{
    /// Returns the time of the database's clock.
    fn now(&self) -> Timestamp;

    /// Returns what is unsafe about the configuration of this database, for the user who set it up. Empty by default.
    fn warnings(&self) -> &[StoreWarning] {
        &[]
    }

    /// Waits until something may have changed since the call: changes of this process return at once, those of another
    /// process within `timeout`. Returns after `timeout` in any case.
    fn wait_for_change(&self, timeout: Duration) -> StoreFuture<'_, ()>;

    /// Completes pending writes and closes the database.
    fn close(&self) -> StoreFuture<'_, ()>;
}

/// A database that is shared by several owners.
pub type SharedStore = Arc<dyn Store>;
