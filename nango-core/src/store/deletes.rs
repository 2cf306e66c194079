//! From candidate to tombstone: when a live record that a complete scan did not see is deleted.
//!
//! A *delete candidate* is a live record that a complete scan did not see and that nothing wrote since the scan began. The
//! decisions are made here, once for all databases; a database finds the candidates, stores a [`State`] for each one that
//! waits, and makes the tombstones.
//!
//! | file | content |
//! | --- | --- |
//! | `policy` | what a sync declares, and how many confirmations a walk needs |
//! | `ends` | the ends of several walks of one scan as one |
//! | `state` | what is stored of a candidate, and the verdict at the end of a scan |
//! | `forward` | what waits in a dataset, and when the next full run is due because of it |
//!
//! What must stay true:
//! - Each condition of a delete holds by itself; confirmations are counted while a candidate is held.
//! - A record that is seen or written loses its state, in the transaction that sees or writes it ([`touched`]).
//! - Times come from the database's clock.

mod candidate;
mod pending;
mod policy;
#[cfg(test)]
mod tests;
#[cfg(test)]
pub(super) mod vectors;
mod walks;

pub use candidate::{Confirmation, HeldBy};
pub use pending::{NextFullRun, PendingDeletes, ScanOutcome};
pub use policy::{DEFAULT_HOLD, DeletePolicy};
pub use walks::{WalkKind, WalkResult};

pub(super) use candidate::{CandidateEvaluator, CandidateState, Decision, ScanStart, confirmed_gone};
pub(super) use pending::CandidateTotals;

use super::{RowOutcome, Write};

/// How the walks of a scan ended, as far as deletes depend on it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is evidence of its own")]
pub struct ScanWalk {
    /// Whether every walk ended Complete.
    pub complete: bool,
    /// Whether the pagination is position-based.
    pub position_based: bool,
    /// The requests of the longest walk.
    pub requests: u64,
    /// Whether a walk had a shift.
    pub shifted: bool,
    /// Whether the list was empty: no walk returned a record.
    pub list_empty: bool,
}

/// The end of a scan that nothing holds: one complete walk confirms.
#[cfg(test)]
pub(super) fn unguarded_finish_scan(
    run: super::RunToken,
    function: super::FunctionKey,
    dataset: super::DatasetKey,
    scan: super::Scan,
) -> super::FinishScan {
    let walk = ScanWalk { complete: true, position_based: false, requests: 1, shifted: false, list_empty: false };
    let policy = DeletePolicy { allow: true, ..DeletePolicy::default() };
    super::FinishScan { run, function, dataset, scan, walk, policy, confirmations: Vec::new(), resume: None }
}

/// The ids of a write whose records were seen or written, so that they lose their delete state.
///
/// A save sees each of its records, also one that it leaves as it is. A patch that changes nothing names a record that its
/// writer knows to be there, and so does a patch that is older than its record; an older delete does not. A delete that a
/// newer write precedes leaves the record as it was, and so does a patch.
pub(super) fn touched<'a>(write: &'a Write, rows: &[RowOutcome]) -> Vec<&'a str> {
    let with = |ids: &mut dyn Iterator<Item = &'a str>, counts: fn(RowOutcome) -> bool| {
        ids.zip(rows).filter(|(_, row)| counts(**row)).map(|(id, _)| id).collect()
    };
    match write {
        Write::Save(batch) => with(&mut batch.iter().map(|item| item.id), |row| row != RowOutcome::Duplicate),
        Write::Delete(rows_of) => {
            with(&mut rows_of.iter().map(|row| row.id.as_str()), |row| row == RowOutcome::Deleted)
        }
        Write::Seen(ids) => with(&mut ids.iter().map(String::as_str), |row| row == RowOutcome::Seen),
        Write::Patch(patches) => with(&mut patches.iter().map(|patch| patch.id.as_str()), |row| {
            matches!(row, RowOutcome::Updated | RowOutcome::Unchanged | RowOutcome::SkippedOlder)
        }),
    }
}
