//! Progress of a mapper's walk.

use super::scan::OpenScan;
use crate::{
    declare::Pagination,
    model::MappedBatch,
    paginate::{FeedPosition, Gap, ResumePoint, SeenIds, StoredGap, WalkEnd, WalkOutcome, WalkState},
    run::resume::{InterruptedWalk, ModelWalk},
    store::ScanWalk,
    time::Timestamp,
};

/// Part of a list that a walk reads.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum WalkScope {
    /// The complete list.
    Full,
    /// The changes since a time, which is the value of `since`.
    Since(Timestamp),
    /// The changes after a position of the incremental feed.
    After(FeedPosition),
}

/// State of a mapper's walk between pages, apart from its position.
pub(super) struct Progress {
    /// Start time of its first attempt.
    pub(super) started_at: Timestamp,
    /// Part of the list that it reads.
    pub(super) scope: WalkScope,
    /// Value of `Date` in the first response of the first attempt, or the time of its request.
    pub(super) first_date: Option<Timestamp>,
    /// Greatest value of the field that `since` reads.
    pub(super) newest: Option<Timestamp>,
    /// Scan of each model; empty if nothing is deleted.
    pub(super) scans: Vec<OpenScan>,
    /// Number of mapped pages.
    pub(super) pages: u64,
    /// Number of their raw records.
    pub(super) records: u64,
    /// Whether records moved between pages.
    pub(super) shifted: bool,
    /// Whether a record of the first model was skipped whose id could not be read.
    pub(super) unread_id: bool,
    /// Progress of the other models. Their scans are in `scans`.
    pub(super) others: Vec<ModelWalk>,
    pub(super) ids: SeenIds,
}

impl Progress {
    /// Creates the progress of a new walk, or of an interrupted walk with its resume point.
    pub(super) fn new(
        now: Timestamp,
        scope: WalkScope,
        scans: Vec<OpenScan>,
        models: usize,
        interrupted: Option<InterruptedWalk>,
    ) -> (Self, Option<(ResumePoint, WalkState)>) {
        let mut progress = Self {
            started_at: now,
            scope,
            first_date: None,
            newest: None,
            scans,
            pages: 0,
            records: 0,
            shifted: false,
            unread_id: false,
            others: vec![ModelWalk::default(); models.saturating_sub(1)],
            ids: SeenIds::default(),
        };
        let Some(walk) = interrupted else { return (progress, None) };
        progress.started_at = walk.started_at;
        progress.first_date = walk.first_date;
        progress.newest = walk.next_since;
        progress.pages = walk.pages;
        progress.records = walk.memory.records;
        progress.unread_id = walk.unread_id;
        progress.others.iter_mut().zip(walk.others).for_each(|(model, stored)| *model = stored);
        (progress, Some((walk.resume_point, WalkState { pages: walk.pages, ..walk.memory })))
    }

    /// Returns whether the walk reads the complete list.
    pub(super) fn is_full(&self) -> bool {
        self.scope == WalkScope::Full
    }

    /// Counts the mapped records of a page for a model other than the first one, whose raw records are counted.
    pub(super) fn add_records(&mut self, model: usize, batch: &MappedBatch) {
        if let Some(other) = self.other(model) {
            other.records += batch.ids().count() as u64;
        }
    }

    /// Notes that a raw record was skipped whose records of a model are not known.
    pub(super) fn set_unread(&mut self, model: usize) {
        match self.other(model) {
            Some(other) => other.unread_id = true,
            None => self.unread_id = true,
        }
    }

    /// Returns the progress of a model other than the first one.
    fn other(&mut self, model: usize) -> Option<&mut ModelWalk> {
        self.others.get_mut(model.checked_sub(1)?)
    }

    /// Returns the stored form of the walk after a page.
    pub(super) fn interrupted_at(
        &self,
        spec: &str,
        resume_point: ResumePoint,
        memory: WalkState,
        now: Timestamp,
    ) -> InterruptedWalk {
        let shifted = memory.shifted || self.shifted;
        let (since, delta) = match &self.scope {
            WalkScope::Full => (None, None),
            WalkScope::Since(value) => (Some(*value), None),
            WalkScope::After(position) => (None, Some(position.clone())),
        };
        let scan = |model: usize| self.scans.get(model).map(|open| open.scan.number);
        let others = self.others.iter().enumerate();
        InterruptedWalk {
            fingerprint: spec.to_owned(),
            started_at: self.started_at,
            last_page_at: Some(now),
            since,
            next_since: self.newest,
            first_date: self.first_date,
            unread_id: self.unread_id,
            pages: self.pages,
            scan: scan(0),
            others: others.map(|(i, model)| ModelWalk { scan: scan(i + 1), ..*model }).collect(),
            memory: WalkState { shifted, ..memory },
            delta,
            resume_point,
        }
    }

    /// Returns the end of the walk, including shifts and unreadable ids that the mapper detected.
    pub(super) fn end(&self, mut end: WalkEnd) -> WalkEnd {
        end.shifted |= self.shifted && end.pages > 1 && end.pagination == Pagination::Position;
        if self.unread_id && end.outcome.is_complete() {
            end.outcome = WalkOutcome::Incomplete(Gap::from(&StoredGap::RecordWithoutId));
        }
        end
    }

    /// Returns the properties of the walk on which the deletes of a model depend.
    pub(super) fn scan_walk(&self, model: usize, end: &WalkEnd) -> ScanWalk {
        let other = model.checked_sub(1).and_then(|other| self.others.get(other));
        ScanWalk {
            complete: end.outcome.is_complete() && other.is_none_or(|other| !other.unread_id),
            position_based: end.pagination == Pagination::Position,
            requests: end.pages,
            shifted: end.shifted,
            list_empty: other.map_or(self.records, |other| other.records) == 0,
        }
    }

    /// Returns the properties of the walk on which the deletes of all children of a parent depend.
    pub(super) fn parent_walk(&self, end: &WalkEnd) -> ScanWalk {
        let complete = (0..=self.others.len()).all(|model| self.scan_walk(model, end).complete);
        ScanWalk { complete, ..self.scan_walk(0, end) }
    }
}
