//! Records that lose their delete state.

use crate::store::{RowOutcome, Write};

/// Returns the ids of a write whose records were seen or written, so that they lose their delete state.
///
/// A save sees each of its records, also those that it leaves unchanged. A patch that changes nothing, or that is older
/// than its record, shows that the record exists; an older delete does not. A delete or patch that is skipped because
/// of a newer write does not count.
pub(in crate::store) fn touched<'a>(write: &'a Write, rows: &[RowOutcome]) -> Vec<&'a str> {
    let with = |ids: &mut dyn Iterator<Item = &'a str>, counts: fn(RowOutcome) -> bool| {
        ids.zip(rows).filter(|(_, row)| counts(**row)).map(|(id, _)| id).collect()
    };
    match write {
        Write::Save(batch) | Write::Replace(batch) => {
            with(&mut batch.iter().map(|item| item.id), |row| row != RowOutcome::Duplicate)
        }
        Write::Delete(rows_of) => {
            with(&mut rows_of.iter().map(|row| row.id.as_str()), |row| row == RowOutcome::Deleted)
        }
        Write::Seen(ids) => with(&mut ids.iter().map(String::as_str), |row| row == RowOutcome::Seen),
        Write::Patch(patches) => with(&mut patches.iter().map(|patch| patch.id.as_str()), |row| {
            matches!(row, RowOutcome::Updated | RowOutcome::Unchanged | RowOutcome::SkippedOlder)
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{Batch, Patch},
        store::PatchRow,
    };

    #[test]
    fn touched_returns_seen_and_changed_ids() {
        use RowOutcome::*;
        let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
        let delete = Write::delete(ids(&["a", "b", "c", "a"]));
        assert_eq!(touched(&delete, &[Deleted, Missing, SkippedNewer, Duplicate]), ["a"]);
        let patch = |id: &str| PatchRow { id: id.to_owned(), fields: serde_json::Map::new(), updated: Patch::Keep };
        let patches = Write::Patch(["a", "b", "c", "d"].map(patch).to_vec());
        assert_eq!(touched(&patches, &[Updated, Unchanged, SkippedNewer, Missing]), ["a", "b"]);
        let seen = Write::Seen(ids(&["a", "b"]));
        assert_eq!(touched(&seen, &[Missing, Seen]), ["b"]);
        assert_eq!(touched(&Write::Save(Batch::default()), &[]), Vec::<&str>::new());
    }
}
