//! Delete decisions: when an active record that a complete scan did not see becomes a tombstone.
//!
//! A *delete candidate* is an active record that a complete scan did not see and that no run wrote since the scan
//! began. The decisions are made here, once for all databases; a database finds the candidates, stores a
//! [`CandidateState`] for each pending one, and writes the tombstones.
//!
//! | file | content |
//! | --- | --- |
//! | `policy` | the declaration of a sync, and the number of confirmations that a walk needs |
//! | `walks` | the combined result of the walks of one scan |
//! | `candidate` | the stored state of a candidate, and the decision at the end of a scan |
//! | `pending` | the pending deletes of a dataset, and when they make the next run a full one |
//!
//! Invariants:
//! - Each condition of a delete is checked independently; confirmations are counted while a candidate is held.
//! - A record that is seen or written loses its state in the same transaction ([`touched`]).
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

/// The combined result of a scan's walks, as far as deletes depend on it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is evidence of its own")]
pub struct ScanWalk {
    /// Whether every walk ended as complete.
    pub complete: bool,
    /// Whether the pagination is position-based.
    pub position_based: bool,
    /// The number of requests of the longest walk.
    pub requests: u64,
    /// Whether a walk detected a shift.
    pub shifted: bool,
    /// Whether the list was empty: no walk returned a record.
    pub list_empty: bool,
}

/// Returns the end of a scan without guards: one complete walk confirms a delete.
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

/// Returns the ids of a write whose records were seen or written, so that they lose their delete state.
///
/// A save sees each of its records, also those that it leaves unchanged. A patch that changes nothing, or that is older
/// than its record, shows that the record exists; an older delete does not. A delete or patch that is skipped because
/// of a newer write does not count.
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
