//! Registry of the processes that use a database at the same time.
//!
//! The rate limit of a connection is divided among the active processes. A process without a heartbeat for the duration
//! of its lease is not counted.

use std::time::Duration;

use uuid::Uuid;

use super::StoreFuture;

/// The maximum lease of a process. A longer one was written by a clock that was ahead.
pub(super) const MAX_LEASE: Duration = Duration::from_mins(1);

/// The active processes of a database.
pub trait Processes {
    /// Stores a heartbeat of a process that is valid for the lease, and returns the number of active processes, this
    /// one included. A heartbeat that is valid for more than a minute was written by a clock that was ahead, and is not
    /// counted.
    fn process_heartbeat(&self, process: Uuid, lease: Duration) -> StoreFuture<'_, u32>;

    /// Removes a process that ends from the registry.
    fn remove_process(&self, process: Uuid) -> StoreFuture<'_, ()>;
}
