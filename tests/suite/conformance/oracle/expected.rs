//! Model of a dataset: its rules, without a database.
//!
//! Time is counted in steps: a row that was written in a step is newer than a page that was requested in that step or
//! before it.

mod comparison;
mod deletes;
mod parents;

use std::collections::{BTreeMap, BTreeSet};

use nango_core::Timestamp;
use nango_tests::internal::store::{DeleteRow, ModelCounts, RowOutcome};
use serde_json::{Map, Value};

use deletes::Missed;
pub(super) use deletes::{Due, ExpectedPendingDeletes};
use parents::ParentProgress;

use crate::conformance::support::Doc;

/// An update time so far in the future that it is not compared.
pub(super) const FAR: i64 = i64::MAX / 2;

/// A record, active or deleted.
#[derive(Debug, Clone)]
pub(super) struct Row {
    doc: Doc,
    /// The payload as text: a patch may change the order of keys.
    text: String,
    live: bool,
    /// Whether the payload was dropped.
    pruned: bool,
    /// Whether the payload was dropped at any time since the row received its sequence number: a reader may have read
    /// it then.
    was_pruned: bool,
    /// The run that wrote the record last; `step` is the step of that write.
    run: i64,
    step: usize,
    /// The state of the record as a delete candidate.
    missed: Option<Missed>,
    /// The time of its last update or deletion at the provider.
    updated: Option<i64>,
    /// The older time that a full walk last returned, and the number of the walk.
    older_time: Option<(i64, i64)>,
    /// The step in which the record was added or restored.
    added: usize,
    /// The parent that returned the record last.
    parent: Option<usize>,
}

/// The origin of a write: run, step, and the conditions under which it is skipped.
#[derive(Debug, Clone, Copy)]
pub(super) struct WriteContext {
    pub(super) run: i64,
    pub(super) step: usize,
    /// The step in which the page was requested; `None` for a write that overrides newer ones.
    pub(super) requested: Option<usize>,
    /// The full walk that the write belongs to.
    pub(super) full_walk: Option<i64>,
    /// The parent of the records that the write saves or sees.
    pub(super) parent: Option<usize>,
}

/// The open scan of the dataset.
#[derive(Debug, Clone)]
pub(super) struct OpenScan {
    pub(super) number: i64,
    /// The index of the actor whose function began the scan.
    pub(super) owner: usize,
    began: usize,
    live_count: u64,
    is_early: bool,
    /// The ids that the scan saw, and those that were written since it began.
    seen_or_written: BTreeSet<String>,
}

/// The expected state of a dataset.
#[derive(Debug, Clone, Default)]
pub(super) struct Expected {
    rows: BTreeMap<String, Row>,
    pub(super) scan: Option<OpenScan>,
    early_full_runs: u32,
    /// The progress of the parents, by the actor whose function walks them, and by parent.
    parents: BTreeMap<(usize, usize), ParentProgress>,
}

impl Row {
    /// Turns the row into a tombstone with a new sequence. The payload is kept unless it was pruned.
    fn tombstone(&mut self, at: WriteContext) {
        (self.live, self.run, self.step, self.was_pruned) = (false, at.run, at.step, self.pruned);
        self.missed = None;
        self.older_time = None;
    }

    /// Returns whether a write with this time is older. A second full walk that returns the same older time is not.
    fn has_newer_update_time(&mut self, given: Option<i64>, full_walk: Option<i64>) -> bool {
        match (given, self.updated) {
            (Some(given), Some(stored)) if given < stored && stored < FAR => {
                let Some(walk) = full_walk else { return true };
                match self.older_time {
                    Some((time, before)) if time == given => before == walk,
                    _ => {
                        self.older_time = Some((given, walk));
                        true
                    }
                }
            }
            _ => false,
        }
    }

    fn was_written_after_request(&self, than: WriteContext) -> bool {
        than.requested.is_some_and(|requested| self.run != than.run && self.step >= requested)
    }
}

impl Expected {
    pub(super) fn begin_scan(&mut self, number: i64, owner: usize, began: usize, is_early: bool) {
        let live = self.rows.values().filter(|row| row.live).count() as u64;
        self.early_full_runs = if is_early { self.early_full_runs + 1 } else { 0 };
        self.scan =
            Some(OpenScan { number, owner, began, live_count: live, is_early, seen_or_written: BTreeSet::new() });
    }

    fn mark_seen_or_written(&mut self, id: &str) {
        if let Some(scan) = &mut self.scan {
            scan.seen_or_written.insert(id.to_owned());
        }
    }

    fn insert(&mut self, at: WriteContext, doc: Doc, text: String, parent: Option<usize>) {
        self.mark_seen_or_written(&doc.id);
        let (updated, older) = (doc.at, None);
        let known = self.rows.get(&doc.id);
        let added = known.filter(|row| row.live).map_or(at.step, |row| row.added);
        let parent = parent.or_else(|| known.and_then(|row| row.parent));
        let (live, pruned, was_pruned) = (true, false, false);
        let row = Row {
            doc,
            text,
            live,
            pruned,
            was_pruned,
            run: at.run,
            step: at.step,
            missed: None,
            updated,
            older_time: older,
            added,
            parent,
        };
        self.rows.insert(row.doc.id.clone(), row);
    }

    pub(super) fn save(&mut self, at: WriteContext, docs: &[Doc]) -> Vec<RowOutcome> {
        self.for_each_row(
            docs,
            |doc| &doc.id,
            |this, doc| {
                // A save marks its record as seen, even if a newer write is kept.
                this.mark_seen_or_written(&doc.id);
                if let Some(row) = this.rows.get_mut(&doc.id) {
                    row.missed = None;
                }
                let text = serde_json::to_string(doc).unwrap();
                let outcome = match this.rows.get_mut(&doc.id) {
                    // Only the hash of a pruned payload is left, which depends on the order of keys.
                    Some(row) if row.live && (row.text == text || (row.doc == *doc && !row.pruned)) => {
                        (row.text, row.pruned) = (text, false);
                        if doc.at.is_some() {
                            (row.updated, row.older_time) = (doc.at, None);
                        }
                        row.parent = at.parent.or(row.parent);
                        return RowOutcome::Unchanged;
                    }
                    Some(row) if row.was_written_after_request(at) => return RowOutcome::SkippedNewer,
                    Some(row) => {
                        if row.has_newer_update_time(doc.at, at.full_walk) {
                            return RowOutcome::SkippedOlder;
                        }
                        if row.live { RowOutcome::Updated } else { RowOutcome::Added }
                    }
                    None => RowOutcome::Added,
                };
                this.insert(at, doc.clone(), text, at.parent);
                outcome
            },
        )
    }

    pub(super) fn mark_seen(&mut self, at: WriteContext, ids: &[String]) -> Vec<RowOutcome> {
        self.for_each_row(
            ids,
            |id| id,
            |this, id| match this.rows.get_mut(id) {
                Some(row) if row.live => {
                    row.missed = None;
                    row.parent = at.parent.or(row.parent);
                    this.mark_seen_or_written(id);
                    RowOutcome::Seen
                }
                _ => RowOutcome::Missing,
            },
        )
    }

    pub(super) fn delete(&mut self, at: WriteContext, deletes: &[DeleteRow]) -> Vec<RowOutcome> {
        self.for_each_row(
            deletes,
            |delete| &delete.id,
            |this, delete| {
                let Some(row) = this.rows.get_mut(&delete.id) else { return RowOutcome::Missing };
                let live = row.live;
                if live && row.was_written_after_request(at) {
                    return RowOutcome::SkippedNewer;
                }
                let deleted_at = delete.deleted_at.map(Timestamp::as_micros);
                if row.has_newer_update_time(deleted_at, None) {
                    return if live { RowOutcome::SkippedOlder } else { RowOutcome::Missing };
                }
                if deleted_at.is_some() && deleted_at != row.updated {
                    (row.updated, row.older_time) = (deleted_at, None);
                }
                if !live {
                    return RowOutcome::Missing;
                }
                row.tombstone(at);
                this.mark_seen_or_written(&delete.id);
                RowOutcome::Deleted
            },
        )
    }

    pub(super) fn patch(&mut self, at: WriteContext, ids: &[String], fields: &Map<String, Value>) -> Vec<RowOutcome> {
        self.for_each_row(
            ids,
            |id| id,
            |this, id| match this.rows.get_mut(id) {
                // Without a payload there is nothing to merge with.
                Some(row) if row.live && !row.pruned => {
                    let mut record: Value = serde_json::from_str(&row.text).unwrap();
                    merge(&mut record, fields);
                    let text = record.to_string();
                    let doc: Doc = serde_json::from_value(record).unwrap();
                    let given = fields.get("at").and_then(Value::as_i64);
                    if doc == row.doc {
                        row.missed = None;
                        if given.is_some() {
                            row.older_time = None;
                        }
                        RowOutcome::Unchanged
                    } else if row.was_written_after_request(at) {
                        RowOutcome::SkippedNewer
                    } else if row.has_newer_update_time(given, at.full_walk) {
                        row.missed = None;
                        this.mark_seen_or_written(id);
                        RowOutcome::SkippedOlder
                    } else {
                        this.insert(at, doc, text, None);
                        RowOutcome::Updated
                    }
                }
                _ => RowOutcome::Missing,
            },
        )
    }

    /// Returns one outcome for each row; of equal ids the first one counts.
    fn for_each_row<T>(
        &mut self,
        rows: &[T],
        id: impl Fn(&T) -> &String,
        mut one: impl FnMut(&mut Self, &T) -> RowOutcome,
    ) -> Vec<RowOutcome> {
        let mut page = BTreeSet::new();
        let outcome = |row| if page.insert(id(row).clone()) { one(self, row) } else { RowOutcome::Duplicate };
        rows.iter().map(outcome).collect()
    }

    /// Returns the ids of the rows that were last written before a step.
    pub(super) fn written_before(&self, step: usize) -> Vec<String> {
        self.rows.iter().filter(|(_, row)| row.step < step).map(|(id, _)| id.clone()).collect()
    }

    /// Drops the payloads of rows. Returns the number of rows and the size of their payloads in bytes.
    pub(super) fn prune(&mut self, ids: &[String]) -> (u64, u64) {
        let (mut count, mut bytes) = (0, 0);
        for (_, row) in self.rows.iter_mut().filter(|(id, row)| ids.contains(id) && !row.pruned) {
            (row.pruned, row.was_pruned) = (true, true);
            count += 1;
            bytes += row.text.len() as u64;
        }
        (count, bytes)
    }

    /// Removes rows and returns their number.
    pub(super) fn erase(&mut self, ids: &[String]) -> u64 {
        let before = self.rows.len();
        self.rows.retain(|id, _| !ids.contains(id));
        (before - self.rows.len()) as u64
    }

    /// Removes all rows, closes the open scan, and returns the number of rows.
    pub(super) fn empty(&mut self) -> u64 {
        self.scan = None;
        std::mem::take(&mut self.rows).len() as u64
    }
}

/// Merges objects recursively and replaces all other values.
fn merge(record: &mut Value, fields: &Map<String, Value>) {
    let Value::Object(record) = record else { panic!("a record is an object") };
    for (name, value) in fields {
        match (record.get_mut(name), value) {
            (Some(old @ Value::Object(_)), Value::Object(fields)) => merge(old, fields),
            _ => drop(record.insert(name.clone(), value.clone())),
        }
    }
}

/// Adds outcomes to the counters of a run.
pub(super) fn count(counts: &mut ModelCounts, rows: &[RowOutcome]) {
    for row in rows {
        match row {
            RowOutcome::Added => counts.added += 1,
            RowOutcome::Updated => counts.updated += 1,
            RowOutcome::Deleted => counts.deleted += 1,
            RowOutcome::Unchanged => counts.unchanged += 1,
            RowOutcome::SkippedNewer => counts.skipped_newer += 1,
            RowOutcome::SkippedOlder => counts.skipped_older += 1,
            RowOutcome::Duplicate | RowOutcome::Missing | RowOutcome::Seen => {}
            other => panic!("the model has no outcome {other:?}"),
        }
    }
}
