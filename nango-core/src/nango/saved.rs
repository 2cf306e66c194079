//! Outcomes of record writes.

use crate::store::{ChangeOutcome, RowOutcome};

/// Outcomes of the records of one write.
#[derive(Debug, Default)]
pub struct Saved(pub(super) Vec<ChangeOutcome>);

impl Saved {
    /// Returns the ids of records that were not stored before, or were deleted.
    pub fn added(&self) -> impl Iterator<Item = &str> {
        self.ids(RowOutcome::Added)
    }

    /// Returns the ids of records that changed.
    pub fn updated(&self) -> impl Iterator<Item = &str> {
        self.ids(RowOutcome::Updated)
    }

    /// Returns the ids of records that were already stored with the same content.
    pub fn unchanged(&self) -> impl Iterator<Item = &str> {
        self.ids(RowOutcome::Unchanged)
    }

    /// Returns the ids of records that were deleted by this write.
    pub fn deleted(&self) -> impl Iterator<Item = &str> {
        self.ids(RowOutcome::Deleted)
    }

    /// Returns the ids that were skipped because another run wrote them after the data of this page was requested.
    pub fn skipped_newer(&self) -> impl Iterator<Item = &str> {
        self.ids(RowOutcome::SkippedNewer)
    }

    /// Returns the ids that were skipped because the stored record was updated later at the provider, according to the
    /// field that the model declares with `#[model(updated = "field")]`.
    pub fn skipped_older(&self) -> impl Iterator<Item = &str> {
        self.ids(RowOutcome::SkippedOlder)
    }

    /// Returns the ids that occurred repeatedly in one write; only the first record was stored.
    pub fn duplicates(&self) -> impl Iterator<Item = &str> {
        self.ids(RowOutcome::Duplicate)
    }

    /// Returns the ids of deletes and patches whose record is not stored.
    pub fn missing(&self) -> impl Iterator<Item = &str> {
        self.ids(RowOutcome::Missing)
    }

    /// Returns the ids with an outcome, in the order of the write.
    pub fn ids(&self, outcome: RowOutcome) -> impl Iterator<Item = &str> {
        self.0.iter().flat_map(move |done| {
            let ids = done.change.write.ids();
            ids.zip(&done.rows).filter(move |(_, row)| **row == outcome).map(|(id, _)| id)
        })
    }

    /// Returns the number of ids with an outcome.
    pub fn count(&self, outcome: RowOutcome) -> usize {
        self.0.iter().flat_map(|done| &done.rows).filter(|row| **row == outcome).count()
    }
}
