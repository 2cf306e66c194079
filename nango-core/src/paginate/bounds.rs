//! Bounds of a walk, so that an API that never ends its list does not keep a run busy for ever.

use std::time::Duration;

/// The bounds of one walk. A walk that reaches one fails with an error that names the setting; pages that were committed
/// stay, and nothing is deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounds {
    /// Pages that are requested, those before an interruption included. Default 100,000.
    pub max_pages: u64,
    /// Bytes of all bodies, decompressed. Default 64 GiB.
    pub max_bytes: u64,
    /// Empty pages in a row. Default 100.
    pub max_empty_pages: u64,
    /// Time since the walk last brought a record. Default one hour.
    pub stall: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { max_pages: 100_000, max_bytes: 64 << 30, max_empty_pages: 100, stall: Duration::from_hours(1) }
    }
}
