//! Writes of decided changes.

use rusqlite::params;

use super::lookup;
use crate::{
    store::{
        ParentKey,
        decide::{Content, RowWrite, Verdict, WriteContext, delete},
        encryption::{DatasetSeal, SEAL_OVERHEAD},
        row_flags::ADDED_ACTION,
        sqlite::{Db, dataset::Dataset, error::DbResult},
        update_times::UpdateTimes,
    },
    time::Timestamp,
};

const _: () = assert!(SEAL_OVERHEAD == 28, "the number in `schema/002.sql`");

/// Writes a change of a page to one dataset.
pub(in crate::store::sqlite) struct ChangeWriter<'a> {
    pub db: &'a Db,
    /// Seals the payloads of the dataset, if the policy requires it.
    pub seal: DatasetSeal,
    pub context: WriteContext<'a>,
}

impl ChangeWriter<'_> {
    /// Writes the verdict about the record with this id and number.
    pub(super) fn write(&self, dataset: &mut Dataset, id: &str, rid: i64, verdict: &Verdict<'_>) -> DbResult<()> {
        let seq = dataset.counters.apply(&verdict.effect);
        match &verdict.write {
            RowWrite::Nothing => Ok(()),
            RowWrite::Times(times) => self.store_times(dataset, id, *times),
            RowWrite::Restore { content, payload } => {
                if *payload {
                    self.restore(id, rid, content)?;
                }
                self.replace_key(dataset, id, content, 0)
            }
            RowWrite::Replace { content, action, state } => {
                self.replace(id, rid, seq, *action, content)?;
                self.replace_key(dataset, id, content, *state)
            }
            RowWrite::Tombstone { times } => {
                let WriteContext { committed_at, run, .. } = self.context;
                write_tombstone(self.db, dataset, id, rid, seq, committed_at, run)?;
                times.map_or(Ok(()), |times| self.store_times(dataset, id, times))
            }
        }
    }

    /// Writes the parent of a record, and no other column.
    pub(super) fn store_parent(&self, dataset: &Dataset, id: &str, parent: ParentKey) -> DbResult<()> {
        const PARENT: &str = "UPDATE record_keys SET parent = ?3 WHERE dataset = ?1 AND id = ?2";
        self.db.sql.prepare_cached(PARENT)?.execute(params![dataset.id, id, parent.0])?;
        Ok(())
    }

    /// Writes the update times of a record, and no other column.
    fn store_times(&self, dataset: &Dataset, id: &str, times: UpdateTimes) -> DbResult<()> {
        const TIMES: &str =
            "UPDATE record_keys SET updated = ?3, older = ?4, older_walk = ?5 WHERE dataset = ?1 AND id = ?2";
        let UpdateTimes { updated, older, older_walk } = times;
        self.db.sql.prepare_cached(TIMES)?.execute(params![dataset.id, id, updated, older, older_walk])?;
        Ok(())
    }

    fn restore(&self, id: &str, rid: i64, content: &Content<'_>) -> DbResult<()> {
        const RESTORE: &str = "UPDATE records SET payload = ?2, key_id = ?3, pruned_at = NULL WHERE rid = ?1";
        let (payload, key) = self.seal.seal(id, &content.payload)?;
        self.db.sql.prepare_cached(RESTORE)?.execute(params![rid, payload, key])?;
        Ok(())
    }

    fn replace(&self, id: &str, rid: i64, seq: i64, action: i64, content: &Content<'_>) -> DbResult<()> {
        const REPLACE: &str = "UPDATE records SET seq = ?2, last_action = ?3, \
                               first_seen_at = coalesce(?4, first_seen_at), modified_at = ?5, deleted_at = NULL, \
                               pruned_at = NULL, run = ?6, payload = ?7, key_id = ?8 WHERE rid = ?1";
        let WriteContext { committed_at, run, .. } = self.context;
        let first_seen_at = (action == ADDED_ACTION).then_some(committed_at);
        let (payload, key) = self.seal.seal(id, &content.payload)?;
        let row = params![rid, seq, action, first_seen_at, committed_at, run, payload, key];
        self.db.sql.prepare_cached(REPLACE)?.execute(row)?;
        Ok(())
    }

    fn replace_key(&self, dataset: &Dataset, id: &str, content: &Content<'_>, state: i64) -> DbResult<()> {
        const REPLACE: &str = "UPDATE record_keys SET hash = ?3, hash_version = ?4, state = ?5, updated = ?6, \
                               older = NULL, older_walk = NULL WHERE dataset = ?1 AND id = ?2";
        let version = self.context.hasher.version();
        let row = params![dataset.id, id, content.hash, version, state, content.updated];
        self.db.sql.prepare_cached(REPLACE)?.execute(row)?;
        Ok(())
    }
}

/// Turns the active record with this id and number into a tombstone.
pub(in crate::store::sqlite) fn tombstone(
    db: &Db,
    dataset: &mut Dataset,
    id: &str,
    rid: i64,
    committed_at: Timestamp,
    run: i64,
) -> DbResult<()> {
    let last = lookup::last_change(db, rid)?;
    let seq = dataset.counters.apply(&delete::tombstone(last.bytes));
    write_tombstone(db, dataset, id, rid, seq, committed_at, run)
}

fn write_tombstone(
    db: &Db,
    dataset: &Dataset,
    id: &str,
    rid: i64,
    seq: i64,
    committed_at: Timestamp,
    run: i64,
) -> DbResult<()> {
    const ROW: &str =
        "UPDATE records SET seq = ?2, last_action = 2, modified_at = ?3, deleted_at = ?3, run = ?4 WHERE rid = ?1";
    const KEY: &str = "UPDATE record_keys SET state = state | 1, older = NULL, older_walk = NULL \
                       WHERE dataset = ?1 AND id = ?2";
    db.sql.prepare_cached(ROW)?.execute(params![rid, seq, committed_at, run])?;
    db.sql.prepare_cached(KEY)?.execute(params![dataset.id, id])?;
    Ok(())
}
