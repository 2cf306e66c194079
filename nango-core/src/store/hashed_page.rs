//! Preparation of a page before its transaction. Hashes and duplicates need no database and are computed by the caller,
//! so that they do not extend a lock or delay the writer.

use std::{borrow::Cow, collections::HashSet};

use super::{
    Page, RowOutcome, Write,
    decide::SaveRow,
    hash::{Hash, Hasher},
};
use crate::model::Batch;

/// A page with the hashes and duplicates of its writes.
#[derive(Debug)]
pub(super) struct HashedPage {
    /// The page as it was given to the store.
    pub page: Page,
    /// The prepared writes, one for each change.
    pub writes: Vec<PreparedWrite>,
    /// The version of the hashes in `writes`.
    hash_version: i64,
}

/// The results of preparing one write.
#[derive(Debug, Default, Clone)]
pub(super) struct PreparedWrite {
    /// For each row, whether its id occurs earlier in the same write.
    pub duplicate: Vec<bool>,
    /// For each row of a save, its content hash.
    pub hashes: Vec<Hash>,
}

impl HashedPage {
    /// Computes the hashes of a page and finds its duplicates.
    pub(super) fn new(page: Page, hasher: &Hasher) -> Self {
        let writes = page
            .changes
            .iter()
            .map(|change| match &change.write {
                Write::Save(batch) | Write::Replace(batch) => PreparedWrite {
                    duplicate: duplicates(batch.iter().map(|item| item.id)),
                    hashes: batch.iter().map(|item| hasher.hash_record(item.payload)).collect(),
                },
                Write::Delete(rows) => PreparedWrite {
                    duplicate: duplicates(rows.iter().map(|row| row.id.as_str())),
                    ..PreparedWrite::default()
                },
                Write::Seen(ids) => {
                    PreparedWrite { duplicate: duplicates(ids.iter().map(String::as_str)), ..PreparedWrite::default() }
                }
                Write::Patch(rows) => PreparedWrite {
                    duplicate: duplicates(rows.iter().map(|row| row.id.as_str())),
                    ..PreparedWrite::default()
                },
            })
            .collect();
        Self { page, writes, hash_version: hasher.version() }
    }

    /// Returns the prepared writes with hashes of this hasher's version. They are computed again if the sealing of
    /// payloads was switched on or off since the page was prepared.
    pub(super) fn writes_hashed_by(&self, hasher: &Hasher) -> Cow<'_, [PreparedWrite]> {
        if self.hash_version == hasher.version() {
            return Cow::Borrowed(&self.writes);
        }
        let mut all = self.writes.clone();
        for (change, prepared) in self.page.changes.iter().zip(&mut all) {
            if let Write::Save(batch) | Write::Replace(batch) = &change.write {
                prepared.hashes = batch.iter().map(|item| hasher.hash_record(item.payload)).collect();
            }
        }
        Cow::Owned(all)
    }
}

impl PreparedWrite {
    /// Returns the outcomes of the rows before any decision: each is a duplicate until its decision replaces that.
    pub(super) fn outcomes(&self) -> Vec<RowOutcome> {
        vec![RowOutcome::Duplicate; self.duplicate.len()]
    }

    /// Returns the rows without duplicates, each with its index.
    pub(super) fn unique<R>(&self, rows: impl Iterator<Item = R>) -> impl Iterator<Item = (usize, R)> {
        rows.enumerate().zip(&self.duplicate).filter(|(_, duplicate)| !**duplicate).map(|(row, _)| row)
    }

    /// Returns the records of a save without duplicates, each with its index.
    pub(super) fn saves<'a>(&'a self, batch: &'a Batch) -> impl Iterator<Item = (usize, SaveRow<'a>)> {
        self.unique(batch.iter().zip(&self.hashes).map(|(item, hash)| SaveRow { item, hash }))
    }
}

fn duplicates<'a>(ids: impl ExactSizeIterator<Item = &'a str>) -> Vec<bool> {
    let mut seen = HashSet::with_capacity(ids.len());
    ids.map(|id| !seen.insert(id)).collect()
}
