//! Rows of parents: the sealed state of a parent's walk, and the evidence of its walk in the latest scan.

use rusqlite::{Row, params, params_from_iter, types::Value};

use super::{Db, Sqlite, delete_states, encryption, error::DbResult, feed, fence, functions};
use crate::store::{
    DatasetKey, DeletePolicy, FunctionKey, NextFullRun, ParentKey, ParentRecord, ParentRow, ParentWrite, Parents,
    RecordState, RunToken, StoreFuture,
    deletes::{ParentColumns, ParentEvidence},
    parent_context,
    row_flags::DELETED_FLAG,
};

/// Number of parents that are read before their children are.
const BATCH_SIZE: i64 = 1000;

impl Parents for Sqlite {
    fn parent_rows(&self, function: &FunctionKey, ids: Vec<String>) -> StoreFuture<'_, Vec<ParentRow>> {
        let function = function.clone();
        self.read_with(move |db| rows(db, &function, &ids))
    }

    fn parents_after(
        &self,
        function: &FunctionKey,
        after: Option<ParentKey>,
        limit: u32,
    ) -> StoreFuture<'_, Vec<ParentRow>> {
        let function = function.clone();
        self.read_with(move |db| after_key(db, &function, after, limit))
    }

    fn drop_parents(&self, run: &RunToken, function: &FunctionKey, ids: Vec<String>) -> StoreFuture<'_, ()> {
        let (run, function) = (*run, function.clone());
        self.write(move |db| remove(db, &run, &function, &ids))
    }

    fn parents_needing_full(
        &self,
        function: &FunctionKey,
        dataset: &DatasetKey,
        policy: &DeletePolicy,
    ) -> StoreFuture<'_, Vec<(ParentKey, NextFullRun)>> {
        let (function, dataset, policy) = (function.clone(), dataset.clone(), policy.clone());
        self.read_with(move |db| delete_states::needing_full(db, &function, &dataset, &policy))
    }

    fn live_records_after(
        &self,
        dataset: &DatasetKey,
        after: Option<&str>,
        limit: u32,
    ) -> StoreFuture<'_, Vec<ParentRecord>> {
        let (dataset, after) = (dataset.clone(), after.map(str::to_owned));
        self.read_with(move |db| feed::live_after(db, &dataset, after.as_deref(), limit))
    }

    fn record_states(&self, dataset: &DatasetKey, ids: Vec<String>) -> StoreFuture<'_, Vec<(String, RecordState)>> {
        let dataset = dataset.clone();
        self.read_with(move |db| feed::states(db, &dataset, ids))
    }
}

/// Writes the rows of parents.
pub(super) fn write(db: &Db, key: &FunctionKey, parents: &[ParentWrite]) -> DbResult<()> {
    const PUT: &str = "INSERT INTO parents (function, key, id, first_seen_at, state, done, early_full_runs) \
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0) ON CONFLICT (function, key) DO UPDATE SET \
                       id = excluded.id, first_seen_at = excluded.first_seen_at, state = excluded.state, \
                       done = excluded.done";
    const PUT_SCAN: &str = "UPDATE parents SET early_full_runs = CASE WHEN scan IS ?3 THEN early_full_runs \
                            WHEN ?4 THEN early_full_runs + 1 ELSE 0 END, scan = ?3, complete = ?5, \
                            position_based = ?6, requests = ?7, shifted = ?8, list_empty = ?9, gone = ?10 \
                            WHERE function = ?1 AND key = ?2";
    let function = functions::open(db, key)?;
    let mut put = db.sql.prepare_cached(PUT)?;
    for parent in parents {
        let child = ParentKey::of(&parent.id).0;
        let newer = match &parent.state {
            Some(state) => encryption::reseal_if_needed(db, state, &parent_context(key, &parent.id))?,
            None => None,
        };
        let state = newer.as_ref().or(parent.state.as_ref());
        put.execute(params![function, child, parent.id, parent.first_seen_at, state, parent.done])?;
        if let Some(scan) = &parent.scan {
            let ParentColumns { complete, position_based, requests, shifted, list_empty, gone } =
                ParentColumns::of(&scan.end);
            let evidence = params![
                function,
                child,
                scan.number,
                parent.is_early,
                complete,
                position_based,
                requests,
                shifted,
                list_empty,
                gone
            ];
            db.sql.prepare_cached(PUT_SCAN)?.execute(evidence)?;
        }
    }
    Ok(())
}

macro_rules! columns {
    ($rest:literal) => {
        concat!(
            "SELECT id, first_seen_at, state, done, scan, complete, position_based, requests, shifted, list_empty, \
             gone FROM parents WHERE function = ?1 AND ",
            $rest
        )
    };
}

fn parent_row(row: &Row<'_>) -> rusqlite::Result<ParentRow> {
    Ok(ParentRow {
        id: row.get(0)?,
        first_seen_at: row.get(1)?,
        state: row.get(2)?,
        done: row.get(3)?,
        scan: columns(row, 5)?.scan(row.get(4)?),
    })
}

/// Reads the evidence from six consecutive columns.
fn columns(row: &Row<'_>, first: usize) -> rusqlite::Result<ParentColumns> {
    Ok(ParentColumns {
        complete: row.get(first)?,
        position_based: row.get(first + 1)?,
        requests: row.get(first + 2)?,
        shifted: row.get(first + 3)?,
        list_empty: row.get(first + 4)?,
        gone: row.get(first + 5)?,
    })
}

/// Returns the stored rows of parents; parents without a row are skipped.
fn rows(db: &Db, function: &FunctionKey, ids: &[String]) -> DbResult<Vec<ParentRow>> {
    let Some(function) = functions::find(db, function)? else { return Ok(Vec::new()) };
    let mut find = db.sql.prepare_cached(columns!("key = ?2"))?;
    let mut found = Vec::new();
    for id in ids {
        found.extend(find.query_map(params![function, ParentKey::of(id).0], parent_row)?.next().transpose()?);
    }
    Ok(found)
}

/// Returns the next rows of a function in the order of their keys.
fn after_key(db: &Db, function: &FunctionKey, after: Option<ParentKey>, limit: u32) -> DbResult<Vec<ParentRow>> {
    let Some(function) = functions::find(db, function)? else { return Ok(Vec::new()) };
    let mut next = db.sql.prepare_cached(columns!("key > ?2 ORDER BY key LIMIT ?3"))?;
    let after = after.map_or_else(Vec::new, |key| key.0.to_vec());
    Ok(next.query_map(params![function, after, limit], parent_row)?.collect::<Result<_, _>>()?)
}

/// Removes the rows of parents.
fn remove(db: &Db, run: &RunToken, function: &FunctionKey, ids: &[String]) -> DbResult<()> {
    fence::ensure_running(db, run)?;
    let Some(function) = functions::find(db, function)? else { return Ok(()) };
    let mut remove = db.sql.prepare_cached("DELETE FROM parents WHERE function = ?1 AND key = ?2")?;
    for id in ids {
        remove.execute(params![function, ParentKey::of(id).0])?;
    }
    Ok(())
}

/// Clears the positions of all parents of a function. The rows stay, so that parents that disappear later are noticed.
pub(super) fn reset(db: &Db, function: i64) -> DbResult<()> {
    const RESET: &str = "UPDATE parents SET state = NULL, done = NULL, scan = NULL, early_full_runs = 0 \
                         WHERE function = ?1";
    db.sql.prepare_cached(RESET)?.execute([function])?;
    Ok(())
}

/// Parents of a function whose children may be candidates of open scans: their own walk was complete, or they are gone.
pub(super) struct DecidedParents<'a> {
    db: &'a Db,
    function: i64,
    scans: Vec<i64>,
}

impl<'a> DecidedParents<'a> {
    /// Returns the parents of a function that were written in one of these scans.
    pub(super) fn new(db: &'a Db, function: i64, scans: Vec<i64>) -> Self {
        Self { db, function, scans }
    }

    /// Returns the condition on a row of `parents`, with a parameter `?1` for the function, and one for each scan from
    /// `?2` on.
    fn condition(&self) -> String {
        let scans: Vec<String> = (2..self.scans.len() + 2).map(|number| format!("?{number}")).collect();
        format!("function = ?1 AND scan IN ({}) AND (complete OR gone)", scans.join(", "))
    }

    fn parameters(&self, more: impl IntoIterator<Item = Value>) -> impl Iterator<Item = Value> {
        let scans = self.scans.iter().copied().map(Value::from);
        [Value::from(self.function)].into_iter().chain(scans.collect::<Vec<_>>()).chain(more)
    }

    /// Returns the next parents in the order of their keys. Fewer than [`BATCH_SIZE`] are the last.
    pub(super) fn next_batch(&self, after: &[u8]) -> DbResult<Vec<(ParentKey, ParentEvidence)>> {
        let next = self.scans.len() + 2;
        let select = format!(
            "SELECT key, early_full_runs > 0, complete, position_based, requests, shifted, list_empty, gone \
             FROM parents WHERE {} AND key > ?{next} ORDER BY key LIMIT {BATCH_SIZE}",
            self.condition()
        );
        let mut select = self.db.sql.prepare_cached(&select)?;
        let read = |row: &Row<'_>| Ok((ParentKey(row.get(0)?), columns(row, 2)?.evidence(row.get(1)?)));
        let parameters = params_from_iter(self.parameters([Value::from(after.to_vec())]));
        Ok(select.query_map(parameters, read)?.collect::<Result<_, _>>()?)
    }

    /// Calls a function for each parent, in the order of their keys.
    pub(super) fn for_each(&self, mut visit: impl FnMut(ParentKey, &ParentEvidence) -> DbResult<()>) -> DbResult<()> {
        let mut after = Vec::new();
        loop {
            let parents = self.next_batch(&after)?;
            for (key, evidence) in &parents {
                visit(*key, evidence)?;
            }
            match parents.last() {
                Some((last, _)) if i64::try_from(parents.len()) == Ok(BATCH_SIZE) => after = last.0.to_vec(),
                _ => return Ok(()),
            }
        }
    }

    /// Deletes the states of the children of these parents that the scan of the dataset did not miss.
    pub(super) fn drop_other_states(&self, dataset: i64, scan: i64) -> DbResult<()> {
        let next = self.scans.len() + 2;
        let delete = format!(
            "DELETE FROM delete_states WHERE dataset = ?{next} AND scan <> ?{} AND parent IN (SELECT key FROM parents \
             WHERE {})",
            next + 1,
            self.condition()
        );
        let parameters = self.parameters([Value::from(dataset), Value::from(scan)]);
        self.db.sql.prepare_cached(&delete)?.execute(params_from_iter(parameters))?;
        Ok(())
    }

    /// Deletes the rows of parents that are gone and have no active child in these datasets.
    pub(super) fn remove_gone(&self, datasets: &[i64]) -> DbResult<()> {
        let numbers: Vec<String> = datasets.iter().map(i64::to_string).collect();
        let delete = format!(
            "DELETE FROM parents AS p WHERE {} AND gone AND NOT EXISTS (SELECT 1 FROM record_keys k \
             WHERE k.parent = p.key AND k.dataset IN ({}) AND k.state & {DELETED_FLAG} = 0)",
            self.condition(),
            numbers.join(", ")
        );
        self.db.sql.prepare(&delete)?.execute(params_from_iter(self.parameters([])))?;
        Ok(())
    }
}

/// Returns the numbers of the open scans of a function.
pub(super) fn open_scans(db: &Db, function: i64) -> DbResult<Vec<i64>> {
    let mut open = db.sql.prepare_cached("SELECT number FROM scans WHERE function = ?1 ORDER BY number")?;
    Ok(open.query_map([function], |row| row.get(0))?.collect::<Result<_, _>>()?)
}
