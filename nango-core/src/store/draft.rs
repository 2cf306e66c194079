//! A page before it goes to the database: what needs no database is done here, where the page was made, so that no lock
//! and no writer is kept meanwhile.

use std::{borrow::Cow, collections::HashSet};

use super::{
    Page, Write,
    hash::{Hash, Hasher},
};

/// A page that is ready for the writer.
#[derive(Debug)]
pub(super) struct Draft {
    /// The page as it came.
    pub page: Page,
    /// For each of its changes.
    pub ready: Vec<Ready>,
    /// The version of the hashes.
    hashed: i64,
}

/// What is known of a write before the database is asked.
#[derive(Debug, Default, Clone)]
pub(super) struct Ready {
    /// For each row: whether its id came before in the same write.
    pub duplicate: Vec<bool>,
    /// For each row of a save: its content hash.
    pub hashes: Vec<Hash>,
}

impl Draft {
    /// Takes the hashes of a page and finds its duplicates.
    pub(super) fn new(page: Page, hasher: &Hasher) -> Self {
        let ready = page
            .changes
            .iter()
            .map(|change| match &change.write {
                Write::Save(batch) => Ready {
                    duplicate: duplicates(batch.iter().map(|item| item.id)),
                    hashes: batch.iter().map(|item| hasher.record(item.payload)).collect(),
                },
                Write::Delete(rows) => {
                    Ready { duplicate: duplicates(rows.iter().map(|row| row.id.as_str())), ..Ready::default() }
                }
                Write::Seen(ids) => Ready { duplicate: duplicates(ids.iter().map(String::as_str)), ..Ready::default() },
                Write::Patch(rows) => {
                    Ready { duplicate: duplicates(rows.iter().map(|row| row.id.as_str())), ..Ready::default() }
                }
            })
            .collect();
        Self { page, ready, hashed: hasher.version() }
    }

    /// Takes the hashes again, if they are of another version than this hasher's: payloads were switched to be sealed (or
    /// plain) since the draft was made.
    pub(super) fn rehash(&mut self, hasher: &Hasher) {
        if let Cow::Owned(ready) = self.hashed_by(hasher) {
            self.ready = ready;
            self.hashed = hasher.version();
        }
    }

    /// The same for a draft that is only lent: what is ready, with hashes of this hasher's version.
    pub(super) fn hashed_by(&self, hasher: &Hasher) -> Cow<'_, [Ready]> {
        if self.hashed == hasher.version() {
            return Cow::Borrowed(&self.ready);
        }
        let mut all = self.ready.clone();
        for (change, ready) in self.page.changes.iter().zip(&mut all) {
            if let Write::Save(batch) = &change.write {
                ready.hashes = batch.iter().map(|item| hasher.record(item.payload)).collect();
            }
        }
        Cow::Owned(all)
    }
}

fn duplicates<'a>(ids: impl ExactSizeIterator<Item = &'a str>) -> Vec<bool> {
    let mut seen = HashSet::with_capacity(ids.len());
    ids.map(|id| !seen.insert(id)).collect()
}
