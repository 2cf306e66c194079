//! Limits of a walk, so that an API without end of list does not keep a run busy forever.

use std::time::Duration;

/// Limits of one walk. A walk that reaches a limit fails with an error that names the setting; committed pages are
/// kept, and nothing is deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounds {
    /// Maximum number of requested pages, including pages before an interruption. Default: 100,000.
    pub max_pages: u64,
    /// Maximum size of all decompressed bodies in bytes. Default: 64 GiB.
    pub max_bytes: u64,
    /// Maximum number of consecutive empty pages. Default: 100.
    pub max_empty_pages: u64,
    /// Maximum time without a new record. Default: one hour.
    pub stall: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { max_pages: 100_000, max_bytes: 64 << 30, max_empty_pages: 100, stall: Duration::from_hours(1) }
    }
}
