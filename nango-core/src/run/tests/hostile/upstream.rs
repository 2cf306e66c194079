//! A list that changes while it is walked, and which of its records were ever deleted.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::rng::Rng;

/// How the list is sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// By id, oldest first: inserts come at the end.
    Append,
    /// By id, newest first: inserts come at the front.
    NewestFirst,
    /// By the last update, oldest first.
    UpdatedLast,
    /// By the last update, newest first.
    UpdatedFirst,
}

impl Order {
    /// Whether a record keeps its place for its whole life.
    pub(super) fn is_stable(self) -> bool {
        matches!(self, Self::Append | Self::NewestFirst)
    }

    fn is_descending(self) -> bool {
        matches!(self, Self::NewestFirst | Self::UpdatedFirst)
    }
}

#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) id: u64,
    /// When it was last changed, seconds.
    pub(super) updated: i64,
    pub(super) version: u64,
    /// The place in the order: the id, or the number of the change.
    pub(super) key: u64,
}

impl Entry {
    pub(super) fn json(&self) -> Value {
        json!({ "id": self.id, "updated_at": self.updated, "version": self.version })
    }
}

/// The list of an API, with its own clock.
#[derive(Debug)]
pub(super) struct Upstream {
    pub(super) order: Order,
    /// Sorted by key.
    pub(super) entries: Vec<Entry>,
    pub(super) deleted: BTreeSet<u64>,
    /// Seconds since 1970.
    pub(super) now: i64,
    next_id: u64,
    next_key: u64,
    size: usize,
}

impl Upstream {
    pub(super) fn new(order: Order, size: usize) -> Self {
        let now = 1_700_000_000;
        let mut upstream =
            Self { order, entries: Vec::new(), deleted: BTreeSet::new(), now, next_id: 1, next_key: 1, size };
        (0..size).for_each(|_| upstream.insert());
        upstream
    }

    fn insert(&mut self) {
        let id = self.next_id;
        self.next_id += 1;
        let key = if self.order.is_stable() { id } else { self.next_key() };
        self.entries.push(Entry { id, updated: self.now, version: 1, key });
    }

    fn next_key(&mut self) -> u64 {
        self.next_key += 1;
        self.next_key
    }

    /// Deletes, inserts and updates, each with this chance in percent.
    pub(super) fn change(&mut self, rng: &mut Rng, chance: u64) {
        if rng.percent(chance) && self.entries.len() > self.size / 2 {
            let gone = self.entries.remove(rng.index(self.entries.len()));
            self.deleted.insert(gone.id);
        }
        if rng.percent(chance) {
            self.insert();
        }
        if rng.percent(chance) {
            let at = rng.index(self.entries.len());
            let mut entry = self.entries.remove(at);
            entry.version += 1;
            entry.updated = self.now;
            if self.order.is_stable() {
                self.entries.insert(at, entry);
            } else {
                entry.key = self.next_key();
                self.entries.push(entry);
            }
        }
    }

    /// Brings the list back to about its size, between two walks.
    pub(super) fn refill(&mut self, rng: &mut Rng) {
        while self.entries.len() < self.size {
            self.insert();
        }
        while self.entries.len() > self.size + self.size / 5 {
            let gone = self.entries.remove(rng.index(self.entries.len()));
            self.deleted.insert(gone.id);
        }
    }

    /// The list in its order, of what changed at this time or later.
    pub(super) fn view(&self, since: Option<i64>) -> Vec<Entry> {
        let retained = self.entries.iter().filter(|entry| since.is_none_or(|since| entry.updated >= since)).cloned();
        if self.order.is_descending() { retained.rev().collect() } else { retained.collect() }
    }

    /// The list behind a key.
    pub(super) fn after_key(&self, key: Option<u64>, since: Option<i64>) -> Vec<Entry> {
        let mut view = self.view(since);
        let descends = self.order.is_descending();
        view.retain(|entry| key.is_none_or(|key| if descends { entry.key < key } else { entry.key > key }));
        view
    }
}
