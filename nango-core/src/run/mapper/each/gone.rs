//! Parents that no longer exist: their records were deleted, or they left the list in the metadata.

use std::collections::HashSet;

use super::{
    super::parents::ParentsRun,
    source::{dataset, elements},
};
use crate::{
    declare::{Each, SharedMetadata},
    error::Result,
    nango::PageCommit,
    store::{DatasetKey, ParentEnd, ParentKey, ParentRow, ParentScan, ParentWrite, RecordState, StoreError},
};

/// Number of rows that are read at the same time.
const BATCH: u32 = 500;

/// Parents that still exist at the API.
enum Existing {
    /// Records of a dataset. A record that is missing from the cache is no proof of a delete; a tombstone is.
    Records(DatasetKey),
    /// Ids of the elements in the metadata.
    Elements(HashSet<String>),
}

/// Removes the state of parents that no longer exist. If the sync deletes records, their children become delete
/// candidates; otherwise their rows are removed.
pub(super) async fn write(parents: &ParentsRun<'_>, each: &Each, metadata: Option<&SharedMetadata>) -> Result<()> {
    let existing = match dataset(parents, each) {
        Some(dataset) => Existing::Records(dataset),
        None => Existing::Elements(elements(each, metadata)?.into_iter().map(|element| element.id).collect()),
    };
    let run = parents.run;
    let mut after = None;
    loop {
        run.context.check_cancelled()?;
        let rows = run.runtime.store.parents_after(run.context.key(), after, BATCH).await;
        let rows = rows.map_err(StoreError::into_error)?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = Some(ParentKey::of(&last.id));
        let is_last = rows.len() < BATCH as usize;
        write_gone(parents, gone_of(parents, &existing, rows).await?).await?;
        if is_last {
            return Ok(());
        }
    }
}

/// Returns the parents among stored rows that no longer exist.
async fn gone_of(parents: &ParentsRun<'_>, existing: &Existing, rows: Vec<ParentRow>) -> Result<Vec<String>> {
    // A parent whose list was walked in this run exists, or is found in the next run.
    let ids = rows.into_iter().filter(|row| row.done != Some(parents.number())).map(|row| row.id);
    match existing {
        Existing::Elements(elements) => Ok(ids.filter(|id| !elements.contains(id)).collect()),
        Existing::Records(dataset) => {
            let ids: Vec<String> = ids.collect();
            if ids.is_empty() {
                return Ok(ids);
            }
            let states = parents.run.runtime.store.record_states(dataset, ids).await;
            let states = states.map_err(StoreError::into_error)?;
            let deleted = states.into_iter().filter(|(_, state)| *state == RecordState::Deleted);
            Ok(deleted.map(|(id, _)| id).collect())
        }
    }
}

async fn write_gone(parents: &ParentsRun<'_>, ids: Vec<String>) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let run = parents.run;
    let Some(open) = parents.scans.first() else {
        let dropped = run.runtime.store.drop_parents(&run.context.token().await?, run.context.key(), ids).await;
        return dropped.map_err(StoreError::into_error);
    };
    let number = open.scan.number;
    let gone = |id| ParentWrite {
        id,
        first_seen_at: None,
        state: None,
        done: None,
        scan: Some(ParentScan { number, end: ParentEnd::Gone }),
        is_early: false,
    };
    let parents = ids.into_iter().map(gone).collect();
    run.commit(PageCommit { parents, ..PageCommit::default() }).await
}
