//! Progress of a run over the lists of parents. Its size does not depend on the number of parents.

use std::{sync::Arc, time::Duration};

use super::frontier::Frontier;
use crate::{
    error::Error,
    paginate::{WalkEnd, WalkOutcome},
    time::Timestamp,
};

/// Number of ended walks after which the progress is stored again.
const MAX_UNSTORED: u32 = 32;
/// Time after which the progress is stored again.
const MAX_AGE: Duration = Duration::from_secs(10);
/// Maximum number of lines about parents in the log of a run.
const MAX_LINES: u32 = 100;

/// Progress of a run over the lists of parents.
#[derive(Debug, Default)]
pub(super) struct Progress {
    pub(super) frontier: Frontier,
    pub(super) tally: Tally,
    /// First error that skipped a parent.
    pub(super) first_error: Option<Error>,
    /// Time at which the progress was stored last; `None` if this run has not stored it.
    stored_at: Option<Timestamp>,
    /// Number of walks that ended since then.
    unstored: u32,
    /// Number of lines in the log.
    lines: u32,
}

/// Numbers of walked and skipped parents.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Number of parents whose lists were walked to their ends in this run.
    pub(crate) walked: u64,
    /// Number of these walks that were incomplete.
    pub(crate) incomplete: u64,
    /// Reason why the first of them was incomplete.
    pub(crate) first_gap: Option<String>,
    /// Number of parents that were skipped in this run.
    pub(crate) skipped: u64,
    /// Number of parents that are done since an earlier run of the same logical run.
    pub(crate) walked_before: u64,
}

impl Progress {
    /// Creates the progress of a run that continues after a parent.
    pub(super) fn after_id(after: Option<Arc<str>>) -> Self {
        Self { frontier: Frontier::after_id(after), ..Self::default() }
    }

    /// Records the end of a parent's walk, after it was committed.
    pub(super) fn add_walked(&mut self, id: &str, end: &WalkEnd) {
        self.frontier.finish(id);
        self.tally.walked += 1;
        self.unstored += 1;
        if let WalkOutcome::Incomplete(gap) = &end.outcome {
            self.tally.incomplete += 1;
            self.tally.first_gap.get_or_insert_with(|| gap.to_string());
        }
    }

    /// Records that a parent was skipped.
    pub(super) fn add_skipped(&mut self, id: &str, error: Error) {
        self.frontier.finish(id);
        self.tally.skipped += 1;
        self.unstored += 1;
        self.first_error.get_or_insert(error);
    }

    /// Returns whether the next commit stores the progress, and records that it does. `ends_walk`: the commit also
    /// stores the end of a walk; the first one is stored with the fact that there is one.
    pub(super) fn take_due(&mut self, now: Timestamp, ends_walk: bool) -> bool {
        let is_first = ends_walk && self.tally.walked + self.tally.walked_before == 0;
        let is_due =
            is_first || self.unstored >= MAX_UNSTORED || self.stored_at.is_none_or(|stored| now >= stored + MAX_AGE);
        if is_due {
            (self.stored_at, self.unstored) = (Some(now), 0);
        }
        is_due
    }

    /// Returns whether a line about a parent is written to the log, and whether it is the last one.
    pub(super) fn take_line(&mut self) -> Option<bool> {
        self.lines = self.lines.saturating_add(1);
        (self.lines <= MAX_LINES).then_some(self.lines == MAX_LINES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        declare::Pagination,
        paginate::{Completion, Gap},
    };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    fn end(outcome: WalkOutcome) -> WalkEnd {
        WalkEnd::of(outcome, 1, false, Pagination::Token)
    }

    #[test]
    fn progress_is_stored_first_and_then_after_some_walks_or_some_time() {
        let mut progress = Progress::default();
        assert!(progress.take_due(at(0), false));
        assert!(!progress.take_due(at(9), false));
        assert!(progress.take_due(at(10), false));
        assert!(progress.take_due(at(11), true), "the first success is stored with the end of its walk");
        progress.add_walked("a", &end(WalkOutcome::Complete(Completion::NoNextPage)));
        progress.add_skipped("b", Error::msg("refused"));
        for i in 2..MAX_UNSTORED {
            assert!(!progress.take_due(at(12), i % 2 == 0), "{i}");
            progress.add_skipped("b", Error::msg("refused"));
        }
        assert!(progress.take_due(at(12), false));
    }

    #[test]
    fn tally_keeps_the_first_reason_and_the_first_error() {
        let mut progress = Progress::default();
        progress.add_walked("a", &end(WalkOutcome::Complete(Completion::NoNextPage)));
        progress.add_walked("b", &end(WalkOutcome::Incomplete(Gap::PartialContent)));
        progress.add_walked("c", &end(WalkOutcome::Incomplete(Gap::Circle)));
        progress.add_skipped("d", Error::msg("first"));
        progress.add_skipped("e", Error::msg("second"));
        let Tally { walked, incomplete, first_gap, skipped, .. } = progress.tally;
        assert_eq!((walked, incomplete, skipped), (3, 2, 2));
        assert_eq!(first_gap, Some(Gap::PartialContent.to_string()));
        assert_eq!(progress.first_error.unwrap().to_string(), "first");
    }

    #[test]
    fn number_of_lines_about_parents_is_limited() {
        let mut progress = Progress::default();
        let lines: Vec<bool> = (0..200).map_while(|_| progress.take_line()).collect();
        assert_eq!((lines.len(), lines.iter().filter(|last| **last).count()), (100, 1));
        assert_eq!(progress.take_line(), None);
    }
}
