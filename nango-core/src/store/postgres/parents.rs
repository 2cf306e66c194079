//! Rows of parents: the sealed state of a parent's walk, and the evidence of its walk in the latest scan.

use sqlx::{Row as _, postgres::PgRow};

use super::{Db, Postgres, delete_states, error::DbResult, feed, fence, functions};
use crate::store::{
    DatasetKey, DeletePolicy, FunctionKey, NextFullRun, ParentKey, ParentRecord, ParentRow, ParentWrite, Parents,
    RecordState, RunToken, StoreFuture, deletes::ParentColumns, encryption::EncryptionPolicy, parent_context,
};

impl Parents for Postgres {
    fn parent_rows(&self, function: &FunctionKey, ids: Vec<String>) -> StoreFuture<'_, Vec<ParentRow>> {
        self.read_with((function.clone(), ids), |db, (function, ids)| Box::pin(rows(db, function, ids)))
    }

    fn parents_after(
        &self,
        function: &FunctionKey,
        after: Option<ParentKey>,
        limit: u32,
    ) -> StoreFuture<'_, Vec<ParentRow>> {
        self.read_with((function.clone(), after, limit), |db, (function, after, limit)| {
            Box::pin(after_key(db, function, *after, *limit))
        })
    }

    fn drop_parents(&self, run: &RunToken, function: &FunctionKey, ids: Vec<String>) -> StoreFuture<'_, ()> {
        self.write((*run, function.clone(), ids), |db, (run, function, ids)| Box::pin(remove(db, run, function, ids)))
    }

    fn parents_needing_full(
        &self,
        function: &FunctionKey,
        dataset: &DatasetKey,
        policy: &DeletePolicy,
    ) -> StoreFuture<'_, Vec<(ParentKey, NextFullRun)>> {
        let input = (function.clone(), dataset.clone(), policy.clone());
        self.read_with(input, |db, (function, dataset, policy)| {
            Box::pin(delete_states::needing_full(db, function, dataset, policy))
        })
    }

    fn live_records_after(
        &self,
        dataset: &DatasetKey,
        after: Option<&str>,
        limit: u32,
    ) -> StoreFuture<'_, Vec<ParentRecord>> {
        self.read_with((dataset.clone(), after.map(str::to_owned), limit), |db, (dataset, after, limit)| {
            Box::pin(feed::live_after(db, dataset, after.as_deref(), *limit))
        })
    }

    fn record_states(&self, dataset: &DatasetKey, ids: Vec<String>) -> StoreFuture<'_, Vec<(String, RecordState)>> {
        self.read_with((dataset.clone(), ids), |db, (dataset, ids)| Box::pin(feed::states(db, dataset, ids)))
    }
}

/// Writes the rows of distinct parents.
pub(super) async fn write(
    db: &mut Db,
    policy: &EncryptionPolicy,
    key: &FunctionKey,
    parents: &[ParentWrite],
) -> DbResult<()> {
    const PUT: &str = "INSERT INTO nango_rs.parents (function, key, id, first_seen_at, state, done, early_full_runs) \
                       SELECT $1, unnest($2::bytea[]), unnest($3::text[]), unnest($4::bigint[]), unnest($5::bytea[]), \
                       unnest($6::bigint[]), 0 ON CONFLICT (function, key) DO UPDATE SET id = excluded.id, \
                       first_seen_at = excluded.first_seen_at, state = excluded.state, done = excluded.done";
    let function = functions::open(db, key).await?;
    let mut states = Vec::with_capacity(parents.len());
    for parent in parents {
        states.push(match &parent.state {
            Some(state) => {
                let context = parent_context(key, &parent.id);
                Some(db.shared.vault.reseal_if_needed(policy, state, &context)?.unwrap_or_else(|| state.clone()))
            }
            None => None,
        });
    }
    let put = db.query(PUT).bind(function).bind(keys(parents.iter().map(|parent| parent.id.as_str())));
    let put = put.bind(parents.iter().map(|parent| parent.id.as_str()).collect::<Vec<_>>());
    let put = put.bind(parents.iter().map(|parent| parent.first_seen_at).collect::<Vec<_>>()).bind(states);
    put.bind(parents.iter().map(|parent| parent.done).collect::<Vec<_>>()).execute(&mut *db.sql).await?;
    write_scans(db, function, parents).await
}

/// Writes the progress of parents in open scans. Their rows exist.
async fn write_scans(db: &mut Db, function: i64, parents: &[ParentWrite]) -> DbResult<()> {
    const PUT: &str = "INSERT INTO nango_rs.parents AS p (function, key, id, scan, early_full_runs, complete, \
                       position_based, requests, shifted, list_empty, gone) SELECT $1, unnest($2::bytea[]), '', \
                       unnest($3::bigint[]), unnest($4::bigint[]), unnest($5::boolean[]), unnest($6::boolean[]), \
                       unnest($7::bigint[]), unnest($8::boolean[]), unnest($9::boolean[]), unnest($10::boolean[]) \
                       ON CONFLICT (function, key) DO UPDATE SET early_full_runs = \
                       CASE WHEN p.scan = excluded.scan THEN p.early_full_runs \
                       WHEN excluded.early_full_runs > 0 THEN p.early_full_runs + 1 ELSE 0 END, \
                       scan = excluded.scan, complete = excluded.complete, position_based = excluded.position_based, \
                       requests = excluded.requests, shifted = excluded.shifted, list_empty = excluded.list_empty, \
                       gone = excluded.gone";
    let scanned: Vec<_> = parents.iter().filter_map(|parent| parent.scan.as_ref().map(|scan| (parent, scan))).collect();
    if scanned.is_empty() {
        return Ok(());
    }
    let evidence: Vec<_> = scanned.iter().map(|(_, scan)| ParentColumns::of(&scan.end)).collect();
    let flags = |of: fn(&ParentColumns) -> bool| evidence.iter().map(of).collect::<Vec<_>>();
    let put = db.query(PUT).bind(function).bind(keys(scanned.iter().map(|(parent, _)| parent.id.as_str())));
    let put = put.bind(scanned.iter().map(|(_, scan)| scan.number).collect::<Vec<_>>());
    let put = put.bind(scanned.iter().map(|(parent, _)| i64::from(parent.is_early)).collect::<Vec<_>>());
    let put = put.bind(flags(|columns| columns.complete)).bind(flags(|columns| columns.position_based));
    let put = put.bind(evidence.iter().map(|columns| columns.requests).collect::<Vec<_>>());
    let put = put.bind(flags(|columns| columns.shifted)).bind(flags(|columns| columns.list_empty));
    put.bind(flags(|columns| columns.gone)).execute(&mut *db.sql).await?;
    Ok(())
}

/// Returns the keys of parents as parameters.
fn keys<'a>(ids: impl Iterator<Item = &'a str>) -> Vec<Vec<u8>> {
    ids.map(|id| ParentKey::of(id).0.to_vec()).collect()
}

macro_rules! columns {
    () => {
        "id, first_seen_at, state, done, scan, complete, position_based, requests, shifted, list_empty, gone"
    };
}

fn parent_row(row: &PgRow) -> DbResult<ParentRow> {
    Ok(ParentRow {
        id: row.try_get(0)?,
        first_seen_at: row.try_get(1)?,
        state: row.try_get(2)?,
        done: row.try_get(3)?,
        scan: columns(row, 5)?.scan(row.try_get(4)?),
    })
}

/// Reads the evidence from six consecutive columns.
pub(super) fn columns(row: &PgRow, first: usize) -> DbResult<ParentColumns> {
    Ok(ParentColumns {
        complete: row.try_get(first)?,
        position_based: row.try_get(first + 1)?,
        requests: row.try_get(first + 2)?,
        shifted: row.try_get(first + 3)?,
        list_empty: row.try_get(first + 4)?,
        gone: row.try_get(first + 5)?,
    })
}

/// Returns the stored rows of parents; parents without a row are skipped.
async fn rows(db: &mut Db, function: &FunctionKey, ids: &[String]) -> DbResult<Vec<ParentRow>> {
    const FIND: &str = concat!(
        "SELECT p.* FROM unnest($2::bytea[]) i(key) CROSS JOIN LATERAL (SELECT ",
        columns!(),
        " FROM nango_rs.parents WHERE function = $1 AND key = i.key OFFSET 0) p"
    );
    let Some(function) = functions::find(db, function).await? else { return Ok(Vec::new()) };
    let find = db.query(FIND).bind(function).bind(keys(ids.iter().map(String::as_str)));
    find.fetch_all(&mut *db.sql).await?.iter().map(parent_row).collect()
}

/// Returns the next rows of a function in the order of their keys.
async fn after_key(
    db: &mut Db,
    function: &FunctionKey,
    after: Option<ParentKey>,
    limit: u32,
) -> DbResult<Vec<ParentRow>> {
    const NEXT: &str =
        concat!("SELECT ", columns!(), " FROM nango_rs.parents WHERE function = $1 AND key > $2 ORDER BY key LIMIT $3");
    let Some(function) = functions::find(db, function).await? else { return Ok(Vec::new()) };
    let after = after.map_or_else(Vec::new, |key| key.0.to_vec());
    let next = db.query(NEXT).bind(function).bind(after).bind(i64::from(limit));
    next.fetch_all(&mut *db.sql).await?.iter().map(parent_row).collect()
}

/// Removes the rows of parents.
async fn remove(db: &mut Db, run: &RunToken, function: &FunctionKey, ids: &[String]) -> DbResult<()> {
    const REMOVE: &str = "DELETE FROM nango_rs.parents WHERE function = $1 AND key = ANY($2)";
    fence::ensure_running(db, run).await?;
    let Some(function) = functions::find(db, function).await? else { return Ok(()) };
    let remove = db.query(REMOVE).bind(function).bind(keys(ids.iter().map(String::as_str)));
    remove.execute(&mut *db.sql).await?;
    Ok(())
}

/// Clears the positions of all parents of a function. The rows stay, so that parents that disappear later are noticed.
pub(super) async fn reset(db: &mut Db, function: i64) -> DbResult<()> {
    const RESET: &str = "UPDATE nango_rs.parents SET state = NULL, done = NULL, scan = NULL, early_full_runs = 0 \
                         WHERE function = $1";
    db.query(RESET).bind(function).execute(&mut *db.sql).await?;
    Ok(())
}

/// Deletes the rows of parents of a function that are gone in one of these scans and have no active child in these
/// datasets.
pub(super) async fn remove_gone(db: &mut Db, function: i64, scans: &[i64], datasets: &[i64]) -> DbResult<()> {
    const REMOVE: &str = "DELETE FROM nango_rs.parents p WHERE function = $1 AND scan = ANY($2) AND gone \
                          AND NOT EXISTS (SELECT 1 FROM unnest($3::bigint[]) d(id) CROSS JOIN LATERAL \
                          (SELECT 1 FROM nango_rs.record_keys k WHERE k.parent = p.key AND k.dataset + 0 = d.id \
                          AND k.state & 1 = 0 LIMIT 1 OFFSET 0) c OFFSET 0)";
    db.query(REMOVE).bind(function).bind(scans).bind(datasets).execute(&mut *db.sql).await?;
    Ok(())
}
