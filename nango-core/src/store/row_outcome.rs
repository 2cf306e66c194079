//! Outcome of a write for one row.

/// The outcome of one row of a [`Write`](super::Write).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RowOutcome {
    /// The record was new or deleted, and is active now.
    Added,
    /// The record changed.
    Updated,
    /// The saved or patched content equals the stored content.
    Unchanged,
    /// The record was active and is deleted now.
    Deleted,
    /// Another run wrote the record after the page was requested; the row was skipped.
    SkippedNewer,
    /// The stored record has a later update time of the provider; the row was skipped, and counts as seen.
    SkippedOlder,
    /// The same write contains the id earlier; the row was skipped.
    Duplicate,
    /// The row deletes, patches or marks a record that does not exist. Patches and marks report a deleted record in the
    /// same way.
    Missing,
    /// The record was seen at the provider and is stored unchanged.
    Seen,
}
