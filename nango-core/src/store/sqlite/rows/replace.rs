//! Replacement of the children of a parent.

use std::collections::HashSet;

use rusqlite::params;

use super::{
    ChangeWriter,
    lookup::{self, KeyColumns, KeyFinder},
    save::save,
};
use crate::{
    model::Batch,
    store::{
        DeleteRow, ParentKey, RowOutcome,
        decide::delete as decision,
        hashed_page::PreparedWrite,
        row_flags::DELETED_FLAG,
        sqlite::{dataset::Dataset, delete_states, error::DbResult},
    },
};

/// Number of children that are read before any of them is deleted.
const BATCH_SIZE: u32 = 1000;

/// Saves a batch, and deletes the other active records of its parent.
pub(in crate::store::sqlite) fn replace(
    at: &ChangeWriter<'_>,
    dataset: &mut Dataset,
    batch: &Batch,
    prepared: &PreparedWrite,
) -> DbResult<Vec<RowOutcome>> {
    let mut outcomes = save(at, dataset, batch, prepared)?;
    let Some(parent) = at.context.parent else { return Ok(outcomes) };
    let kept: HashSet<&str> = batch.iter().map(|item| item.id).collect();
    let mut after = String::new();
    loop {
        let next = children_after(at, dataset, parent, &after)?;
        for id in next.iter().filter(|id| !kept.contains(id.as_str())) {
            outcomes.extend(remove(at, dataset, id)?);
        }
        match next.into_iter().last() {
            Some(last) => after = last,
            None => return Ok(outcomes),
        }
    }
}

fn children_after(at: &ChangeWriter<'_>, dataset: &Dataset, parent: ParentKey, after: &str) -> DbResult<Vec<String>> {
    let mut next = at.db.sql.prepare_cached(
        "SELECT id FROM record_keys WHERE parent = ?1 AND dataset = ?2 AND id > ?3 AND state & ?4 = 0 \
         ORDER BY id LIMIT ?5",
    )?;
    let parameters = params![parent.0, dataset.id, after, DELETED_FLAG, BATCH_SIZE];
    Ok(next.query_map(parameters, |row| row.get(0))?.collect::<Result<_, _>>()?)
}

/// Deletes an active record, unless another run wrote it later.
fn remove(at: &ChangeWriter<'_>, dataset: &mut Dataset, id: &str) -> DbResult<Option<RowOutcome>> {
    let Some(known) = KeyFinder::new(at.db, dataset.id, KeyColumns::default())?.find(id)? else {
        return Ok(None);
    };
    let row = DeleteRow { id: id.to_owned(), deleted_at: None };
    let verdict = decision::by_row(&at.context, &row, &known.key, lookup::last_change(at.db, known.rid)?);
    at.write(dataset, id, known.rid, &verdict)?;
    if dataset.has_candidates && verdict.effect.outcome == RowOutcome::Deleted {
        delete_states::drop_states(at.db, dataset.id, &[id])?;
    }
    Ok(Some(verdict.effect.outcome))
}
