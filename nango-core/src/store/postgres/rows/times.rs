//! Writes of update times alone.

use super::write::{self, INVALID_RUN};
use crate::{
    store::{
        postgres::{Db, error::DbResult},
        update_times::UpdateTimes,
    },
    time::Timestamp,
};

/// Records whose update times change.
#[derive(Debug, Default)]
pub(super) struct TimeChanges<'a> {
    ids: Vec<&'a str>,
    updated: Vec<Option<Timestamp>>,
    older: Vec<Option<Timestamp>>,
    walks: Vec<Option<i64>>,
}

impl<'a> TimeChanges<'a> {
    /// Adds a record: id, and times to store.
    pub(super) fn push(&mut self, id: &'a str, times: UpdateTimes) {
        self.ids.push(id);
        self.updated.push(times.updated);
        self.older.push(times.older);
        self.walks.push(times.older_walk);
    }

    /// Writes the collected times.
    pub(super) async fn write(&self, db: &mut Db, dataset: i64) -> DbResult<()> {
        const TIMES: &str = "WITH keys AS (INSERT INTO nango_rs.record_keys AS k \
             (dataset, rid, seq, modified_at, run, bytes, hash_version, state, hash, updated, older, older_walk, id) \
             SELECT $1, 0, 0, 0, $6, 0, 0, 0, '', unnest($3::bigint[]), unnest($4::bigint[]), unnest($5::bigint[]), \
             unnest($2::text[]) ON CONFLICT (dataset, id) DO UPDATE SET updated = excluded.updated, \
             older = excluded.older, older_walk = excluded.older_walk RETURNING k.run) \
             SELECT count(*) FROM keys WHERE run <> $6";
        if self.ids.is_empty() {
            return Ok(());
        }
        let times = db.query_scalar(TIMES).bind(dataset).bind(&self.ids).bind(&self.updated);
        let times = times.bind(&self.older).bind(&self.walks).bind(INVALID_RUN);
        write::ensure_all_written(times.fetch_one(&mut *db.sql).await?, self.ids.len())
    }
}
