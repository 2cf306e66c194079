//! Results of a mapper for the raw records of a page: records to save, ids to delete and to keep, and children.

use std::{collections::HashMap, iter, ops::Range};

use super::{Batch, Change, Children, Record, batch::RecordFault, id::check_id};
use crate::error::Result;

/// Results of the raw records of a page for one model, in order. For a mapper of several models it belongs to the first
/// one and contains the batches of the others.
#[derive(Debug, Clone, Default)]
pub struct MappedBatch {
    /// Records to save.
    pub(crate) saved: Batch,
    /// Ids to delete, each with the number of records that were saved before it.
    deleted: Vec<(String, usize)>,
    /// Ids of records that are kept as they are.
    pub(crate) kept: Vec<String>,
    /// Children that replace those of their parents.
    replaced: Vec<MappedChildren>,
    /// Batches of the other models, in the order of their declaration.
    others: Vec<Self>,
}

/// Children that replace those of a parent.
#[derive(Debug, Clone)]
pub(crate) struct MappedChildren {
    /// Id of the parent.
    pub(crate) parent: String,
    pub(crate) records: Batch,
}

/// Lengths of a [`MappedBatch`], to which it can be truncated.
#[derive(Debug, Clone, Default)]
pub(crate) struct MappedLength {
    pub(crate) saved: usize,
    deleted: usize,
    kept: usize,
    replaced: usize,
    others: Vec<Self>,
}

impl MappedBatch {
    /// Adds a record to save.
    pub(super) fn save<M: Record>(&mut self, record: &M) -> Result<()> {
        push(&mut self.saved, record)
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

    /// Adds the children of a parent.
    pub(super) fn replace<M: Record>(&mut self, children: Children<M>) -> Result<()> {
        let (parent, children) = children.into_parts();
        let mut records = Batch::default();
        children.iter().try_for_each(|record| push(&mut records, record))?;
        self.replaced.push(MappedChildren { parent: valid_parent(&parent)?, records });
        Ok(())
    }

    /// Returns the batch of a model, by its index in the declaration.
    pub(super) fn of_model(&mut self, index: usize) -> &mut Self {
        let Some(other) = index.checked_sub(1) else { return self };
        if self.others.len() <= other {
            self.others.resize_with(index, Self::default);
        }
        &mut self.others[other]
    }

    /// Removes and returns the batches of the other models.
    pub(crate) fn take_others(&mut self) -> Vec<Self> {
        std::mem::take(&mut self.others)
    }

    /// Returns whether there are no results of the first model.
    pub(crate) fn is_empty(&self) -> bool {
        self.saved.is_empty() && self.deleted.is_empty() && self.kept.is_empty() && self.replaced.is_empty()
    }

    /// Returns the lengths of this batch and of those of the other models.
    pub(crate) fn length(&self) -> MappedLength {
        MappedLength {
            saved: self.saved.len(),
            deleted: self.deleted.len(),
            kept: self.kept.len(),
            replaced: self.replaced.len(),
            others: self.others.iter().map(Self::length).collect(),
        }
    }

    /// Removes everything that was added after this length: what a mapper added before it failed on the same raw
    /// record.
    pub(crate) fn truncate(&mut self, length: &MappedLength) {
        self.saved.truncate(length.saved);
        self.deleted.truncate(length.deleted);
        self.kept.truncate(length.kept);
        self.replaced.truncate(length.replaced);
        self.others.truncate(length.others.len());
        self.others.iter_mut().zip(&length.others).for_each(|(other, length)| other.truncate(length));
    }

    /// Appends the results of another batch.
    pub(crate) fn append(&mut self, other: Self) {
        let before = self.saved.len();
        self.saved.append(&other.saved);
        self.deleted.extend(other.deleted.into_iter().map(|(id, saved)| (id, before + saved)));
        self.kept.extend(other.kept);
        self.replaced.extend(other.replaced);
        for (i, other) in other.others.into_iter().enumerate() {
            self.of_model(i + 1).append(other);
        }
    }

    /// Returns the ids of all results of the first model.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &str> {
        let deleted = self.deleted.iter().map(|(id, _)| id.as_str());
        let replaced = self.replaced.iter().flat_map(|children| children.records.iter().map(|item| item.id));
        let saved = self.saved.iter().map(|item| item.id);
        saved.chain(deleted).chain(self.kept.iter().map(String::as_str)).chain(replaced)
    }

    /// Passes the records of all models that were added after a length to `check`: each batch with the number of its
    /// records before them.
    pub(crate) fn check_added(&self, after: &MappedLength, check: &dyn Fn(&Batch, usize) -> Result<()>) -> Result<()> {
        check(&self.saved, after.saved)?;
        self.replaced[after.replaced..].iter().try_for_each(|children| check(&children.records, 0))?;
        let new = MappedLength::default();
        let mut others = self.others.iter().enumerate();
        others.try_for_each(|(i, other)| other.check_added(after.others.get(i).unwrap_or(&new), check))
    }

    /// Returns the non-empty ranges of the records to save that were added after a length, each with the index of its
    /// model.
    pub(crate) fn saved_ranges<'a>(
        &'a self,
        after: &'a MappedLength,
    ) -> impl Iterator<Item = (usize, Range<usize>)> + 'a {
        let others = self.others.iter().enumerate().map(|(i, other)| {
            let start = after.others.get(i).map_or(0, |length| length.saved);
            (i + 1, start..other.saved.len())
        });
        iter::once((0, after.saved..self.saved.len())).chain(others).filter(|(_, range)| !range.is_empty())
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

    /// Takes the children that replace those of their parents. Of several for one parent, the last ones count.
    pub(crate) fn take_replaced(&mut self) -> Vec<MappedChildren> {
        let replaced = std::mem::take(&mut self.replaced);
        let last: HashMap<&str, usize> =
            replaced.iter().enumerate().map(|(at, children)| (children.parent.as_str(), at)).collect();
        let is_last: Vec<bool> =
            replaced.iter().enumerate().map(|(at, children)| last.get(children.parent.as_str()) == Some(&at)).collect();
        replaced.into_iter().zip(is_last).filter_map(|(children, is_last)| is_last.then_some(children)).collect()
    }
}

fn push<M: Record>(batch: &mut Batch, record: &M) -> Result<()> {
    // The walk reports the position of the raw record; the position of the mapped one would be misleading.
    batch.push(record).map_err(|error| error.fault.into_error())
}

/// Returns the id of a parent as text, if it may be an id.
pub(crate) fn valid_parent(id: &impl ToString) -> Result<String> {
    valid_id(id).map_err(|error| error.context("the parent of the records"))
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

    fn children(parent: u64, ids: &[u64]) -> Children<Item> {
        Children::of(&parent, ids.iter().map(|id| Item { id: *id }))
    }

    fn ids(batch: &MappedBatch) -> Vec<&str> {
        batch.ids().collect()
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
        assert_eq!(ids(&all), ["1", "2", "1", "1", "3"]);
        assert!(all.clone().take_deleted().is_empty(), "saved by a later batch");
        all.truncate(&length);
        assert_eq!(ids(&all), ["1"]);
        assert!(!all.is_empty() && mapped([Change::Skip]).is_empty());
    }

    #[test]
    fn batches_of_other_models_are_appended_and_truncated_with_the_first() {
        let mut all = mapped([save(1)]);
        all.of_model(2).save(&Item { id: 2 }).unwrap();
        let length = all.length();
        let mut next = mapped([save(3)]);
        next.of_model(1).replace(children(3, &[4, 5])).unwrap();
        next.of_model(2).save(&Item { id: 6 }).unwrap();
        next.of_model(3).save(&Item { id: 7 }).unwrap();
        all.append(next);
        let of_models = |batch: &MappedBatch| {
            let mut batch = batch.clone();
            let others = batch.take_others();
            std::iter::once(batch).chain(others).map(|batch| ids(&batch).join(" ")).collect::<Vec<_>>()
        };
        assert_eq!(of_models(&all), ["1 3", "4 5", "2 6", "7"]);
        let added = std::cell::RefCell::new(Vec::new());
        let note = |batch: &Batch, from: usize| {
            added.borrow_mut().extend(batch.iter().skip(from).map(|item| item.id.to_owned()));
            Ok(())
        };
        all.check_added(&length, &note).unwrap();
        assert_eq!(added.into_inner(), ["3", "4", "5", "6", "7"]);
        all.truncate(&length);
        assert_eq!(of_models(&all), ["1", "", "2"]);
    }

    #[test]
    fn last_children_of_a_parent_count() {
        let mut batch = MappedBatch::default();
        for (parent, ids) in [(1, &[10, 11][..]), (2, &[20]), (1, &[12]), (3, &[])] {
            batch.replace(children(parent, ids)).unwrap();
        }
        assert!(!batch.is_empty());
        let shown = |children: &MappedChildren| {
            let ids: Vec<_> = children.records.iter().map(|item| item.id).collect();
            format!("{}: {}", children.parent, ids.join(" "))
        };
        assert_eq!(batch.take_replaced().iter().map(shown).collect::<Vec<_>>(), ["2: 20", "1: 12", "3: "]);
        assert!(batch.is_empty());
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
        let error = batch.replace(Children::<Item>::of(&"", [])).unwrap_err();
        assert!(error.to_string().contains("its id is empty"), "{error}");
        assert!(batch.is_empty());
    }
}
