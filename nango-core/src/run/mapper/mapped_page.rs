//! Records of a page after the mapper, and the writes that they become.

use std::{iter, ops::Range};

use serde_json::Value;

use super::progress::Progress;
use crate::{
    model::{Batch, MappedBatch, MappedLength},
    paginate::path,
    store::{DeleteRow, ParentKey, Write},
    time::Timestamp,
};

/// Result of mapping the raw records of a page.
#[derive(Default)]
pub(super) struct MappedPage {
    pub(super) batch: MappedBatch,
    /// Indices of raw records that were skipped because they do not fit.
    pub(super) skipped_invalid: Vec<usize>,
    /// Newest value of the field that `since` reads.
    pub(super) newest: Option<Timestamp>,
    /// Records to save that were mapped from one raw record.
    ranges: Vec<SavedRange>,
}

/// Records to save of one model that were mapped from one raw record.
struct SavedRange {
    /// Index of the model.
    model: usize,
    /// Index of the raw record.
    raw: usize,
    /// Range of the records in the batch.
    range: Range<usize>,
}

/// Write of the records of a model.
pub(super) struct ModelWrite {
    /// Index of the model.
    pub(super) model: usize,
    /// Parent whose children the write replaces.
    pub(super) parent: Option<ParentKey>,
    pub(super) write: Write,
}

impl MappedPage {
    /// Notes that a raw record was mapped to everything after a length of the batch.
    pub(super) fn push(&mut self, raw: usize, before: &MappedLength, newest: Option<Timestamp>) {
        self.newest = self.newest.max(newest);
        let saved = self.batch.saved_ranges(before);
        self.ranges.extend(saved.map(|(model, range)| SavedRange { model, raw, range }));
    }

    /// Converts to the writes of each model that have an effect, and adds the models to the progress of the walk.
    /// `records` contains the raw records. A feed lists changes in their order: of several ones of a record, the last
    /// one counts.
    pub(super) fn into_writes(mut self, records: &[&str], is_feed: bool, progress: &mut Progress) -> Vec<ModelWrite> {
        let mut writes = Vec::new();
        let mut others = self.batch.take_others();
        // A page may have no record of a model.
        others.resize_with(progress.others.len(), MappedBatch::default);
        for (model, mut batch) in iter::once(self.batch).chain(others).enumerate() {
            progress.add_records(model, &batch);
            let mut add = |parent: Option<ParentKey>, write: Write| {
                if !write.is_empty() {
                    writes.push(ModelWrite { model, parent, write });
                }
            };
            let ranges = || self.ranges.iter().filter(|saved| saved.model == model);
            let mut seen = ids_of_skipped(records, &self.skipped_invalid, ranges, &batch.saved);
            if seen.len() < self.skipped_invalid.len() {
                progress.set_unread(model);
            }
            seen.append(&mut batch.kept);
            let deleted = batch.take_deleted().into_iter().map(|id| DeleteRow { id, deleted_at: None }).collect();
            if is_feed {
                batch.saved.keep_last();
            }
            for children in batch.take_replaced() {
                add(Some(ParentKey::of(&children.parent)), Write::Replace(children.records));
            }
            add(None, Write::Save(batch.saved));
            add(None, Write::Delete(deleted));
            add(None, Write::Seen(seen));
        }
        writes
    }
}

/// Returns the ids of the records that were skipped, because they exist at the provider although they do not fit, as
/// far as they are known. The `id` of a raw record is used only if all valid records of the page confirm that it is the
/// id of their record.
fn ids_of_skipped<'a, I: Iterator<Item = &'a SavedRange>>(
    records: &[&str],
    skipped: &[usize],
    ranges: impl Fn() -> I,
    saved: &Batch,
) -> Vec<String> {
    if skipped.is_empty() {
        return Vec::new();
    }
    let ids: Vec<&str> = saved.iter().map(|item| item.id).collect();
    let is_id_confirmed = ranges().next().is_some()
        && ranges().all(|saved| match &ids[saved.range.clone()] {
            [id] => raw_id(records[saved.raw]).is_some_and(|raw| raw == *id),
            _ => false,
        });
    if !is_id_confirmed {
        return Vec::new();
    }
    skipped.iter().filter_map(|raw| raw_id(records[*raw])).collect()
}

/// Returns the `id` of a raw record in the format of record ids.
fn raw_id(record: &str) -> Option<String> {
    match serde_json::from_str(path::lookup(record, "id")?.get()).ok()? {
        Value::String(text) if !text.is_empty() => Some(text),
        Value::Number(number) if number.is_i64() || number.is_u64() => Some(number.to_string()),
        _ => None,
    }
}
