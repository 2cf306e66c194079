//! Delete decisions: when an active record that a complete scan did not see becomes a tombstone.
//!
//! A *delete candidate* is an active record that a complete scan did not see and that no run wrote since the scan
//! began. The decisions are made here, once for all databases; a database finds the candidates, stores a
//! [`CandidateState`] for each pending one, and writes the tombstones.
//!
//! The candidates of a scan are the records of its dataset
//! - that are active,
//! - whose sequence number is not greater than that of the dataset when the scan began: no run wrote them since, and
//! - whose record number is not marked in the scan.
//!
//! If the lists of parents were walked, a fourth condition holds: the parent of the record is gone, or its own walk in
//! this scan was complete. Its walk then decides about the confirmations, and the guard is evaluated for its children
//! and for all candidates.
//!
//! A database selects them with these conditions in SQL, in batches by id. A record that a request found to be deleted,
//! and that became a tombstone since the scan began, is counted with them.
//!
//! | file | content |
//! | --- | --- |
//! | `policy` | the declaration of a sync, and the number of confirmations that a walk needs |
//! | `scan` | the request to finish a scan |
//! | `walks` | the combined result of the walks of one scan |
//! | `parents` | the evidence of the walks of parents |
//! | `candidate` | the stored state of a candidate, and the decision at the end of a scan |
//! | `pending` | the pending deletes of a dataset, and when they make the next run a full one |
//!
//! Invariants:
//! - Each condition of a delete is checked independently; confirmations are counted while a candidate is held.
//! - A record that is seen or written loses its state in the same transaction ([`super::decide::touched`]).
//! - Times come from the database's clock.

mod candidate;
#[cfg(test)]
#[path = "../../../tests/suite/conformance/delete_histories.rs"]
mod delete_histories;
mod parents;
mod pending;
mod policy;
mod scan;
#[cfg(test)]
mod tests;
mod walks;

pub use candidate::HeldBy;
pub use pending::{NextFullRun, PendingDeletes, ScanOutcome};
pub use policy::{DEFAULT_HOLD, DeletePolicy, FullRuns};
pub use scan::{Confirmation, FinishScan, Scan, ScanFrom};
pub use walks::{ScanWalk, WalkKind, WalkResult};

pub(super) use candidate::{CandidateEvaluator, CandidateGroup, CandidateState, Decision, ScanStart};
pub(super) use parents::{ParentColumns, ParentEvidence};
pub(super) use pending::CandidateTotals;
pub(super) use scan::confirmed_deleted;
