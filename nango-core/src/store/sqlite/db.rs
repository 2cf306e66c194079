//! Connections to the file, and the state that they share.

use std::{sync::Arc, time::Duration};

use super::clock::Clock;
use crate::store::{encryption::Vault, hash::Hasher};

/// Path of a database in memory, which is lost when the process ends.
pub(super) const MEMORY: &str = ":memory:";
/// Maximum time that a transaction waits for a lock of another process on the file.
pub(super) const LOCK_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection to the file, and the state that all connections share.
#[derive(Debug)]
pub(super) struct Db {
    pub sql: rusqlite::Connection,
    pub shared: Arc<Shared>,
}

/// State of an open database that all its connections use.
#[derive(Debug)]
pub(super) struct Shared {
    pub clock: Clock,
    /// Computes the names of feeds. Content hashes are computed by the policy of a transaction instead.
    pub hasher: Hasher,
    pub vault: Vault,
}

/// Reads a count, which `SQLite` stores as a signed number; a negative one becomes 0.
pub(super) fn get_u64(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(|count| u64::try_from(count).unwrap_or(0))
}
