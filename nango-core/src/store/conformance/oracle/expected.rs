//! The rules of a dataset, without a database.
//!
//! Time is counted in steps: a row that was written in a step is newer than a page that was requested in that step or
//! before it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::store::{ModelCounts, RowOutcome, ScanFinished, conformance::support::Doc};

/// A record that lives, or lived.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) doc: Doc,
    pub(super) live: bool,
    /// The run that wrote it last, and when.
    run: i64,
    step: usize,
    /// How many scans in a row missed it.
    missed: u32,
}

/// Who writes, when, and what they give way to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Writing {
    pub(super) run: i64,
    pub(super) step: usize,
    /// The step in which the page was requested; `None`: it overrides.
    pub(super) requested: Option<usize>,
}

/// The scan that is open.
#[derive(Debug, Clone)]
pub(super) struct OpenScan {
    pub(super) number: i64,
    /// Which actor's function began it.
    pub(super) owner: usize,
    /// Ids that it saw, and those that were written since it began.
    kept: BTreeSet<String>,
}

/// A dataset.
#[derive(Debug, Clone, Default)]
pub(super) struct Expected {
    pub(super) rows: BTreeMap<String, Row>,
    pub(super) scan: Option<OpenScan>,
}

impl Row {
    fn is_newer(&self, than: Writing) -> bool {
        than.requested.is_some_and(|requested| self.run != than.run && self.step >= requested)
    }
}

impl Expected {
    pub(super) fn begin_scan(&mut self, number: i64, owner: usize) {
        self.scan = Some(OpenScan { number, owner, kept: BTreeSet::new() });
    }

    fn keep(&mut self, id: &str) {
        if let Some(scan) = &mut self.scan {
            scan.kept.insert(id.to_owned());
        }
    }

    fn put(&mut self, at: Writing, doc: Doc, live: bool) {
        let missed = self.rows.get(&doc.id).map_or(0, |row| row.missed);
        self.keep(&doc.id);
        self.rows.insert(doc.id.clone(), Row { doc, live, run: at.run, step: at.step, missed });
    }

    pub(super) fn save(&mut self, at: Writing, docs: &[Doc]) -> Vec<RowOutcome> {
        self.each(
            docs,
            |doc| &doc.id,
            |this, doc| {
                // Whoever saves a record has seen it, also if a newer write stays.
                this.keep(&doc.id);
                let outcome = match this.rows.get(&doc.id) {
                    Some(row) if row.live && row.doc == *doc => return RowOutcome::Unchanged,
                    Some(row) if row.is_newer(at) => return RowOutcome::SkippedNewer,
                    Some(row) if row.live => RowOutcome::Updated,
                    _ => RowOutcome::Added,
                };
                this.put(at, doc.clone(), true);
                outcome
            },
        )
    }

    pub(super) fn delete(&mut self, at: Writing, ids: &[String]) -> Vec<RowOutcome> {
        self.each(
            ids,
            |id| id,
            |this, id| match this.rows.get(id) {
                Some(row) if row.live && row.is_newer(at) => RowOutcome::SkippedNewer,
                Some(row) if row.live => {
                    let doc = row.doc.clone();
                    this.put(at, doc, false);
                    RowOutcome::Deleted
                }
                _ => RowOutcome::Missing,
            },
        )
    }

    pub(super) fn patch(&mut self, at: Writing, ids: &[String], fields: &Map<String, Value>) -> Vec<RowOutcome> {
        self.each(
            ids,
            |id| id,
            |this, id| match this.rows.get(id) {
                Some(row) if row.live => {
                    let mut whole = serde_json::to_value(&row.doc).unwrap();
                    merge(&mut whole, fields);
                    let doc: Doc = serde_json::from_value(whole).unwrap();
                    if doc == row.doc {
                        RowOutcome::Unchanged
                    } else if row.is_newer(at) {
                        RowOutcome::SkippedNewer
                    } else {
                        this.put(at, doc, true);
                        RowOutcome::Updated
                    }
                }
                _ => RowOutcome::Missing,
            },
        )
    }

    /// One outcome for each row; of equal ids the first counts.
    fn each<T>(
        &mut self,
        rows: &[T],
        id: impl Fn(&T) -> &String,
        mut one: impl FnMut(&mut Self, &T) -> RowOutcome,
    ) -> Vec<RowOutcome> {
        let mut page = BTreeSet::new();
        let outcome = |row| if page.insert(id(row).clone()) { one(self, row) } else { RowOutcome::Duplicate };
        rows.iter().map(outcome).collect()
    }

    /// The end of the open scan.
    pub(super) fn finish(&mut self, at: Writing, confirm: u32, complete: bool) -> ScanFinished {
        let Some(scan) = self.scan.take() else { panic!("no scan is open") };
        let mut finished = ScanFinished::default();
        if !complete {
            return finished;
        }
        for (id, row) in &mut self.rows {
            if !row.live || scan.kept.contains(id) {
                row.missed = 0;
                continue;
            }
            row.missed += 1;
            if row.missed >= confirm {
                (row.live, row.run, row.step, row.missed) = (false, at.run, at.step, 0);
                finished.deleted += 1;
            } else {
                finished.unconfirmed += 1;
            }
        }
        finished
    }

    /// What a reader that read to the end holds: content, and whether it lives.
    pub(super) fn content(&self) -> BTreeMap<String, (Doc, bool)> {
        self.rows.iter().map(|(id, row)| (id.clone(), (row.doc.clone(), row.live))).collect()
    }
}

/// Objects are merged recursively, everything else is replaced.
fn merge(whole: &mut Value, fields: &Map<String, Value>) {
    let Value::Object(whole) = whole else { panic!("a record is an object") };
    for (name, value) in fields {
        match (whole.get_mut(name), value) {
            (Some(old @ Value::Object(_)), Value::Object(fields)) => merge(old, fields),
            _ => drop(whole.insert(name.clone(), value.clone())),
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
            RowOutcome::Duplicate | RowOutcome::Missing => {}
        }
    }
}
