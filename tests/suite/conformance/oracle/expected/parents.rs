//! Model of parents: their progress in scans, the replacement of their children, and the candidates among them.

use nango_tests::internal::store::{DeletePolicy, ParentEnd, RowOutcome};

use super::{Due, Expected, OpenScan, WriteContext};
use crate::conformance::support::Doc;

/// The progress of a parent.
#[derive(Debug, Clone, Default)]
pub(super) struct ParentProgress {
    /// The latest scan in which the parent was written, and the end of its walk.
    pub(super) scan: Option<(i64, ParentEnd)>,
    pub(super) early_full_runs: u32,
}

impl Expected {
    /// Writes a parent of an actor's function, with its progress in a scan.
    pub(in super::super) fn write_parent(
        &mut self,
        owner: usize,
        parent: usize,
        scan: Option<(i64, ParentEnd)>,
        is_early: bool,
    ) {
        let progress = self.parents.entry((owner, parent)).or_default();
        if let Some((number, end)) = scan {
            if progress.scan.as_ref().is_none_or(|(before, _)| *before != number) {
                progress.early_full_runs = if is_early { progress.early_full_runs + 1 } else { 0 };
            }
            progress.scan = Some((number, end));
        }
    }

    /// Clears the progress of an actor's parents.
    pub(in super::super) fn reset_parents(&mut self, owner: usize) {
        for (_, progress) in self.parents.iter_mut().filter(|((of, _), _)| *of == owner) {
            *progress = ParentProgress::default();
        }
    }

    /// Returns the parents of an actor that have a row.
    pub(in super::super) fn parents_of(&self, owner: usize) -> Vec<usize> {
        self.parents.keys().filter(|(of, _)| *of == owner).map(|(_, parent)| *parent).collect()
    }

    /// Saves records, and deletes the other active ones of their parent.
    pub(in super::super) fn replace(&mut self, at: WriteContext, docs: &[Doc]) -> Vec<RowOutcome> {
        let mut outcomes = self.save(at, docs);
        let Some(parent) = at.parent else { return outcomes };
        let is_other = |id: &String| docs.iter().all(|doc| doc.id != *id);
        let others = self.rows.iter().filter(|(id, row)| row.live && row.parent == Some(parent) && is_other(id));
        let others: Vec<String> = others.map(|(id, _)| id.clone()).collect();
        for id in others {
            let Some(row) = self.rows.get_mut(&id) else { continue };
            if row.was_written_after_request(at) {
                outcomes.push(RowOutcome::SkippedNewer);
            } else {
                row.tombstone(at);
                self.mark_seen_or_written(&id);
                outcomes.push(RowOutcome::Deleted);
            }
        }
        outcomes
    }

    /// Returns the end of a parent's walk in one of the scans that end together with this one, if its children may be
    /// candidates.
    pub(super) fn decided_end(&self, scan: &OpenScan, scans: &[i64], parent: Option<usize>) -> Option<&ParentEnd> {
        let (number, end) = self.parents.get(&(scan.owner, parent?))?.scan.as_ref()?;
        let decides = match end {
            ParentEnd::Begun => false,
            ParentEnd::Ended(walk) => walk.complete,
            ParentEnd::Gone => true,
        };
        (scans.contains(number) && decides).then_some(end)
    }

    /// Returns whether candidates brought the walk of a parent forward.
    pub(super) fn is_early(&self, scan: &OpenScan, parent: usize) -> bool {
        self.parents.get(&(scan.owner, parent)).is_some_and(|progress| progress.early_full_runs > 0)
    }

    /// Returns the number of children that a parent had when a scan began.
    pub(super) fn children_at_start(&self, scan: &OpenScan, parent: usize) -> u64 {
        let was_live = |row: &&super::Row| {
            row.parent == Some(parent) && if row.step <= scan.began { row.live } else { row.added <= scan.began }
        };
        self.rows.values().filter(was_live).count() as u64
    }

    /// Returns the parents of an actor that are gone in one of these scans and have no active child.
    pub(in super::super) fn gone_without_children(&self, owner: usize, scans: &[i64]) -> Vec<usize> {
        let is_gone = |parent: &usize| {
            let end = self.parents.get(&(owner, *parent)).and_then(|progress| progress.scan.as_ref());
            matches!(end, Some((number, ParentEnd::Gone)) if scans.contains(number))
                && self.rows.values().all(|row| !row.live || row.parent != Some(*parent))
        };
        self.parents_of(owner).into_iter().filter(is_gone).collect()
    }

    /// Removes parents of an actor.
    pub(in super::super) fn remove_parents(&mut self, owner: usize, parents: &[usize]) {
        self.parents.retain(|(of, parent), _| *of != owner || !parents.contains(parent));
    }

    /// Returns the parents whose candidates bring a complete walk of an actor forward.
    pub(in super::super) fn parents_needing_full(&self, owner: usize, policy: &DeletePolicy) -> Vec<(usize, Due)> {
        let mut parents: Vec<usize> =
            self.rows.values().filter_map(|row| row.missed.as_ref().and_then(|missed| missed.parent)).collect();
        parents.sort_unstable();
        parents.dedup();
        let due = |parent: usize| {
            let missed = self.rows.values().filter_map(|row| row.missed.as_ref());
            let missed: Vec<_> = missed.filter(|missed| missed.parent == Some(parent)).collect();
            let early = self.parents.get(&(owner, parent)).map_or(0, |progress| progress.early_full_runs);
            (parent, super::deletes::next_full(&missed, early, policy))
        };
        parents.into_iter().map(due).filter(|(_, due)| *due != Due::Regular).collect()
    }
}
