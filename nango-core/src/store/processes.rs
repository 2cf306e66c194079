//! The processes that work with a database at the same time.
//!
//! What an API allows a connection is divided among them. One that gave no sign of life for its lease is not counted.

use std::time::Duration;

use uuid::Uuid;

use super::StoreFuture;

/// The longest lease that a process takes. A longer one comes from a clock that ran ahead.
pub(super) const MAX_LEASE: Duration = Duration::from_mins(1);

/// The living processes of a database.
pub trait Processes {
    /// Gives a sign of life that holds for a while, and counts the living, this one included. One that holds for more
    /// than a minute comes from a clock that ran ahead, and is not counted.
    fn process_heartbeat(&self, process: Uuid, lease: Duration) -> StoreFuture<'_, u32>;

    /// Says that a process ends.
    fn remove_process(&self, process: Uuid) -> StoreFuture<'_, ()>;
}
