//! Evidence of parents: what the walk of a parent's list proves about its children.

use super::ScanWalk;
use crate::store::{ParentEnd, ParentScan};

/// The evidence of a parent whose children are delete candidates, if no walk of the scan saw them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) struct ParentEvidence {
    /// The walk that decides about the children.
    pub walk: ScanWalk,
    /// Whether candidates brought the walk forward.
    pub is_early: bool,
}

/// The columns of a parent's row with its progress in a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a column of its own")]
pub(in crate::store) struct ParentColumns {
    /// Whether the walk ended as complete. Together with `gone`: whether the children are candidates.
    pub complete: bool,
    /// Whether the pagination is position-based.
    pub position_based: bool,
    /// The number of requests; 0 until the walk ends.
    pub requests: i64,
    /// Whether the walk detected a shift.
    pub shifted: bool,
    /// Whether the list was empty.
    pub list_empty: bool,
    /// Whether the parent does not exist any more.
    pub gone: bool,
}

impl ParentColumns {
    /// Returns the columns to store.
    pub(in crate::store) fn of(end: &ParentEnd) -> Self {
        match end {
            ParentEnd::Begun => Self::default(),
            ParentEnd::Ended(walk) => Self {
                complete: walk.complete,
                position_based: walk.position_based,
                // A walk that ended has sent a request.
                requests: i64::try_from(walk.requests).unwrap_or(i64::MAX).max(1),
                shifted: walk.shifted,
                list_empty: walk.list_empty,
                gone: false,
            },
            ParentEnd::Gone => Self { gone: true, ..Self::default() },
        }
    }

    /// Returns the stored progress in a scan.
    pub(in crate::store) fn scan(&self, number: Option<i64>) -> Option<ParentScan> {
        let end = match self {
            Self { gone: true, .. } => ParentEnd::Gone,
            Self { requests: 0, .. } => ParentEnd::Begun,
            _ => ParentEnd::Ended(self.walk()),
        };
        number.map(|number| ParentScan { number, end })
    }

    /// Returns the evidence about the children. A parent that is gone counts as a complete walk of one request, with
    /// token pagination and a list that is not empty.
    pub(in crate::store) fn evidence(&self, is_early: bool) -> ParentEvidence {
        let walk = if self.gone {
            ScanWalk { complete: true, position_based: false, requests: 1, shifted: false, list_empty: false }
        } else {
            self.walk()
        };
        ParentEvidence { walk, is_early }
    }

    fn walk(&self) -> ScanWalk {
        ScanWalk {
            complete: self.complete,
            position_based: self.position_based,
            requests: u64::try_from(self.requests).unwrap_or(0),
            shifted: self.shifted,
            list_empty: self.list_empty,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_keep_the_end_of_a_walk() {
        let walk = ScanWalk { complete: true, position_based: true, requests: 3, shifted: true, list_empty: false };
        let incomplete = ScanWalk { complete: false, list_empty: true, ..walk.clone() };
        for end in [ParentEnd::Begun, ParentEnd::Ended(walk), ParentEnd::Ended(incomplete), ParentEnd::Gone] {
            let columns = ParentColumns::of(&end);
            assert_eq!(columns.scan(None), None);
            assert_eq!(columns.scan(Some(7)), Some(ParentScan { number: 7, end }));
        }
    }

    #[test]
    fn gone_parent_needs_one_confirmation_and_has_no_empty_list() {
        let evidence = ParentColumns::of(&ParentEnd::Gone).evidence(true);
        assert!(evidence.is_early && evidence.walk.complete && !evidence.walk.list_empty);
        assert_eq!((evidence.walk.requests, evidence.walk.position_based), (1, false));
    }
}
