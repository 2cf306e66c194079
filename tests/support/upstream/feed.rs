//! Feed of the changes of a collection, with positions that expire.

use std::collections::{BTreeMap, BTreeSet};

use super::Collection;

/// Changes of a collection up to the last request of its feed.
#[derive(Debug, Default)]
pub(super) struct Feed {
    /// The collection at that time.
    listed: Collection,
    /// Number of the last change.
    last: u64,
    /// Positions before this change have expired.
    oldest: u64,
    /// Number of the last change of each record, also of deleted ones, unless their positions have expired.
    number_of: BTreeMap<String, u64>,
    /// Whether there was a request since the first one was forgotten.
    was_requested: bool,
    /// The position of the first request, if it was valid.
    first_position: Option<u64>,
    /// Number of requests whose position had expired.
    pub(super) refused: u64,
}

impl Feed {
    /// Numbers the differences between the collection and its last state.
    pub(super) fn update(&mut self, now: &Collection) {
        let listed = std::mem::replace(&mut self.listed, now.clone());
        let differs = |id: &&String| listed.get(*id) != now.get(*id);
        for id in listed.keys().chain(now.keys()).filter(differs).collect::<BTreeSet<_>>() {
            self.last += 1;
            self.number_of.insert(id.clone(), self.last);
        }
    }

    /// Makes all positions invalid. The records get new numbers, and deleted ones are forgotten.
    pub(super) fn expire(&mut self) {
        self.last += 1;
        self.oldest = self.last;
        let changes = self.changes();
        self.number_of.clear();
        for (id, ..) in changes.into_iter().filter(|(.., record)| record.is_some()) {
            self.last += 1;
            self.number_of.insert(id, self.last);
        }
    }

    /// Returns the JSON of the page after a position, or of the first page, or `None` if the position has expired.
    pub(super) fn page(&mut self, position: Option<u64>, limit: usize) -> Option<String> {
        let is_expired = position.is_some_and(|position| position < self.oldest);
        if !std::mem::replace(&mut self.was_requested, true) {
            self.first_position = position.filter(|_| !is_expired);
        }
        self.refused += u64::from(is_expired);
        if is_expired {
            return None;
        }
        let after = position.unwrap_or(self.oldest);
        let mut changes = self.changes();
        changes.retain(|(_, number, _)| *number > after);
        let is_last = changes.len() <= limit;
        changes.truncate(limit);
        let after = changes.last().map_or(after, |(_, number, _)| *number);
        let deleted = |id: &String| serde_json::json!({ "id": id }).to_string();
        let changes: Vec<String> =
            changes.into_iter().map(|(id, _, record)| record.unwrap_or_else(|| deleted(&id))).collect();
        Some(format!("{{\"changes\":[{}],\"after\":\"c{after}\",\"done\":{is_last}}}", changes.join(",")))
    }

    /// Returns the id, the number of the last change and the JSON of each record, in the order of the numbers. A
    /// deleted record has no JSON.
    pub(super) fn changes(&self) -> Vec<(String, u64, Option<String>)> {
        let change = |(id, number): (&String, &u64)| (id.clone(), *number, self.listed.get(id).cloned());
        let mut changes: Vec<_> = self.number_of.iter().map(change).collect();
        changes.sort_unstable_by_key(|(_, number, _)| *number);
        changes
    }

    pub(super) fn forget_first_request(&mut self) {
        (self.was_requested, self.first_position) = (false, None);
    }

    /// Returns the position of the first request, if it was valid.
    pub(super) fn first_position(&self) -> Option<u64> {
        self.first_position
    }
}
