//! A page before it goes to the database: what needs no database is done here, where the page was made, so that no lock
//! and no writer is kept meanwhile.

use std::{borrow::Cow, collections::HashSet};

use super::{
    Page, Write,
    hash::{Hash, Hasher},
};

/// A page that is ready for the writer.
#[derive(Debug)]
pub(super) struct HashedPage {
    /// The page as it came.
    pub page: Page,
    /// For each of its changes.
    pub writes: Vec<PreparedWrite>,
    /// The version of the hashes.
    hash_version: i64,
}

/// What is known of a write before the database is asked.
#[derive(Debug, Default, Clone)]
pub(super) struct PreparedWrite {
    /// For each row: whether its id came before in the same write.
    pub duplicate: Vec<bool>,
    /// For each row of a save: its content hash.
    pub hashes: Vec<Hash>,
}

impl HashedPage {
    /// Takes the hashes of a page and finds its duplicates.
    pub(super) fn new(page: Page, hasher: &Hasher) -> Self {
        let writes = page
            .changes
            .iter()
            .map(|change| match &change.write {
                Write::Save(batch) => PreparedWrite {
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

    /// Takes the hashes again, if they are of another version than this hasher's: payloads were switched to be sealed (or
    /// plain) since the draft was made.
    pub(super) fn rehash(&mut self, hasher: &Hasher) {
        if let Cow::Owned(ready) = self.writes_hashed_by(hasher) {
            self.writes = ready;
            self.hash_version = hasher.version();
        }
    }

    /// The same for a draft that is only lent: what is ready, with hashes of this hasher's version.
    pub(super) fn writes_hashed_by(&self, hasher: &Hasher) -> Cow<'_, [PreparedWrite]> {
        if self.hash_version == hasher.version() {
            return Cow::Borrowed(&self.writes);
        }
        let mut all = self.writes.clone();
        for (change, ready) in self.page.changes.iter().zip(&mut all) {
            if let Write::Save(batch) = &change.write {
                ready.hashes = batch.iter().map(|item| hasher.hash_record(item.payload)).collect();
            }
        }
        Cow::Owned(all)
    }
}

fn duplicates<'a>(ids: impl ExactSizeIterator<Item = &'a str>) -> Vec<bool> {
    let mut seen = HashSet::with_capacity(ids.len());
    ids.map(|id| !seen.insert(id)).collect()
}
