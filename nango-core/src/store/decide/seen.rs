//! Sightings: ids that exist at the provider, with unknown content.

use super::{Effect, StoredKey};
use crate::store::RowOutcome;

/// Decides by the key row: an open scan counts an active record as seen; nothing is written to the record.
pub(in crate::store) fn by_key(key: &StoredKey) -> Effect {
    if key.is_deleted() { Effect::MISSING } else { Effect::unchanged(RowOutcome::Seen, true) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{
        row_flags::{DELETED_FLAG, MERGED_FLAG, PRUNED_FLAG},
        update_times::UpdateTimes,
    };

    #[test]
    fn only_active_records_are_seen() {
        for (state, outcome) in [
            (0, RowOutcome::Seen),
            (MERGED_FLAG, RowOutcome::Seen),
            (PRUNED_FLAG, RowOutcome::Seen),
            (DELETED_FLAG, RowOutcome::Missing),
        ] {
            let key = StoredKey { state, hash: [0; 16], hash_version: 1, times: UpdateTimes::default(), parent: None };
            assert_eq!(by_key(&key).outcome, outcome, "{state}");
        }
    }
}
