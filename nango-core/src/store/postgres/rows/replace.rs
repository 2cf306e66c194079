//! Replacement of the children of a parent.

use std::collections::HashSet;

use super::{
    ChangeWriter,
    change::RowWrites,
    lookup::{self, KeyColumns},
    save::save,
};
use crate::{
    model::Batch,
    store::{
        DeleteRow, ParentKey, RowOutcome,
        decide::delete as decision,
        hashed_page::PreparedWrite,
        postgres::{Db, dataset::Dataset, delete_states, error::DbResult},
    },
};

/// Number of children that are deleted in one statement.
const BATCH_SIZE: i64 = 1000;

/// Saves a batch, and deletes the other active records of its parent.
pub(in crate::store::postgres) async fn replace(
    db: &mut Db,
    writer: &ChangeWriter<'_>,
    dataset: &mut Dataset,
    batch: &Batch,
    prepared: &PreparedWrite,
) -> DbResult<Vec<RowOutcome>> {
    let mut outcomes = save(db, writer, dataset, batch, prepared).await?;
    let Some(parent) = writer.context.parent else { return Ok(outcomes) };
    let kept: HashSet<&str> = batch.iter().map(|item| item.id).collect();
    let mut after = String::new();
    loop {
        let mut next = children_after(db, dataset.id, parent, &after).await?;
        let Some(last) = next.last() else { return Ok(outcomes) };
        after.clone_from(last);
        next.retain(|id| !kept.contains(id.as_str()));
        remove(db, writer, dataset, next, &mut outcomes).await?;
    }
}

async fn children_after(db: &mut Db, dataset: i64, parent: ParentKey, after: &str) -> DbResult<Vec<String>> {
    const NEXT: &str = "SELECT id FROM nango_rs.record_keys WHERE parent = $1 AND dataset + 0 = $2 AND id > $3 \
                        AND state & 1 = 0 ORDER BY id LIMIT $4";
    let next = db.query_scalar(NEXT).bind(parent.0.to_vec()).bind(dataset).bind(after).bind(BATCH_SIZE);
    Ok(next.fetch_all(&mut *db.sql).await?)
}

/// Deletes active records, except those that another run wrote later.
async fn remove(
    db: &mut Db,
    writer: &ChangeWriter<'_>,
    dataset: &mut Dataset,
    ids: Vec<String>,
    outcomes: &mut Vec<RowOutcome>,
) -> DbResult<()> {
    let parameters: Vec<_> = ids.iter().map(|id| Some(id.as_str())).collect();
    let known = lookup::find_keys(db, dataset.id, &parameters, KeyColumns::default()).await?;
    let mut changed = RowWrites::default();
    let mut deleted = Vec::new();
    let rows: Vec<DeleteRow> = ids.into_iter().map(|id| DeleteRow { id, deleted_at: None }).collect();
    for (row, known) in rows.iter().zip(&known) {
        let Some(known) = known else { continue };
        let verdict = decision::by_row(&writer.context, row, &known.key, known.last);
        outcomes.push(verdict.effect.outcome);
        if verdict.effect.outcome == RowOutcome::Deleted {
            deleted.push(row.id.as_str());
        }
        changed.push(writer, dataset, &row.id, known, verdict)?;
    }
    changed.write_changes(db, writer, dataset.id).await?;
    if dataset.has_candidates {
        delete_states::drop_states(db, dataset.id, &deleted).await?;
    }
    Ok(())
}
