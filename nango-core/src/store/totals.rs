//! Counters of a run.

use std::collections::BTreeMap;

use super::RowOutcome;

/// The changes that a run made to the records of one model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ModelCounts {
    /// Records that were new or deleted before.
    pub added: u64,
    /// Records that changed.
    pub updated: u64,
    /// Active records that are deleted now.
    pub deleted: u64,
    /// Records whose saved content equals the stored content.
    pub unchanged: u64,
    /// Writes that were skipped because another run wrote the record later.
    pub skipped_newer: u64,
    /// Writes that were skipped because the stored record has a later update time.
    pub skipped_older: u64,
}

/// The counters of a run, updated in the transactions of its pages.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Totals {
    /// The changes by model.
    pub models: BTreeMap<String, ModelCounts>,
    /// Pages that were read and committed.
    pub pages: u64,
    /// Requests that were sent, retries included.
    pub requests: u64,
    /// Raw records that were skipped because they do not fit the model.
    pub skipped_invalid: u64,
}

impl Totals {
    /// Adds the counters of another page.
    pub(crate) fn add(&mut self, other: &Self) {
        for (model, counts) in &other.models {
            self.counts_of(model).add(counts);
        }
        self.pages += other.pages;
        self.requests += other.requests;
        self.skipped_invalid += other.skipped_invalid;
    }

    /// Adds the outcomes of one write to a model.
    pub(super) fn add_outcomes(&mut self, model: &str, rows: &[RowOutcome]) {
        let counts = self.counts_of(model);
        for row in rows {
            match row {
                RowOutcome::Added => counts.added += 1,
                RowOutcome::Updated => counts.updated += 1,
                RowOutcome::Deleted => counts.deleted += 1,
                RowOutcome::Unchanged => counts.unchanged += 1,
                RowOutcome::SkippedNewer => counts.skipped_newer += 1,
                RowOutcome::SkippedOlder => counts.skipped_older += 1,
                RowOutcome::Duplicate | RowOutcome::Missing | RowOutcome::Seen => {}
            }
        }
    }

    fn counts_of(&mut self, model: &str) -> &mut ModelCounts {
        self.models.entry(model.to_owned()).or_default()
    }
}

impl ModelCounts {
    fn add(&mut self, other: &Self) {
        self.added += other.added;
        self.updated += other.updated;
        self.deleted += other.deleted;
        self.unchanged += other.unchanged;
        self.skipped_newer += other.skipped_newer;
        self.skipped_older += other.skipped_older;
    }
}
