//! Names of syncs as parameters of statements.

use crate::store::SyncName;

/// Splits names of syncs into the arrays of the integrations and of the names.
pub(super) fn split(syncs: &[SyncName]) -> (Vec<String>, Vec<String>) {
    syncs.iter().cloned().unzip()
}

/// Returns the names of syncs in the form with which statements compare `integration || E'\x01' || name`.
pub(super) fn joined(syncs: &[SyncName]) -> Vec<String> {
    syncs.iter().map(|(integration, name)| format!("{integration}\u{1}{name}")).collect()
}
