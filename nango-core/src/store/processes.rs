//! Registry of the processes that use a database at the same time.
//!
//! The rate limit of a connection is divided among the active processes. A process without a heartbeat for the duration
//! of its lease is not counted.
//!
//! A process that runs the schedules is marked. On an embedded database only one process is, by a lock of the operating
//! system, which ends with the process.

use std::time::Duration;

use uuid::Uuid;

use super::StoreFuture;

/// The maximum lease of a process. A longer one was written by a clock that was ahead.
pub(super) const MAX_LEASE: Duration = Duration::from_mins(1);

/// The active processes of a database.
pub trait Processes {
    /// Stores a heartbeat of a process that is valid for the lease, and returns the number of active processes, this
    /// one included. A heartbeat that is valid for more than a minute was written by a clock that was ahead, and is not
    /// counted. `is_serving` extends the mark of a process that runs the schedules by the same duration.
    fn process_heartbeat(&self, process: Uuid, lease: Duration, is_serving: bool) -> StoreFuture<'_, u32>;

    /// Removes a process that ends from the registry.
    fn remove_process(&self, process: Uuid) -> StoreFuture<'_, ()>;

    /// Marks this process as one that runs the schedules, for the duration of the lease.
    ///
    /// Returns [`super::StoreError::Served`] if only one process may do so, and another does.
    fn start_serving(&self, process: Uuid, lease: Duration) -> StoreFuture<'_, ()>;

    /// Removes the mark of this process.
    fn stop_serving(&self, process: Uuid) -> StoreFuture<'_, ()>;

    /// Returns whether a process runs the schedules of this database.
    fn is_served(&self) -> StoreFuture<'_, bool>;
}
