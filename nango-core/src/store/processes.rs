//! The processes that work with a database at the same time.
//!
//! What an API allows a connection is divided among them. One that gave no sign of life for its lease is not counted.

use std::time::Duration;

use uuid::Uuid;

use super::Answer;

/// The living processes of a database.
pub trait Processes {
    /// Gives a sign of life that holds for a while, and counts the living, this one included.
    fn beat(&self, process: Uuid, lease: Duration) -> Answer<'_, u32>;

    /// Says that a process ends.
    fn leave(&self, process: Uuid) -> Answer<'_, ()>;
}
