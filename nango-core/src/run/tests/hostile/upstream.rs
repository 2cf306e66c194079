//! List that changes during walks, with the history of its deleted records.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::rng::Rng;

/// Order of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// By id, oldest first: records are inserted at the end.
    Append,
    /// By id, newest first: records are inserted at the front.
    NewestFirst,
    /// By the last update, oldest first.
    UpdatedLast,
    /// By the last update, newest first.
    UpdatedFirst,
}

impl Order {
    /// Returns whether the relative order of records never changes.
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
    /// Time of the last change, seconds since 1970 (UTC).
    pub(super) updated: i64,
    pub(super) version: u64,
    /// Sort key: the id, or the number of the change.
    pub(super) key: u64,
}

impl Entry {
    pub(super) fn json(&self) -> Value {
        json!({ "id": self.id, "updated_at": self.updated, "version": self.version })
    }
}

/// List of an API, with its own clock.
#[derive(Debug)]
pub(super) struct Upstream {
    pub(super) order: Order,
    /// Sorted by key.
    pub(super) entries: Vec<Entry>,
    pub(super) deleted: BTreeSet<u64>,
    /// Current time, seconds since 1970 (UTC).
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

    /// Deletes, inserts and updates a record, each with this probability in percent.
    pub(super) fn change(&mut self, rng: &mut Rng, chance: u64) {
        if rng.percent(chance) && self.entries.len() > self.size / 2 {
            let removed = self.entries.remove(rng.index(self.entries.len()));
            self.deleted.insert(removed.id);
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

    /// Restores the approximate size of the list, between two walks.
    pub(super) fn refill(&mut self, rng: &mut Rng) {
        while self.entries.len() < self.size {
            self.insert();
        }
        while self.entries.len() > self.size + self.size / 5 {
            let removed = self.entries.remove(rng.index(self.entries.len()));
            self.deleted.insert(removed.id);
        }
    }

    /// Returns the records that changed at this time or later, in the order of the list.
    pub(super) fn view(&self, since: Option<i64>) -> Vec<Entry> {
        let retained = self.entries.iter().filter(|entry| since.is_none_or(|since| entry.updated >= since)).cloned();
        if self.order.is_descending() { retained.rev().collect() } else { retained.collect() }
    }

    /// Returns the part of the list after a key.
    pub(super) fn after_key(&self, key: Option<u64>, since: Option<i64>) -> Vec<Entry> {
        let mut view = self.view(since);
        let descends = self.order.is_descending();
        view.retain(|entry| key.is_none_or(|key| if descends { entry.key < key } else { entry.key > key }));
        view
    }
}
