//! Writes of parents alone.

use super::write::{self, INVALID_RUN};
use crate::store::{
    ParentKey,
    postgres::{Db, error::DbResult},
};

/// Records that get the parent of the write.
#[derive(Debug, Default)]
pub(super) struct ParentChanges<'a> {
    ids: Vec<&'a str>,
    parent: Option<ParentKey>,
}

impl<'a> ParentChanges<'a> {
    /// Adds a record. All records of a write have the same parent.
    pub(super) fn push(&mut self, id: &'a str, parent: ParentKey) {
        self.ids.push(id);
        self.parent = Some(parent);
    }

    /// Writes the parent of the collected records.
    pub(super) async fn write(&self, db: &mut Db, dataset: i64) -> DbResult<()> {
        const PARENTS: &str = "WITH keys AS (INSERT INTO nango_rs.record_keys AS k \
             (dataset, rid, seq, modified_at, run, bytes, hash_version, state, hash, parent, id) \
             SELECT $1, 0, 0, 0, $3, 0, 0, 0, '', $4, unnest($2::text[]) \
             ON CONFLICT (dataset, id) DO UPDATE SET parent = excluded.parent RETURNING k.run) \
             SELECT count(*) FROM keys WHERE run <> $3";
        let Some(parent) = self.parent else { return Ok(()) };
        let parents = db.query_scalar(PARENTS).bind(dataset).bind(&self.ids).bind(INVALID_RUN).bind(parent.0.to_vec());
        write::ensure_all_written(parents.fetch_one(&mut *db.sql).await?, self.ids.len())
    }
}
