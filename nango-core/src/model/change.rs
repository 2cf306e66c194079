//! Results of mappers: records to save, tombstones, and records that are kept as they are.

use std::collections::HashMap;

use super::{Batch, Record, batch::RecordFault, id::check_id};
use crate::error::Result;

/// Meaning of a record of an API for its stored copy: the return type of a mapper whose API also reports deletes, or
/// whose records are not always saved.
///
/// ```
/// use nango_core::prelude::*;
///
/// #[derive(Deserialize)]
/// pub struct ApiTicket {
///     id: u64,
///     status: String,
///     subject: String,
/// }
///
/// #[model]
/// pub struct Ticket {
///     pub id: u64,
///     pub subject: String,
/// }
///
/// #[sync(model = "Ticket", integration = "desk", endpoint = "/tickets", since(param = "updated_since"))]
/// fn tickets(ticket: ApiTicket) -> Change<Ticket> {
///     match ticket.status.as_str() {
///         "deleted" => Change::Delete(ticket.id),
///         "archived" => Change::Keep(ticket.id),
///         "spam" => Change::Skip,
///         _ => Change::Save(Ticket { id: ticket.id, subject: ticket.subject }),
///     }
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change<M: Record> {
    /// Saves the record.
    Save(M),
    /// Deletes the record with this id: the API reports that it was deleted. Nothing happens if it is not stored. The
    /// keys that delay deletes, `confirm_deletes`, `hold` and `max_deletes`, do not apply.
    Delete(M::Id),
    /// Leaves the record with this id as it is, and counts it as seen: with `track_deletes`, a complete walk does not
    /// delete it.
    Keep(M::Id),
    /// Saves nothing, as `None` does: the record is not part of the copy, so that with `track_deletes` a complete walk
    /// deletes a stored one.
    Skip,
}

/// Results of the raw records of a page, in order.
#[derive(Debug, Clone, Default)]
pub struct MappedBatch {
    /// Records to save.
    pub(crate) saved: Batch,
    /// Ids to delete, each with the number of records that were saved before it.
    deleted: Vec<(String, usize)>,
    /// Ids of records that are kept as they are.
    pub(crate) kept: Vec<String>,
}

/// Lengths of a [`MappedBatch`], to which it can be truncated.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MappedLength {
    pub(crate) saved: usize,
    deleted: usize,
    kept: usize,
}

impl MappedBatch {
    /// Adds a record to save.
    pub(super) fn save<M: Record>(&mut self, record: &M) -> Result<()> {
        // The walk reports the position of the raw record; the position of the mapped one would be misleading.
        self.saved.push(record).map_err(|error| error.fault.into_error())
    }

    /// Adds a change of one record.
    pub(super) fn add<M: Record>(&mut self, change: Change<M>) -> Result<()> {
        match change {
            Change::Save(record) => self.save(&record)?,
            Change::Delete(id) => self.deleted.push((valid_id(&id)?, self.saved.len())),
            Change::Keep(id) => self.kept.push(valid_id(&id)?),
            Change::Skip => {}
        }
        Ok(())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.saved.is_empty() && self.deleted.is_empty() && self.kept.is_empty()
    }

    pub(crate) fn length(&self) -> MappedLength {
        MappedLength { saved: self.saved.len(), deleted: self.deleted.len(), kept: self.kept.len() }
    }

    /// Removes everything that was added after this length: what a mapper added before it failed on the same raw
    /// record.
    pub(crate) fn truncate(&mut self, length: MappedLength) {
        self.saved.truncate(length.saved);
        self.deleted.truncate(length.deleted);
        self.kept.truncate(length.kept);
    }

    /// Appends the results of another batch.
    pub(crate) fn append(&mut self, other: Self) {
        let before = self.saved.len();
        self.saved.append(&other.saved);
        self.deleted.extend(other.deleted.into_iter().map(|(id, saved)| (id, before + saved)));
        self.kept.extend(other.kept);
    }

    /// Returns the ids of all results.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &str> {
        let deleted = self.deleted.iter().map(|(id, _)| id.as_str());
        self.saved.iter().map(|item| item.id).chain(deleted).chain(self.kept.iter().map(String::as_str))
    }

    /// Takes the ids to delete after the records are saved. Of a save and a delete of one id, the later one counts.
    pub(crate) fn take_deleted(&mut self) -> Vec<String> {
        let deleted = std::mem::take(&mut self.deleted);
        if deleted.is_empty() {
            return Vec::new();
        }
        let last: HashMap<&str, usize> = self.saved.iter().enumerate().map(|(at, item)| (item.id, at)).collect();
        let is_saved_later = |id: &str, saved: usize| last.get(id).is_some_and(|at| *at >= saved);
        deleted.into_iter().filter(|(id, saved)| !is_saved_later(id, *saved)).map(|(id, _)| id).collect()
    }
}

fn valid_id(id: &impl ToString) -> Result<String> {
    let id = id.to_string();
    check_id(&id).map_err(|error| RecordFault::from(error).into_error())?;
    Ok(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Test record of this module.
    #[crate::model]
    struct Item {
        /// Id of the record.
        id: u64,
    }

    fn mapped(changes: impl IntoIterator<Item = Change<Item>>) -> MappedBatch {
        let mut batch = MappedBatch::default();
        changes.into_iter().for_each(|change| batch.add(change).unwrap());
        batch
    }

    fn save(id: u64) -> Change<Item> {
        Change::Save(Item { id })
    }

    #[test]
    fn later_one_of_a_save_and_a_delete_counts() {
        let deleted = |changes: Vec<Change<Item>>| mapped(changes).take_deleted();
        assert_eq!(deleted(vec![save(1), Change::Delete(1)]), ["1"]);
        assert_eq!(deleted(vec![Change::Delete(1), save(1)]), [""; 0]);
        assert_eq!(deleted(vec![save(1), Change::Delete(1), save(1), Change::Delete(2), save(3)]), ["2"]);
        assert_eq!(deleted(vec![save(1), Change::Keep(2), Change::Skip]), [""; 0]);
    }

    #[test]
    fn batches_are_appended_in_order_and_truncated() {
        let mut all = mapped([save(1)]);
        let length = all.length();
        all.append(mapped([Change::Delete(1), save(2), Change::Keep(3)]));
        all.append(mapped([save(1)]));
        assert_eq!(all.ids().collect::<Vec<_>>(), ["1", "2", "1", "1", "3"]);
        assert!(all.clone().take_deleted().is_empty(), "saved by a later batch");
        all.truncate(length);
        assert_eq!(all.ids().collect::<Vec<_>>(), ["1"]);
        assert!(!all.is_empty() && mapped([Change::Skip]).is_empty());
    }

    #[test]
    fn invalid_id_is_refused() {
        /// Test record with a text as its id.
        #[crate::model]
        struct Text {
            /// Id of the record.
            id: String,
        }
        let mut batch = MappedBatch::default();
        let error = batch.add(Change::<Text>::Delete(String::new())).unwrap_err();
        assert!(error.to_string().contains("its id is empty"), "{error}");
        assert!(batch.is_empty());
    }
}
