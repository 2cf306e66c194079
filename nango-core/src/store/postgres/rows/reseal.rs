//! Writes of a reseal pass, which change the stored form of rows without a change for readers.

use super::{INVALID_RUN, content::stored_key_id, write};
use crate::store::{
    encryption::EncryptionPolicy,
    hash::Hash,
    postgres::{Db, error::DbResult},
};

/// Payloads to store in another form.
#[derive(Debug, Default)]
pub(in crate::store::postgres) struct PayloadUpdates<'a> {
    ids: Vec<&'a str>,
    seqs: Vec<i64>,
    payloads: Vec<Vec<u8>>,
}

impl<'a> PayloadUpdates<'a> {
    /// Adds a record: id, sequence number, and payload in its new form.
    pub(in crate::store::postgres) fn push(&mut self, id: &'a str, seq: i64, payload: Vec<u8>) {
        self.ids.push(id);
        self.seqs.push(seq);
        self.payloads.push(payload);
    }

    /// Writes the collected payloads.
    pub(in crate::store::postgres) async fn write(
        &self,
        db: &mut Db,
        dataset: i64,
        policy: &EncryptionPolicy,
    ) -> DbResult<()> {
        const RESEAL: &str = "WITH rows AS (INSERT INTO nango_rs.records AS r \
             (dataset, seq, first_seen_at, modified_at, run, last_action, id, key_id, payload) \
             SELECT $1, unnest($2::bigint[]), 0, 0, $5, 0, unnest($3::text[]), $6, unnest($4::bytea[]) \
             ON CONFLICT (dataset, seq) DO UPDATE SET payload = excluded.payload, key_id = excluded.key_id \
             RETURNING r.run) SELECT count(*) FROM rows WHERE run <> $5";
        for part in write::parts(self.payloads.iter().map(Vec::len)) {
            let reseal = db
                .query_scalar(RESEAL)
                .bind(dataset)
                .bind(&self.seqs[part.clone()])
                .bind(&self.ids[part.clone()])
                .bind(&self.payloads[part.clone()])
                .bind(INVALID_RUN)
                .bind(stored_key_id(policy));
            write::ensure_all_written(reseal.fetch_one(&mut *db.sql).await?, part.len())?;
        }
        Ok(())
    }
}

/// Content hashes to store in another version.
#[derive(Debug, Default)]
pub(in crate::store::postgres) struct HashUpdates<'a> {
    ids: Vec<&'a str>,
    hashes: Vec<Hash>,
    versions: Vec<i16>,
}

impl<'a> HashUpdates<'a> {
    /// Adds a record: id, hash, and version of the hash.
    pub(in crate::store::postgres) fn push(&mut self, id: &'a str, hash: Hash, version: i64) {
        self.ids.push(id);
        self.hashes.push(hash);
        self.versions.push(write::to_i16(version));
    }

    /// Writes the collected hashes.
    pub(in crate::store::postgres) async fn write(&self, db: &mut Db, dataset: i64) -> DbResult<()> {
        const REHASH: &str = "WITH keys AS (INSERT INTO nango_rs.record_keys AS k \
             (dataset, rid, seq, modified_at, run, bytes, hash_version, state, hash, id) \
             SELECT $1, 0, 0, 0, $5, 0, unnest($4::smallint[]), 0, unnest($3::bytea[]), unnest($2::text[]) \
             ON CONFLICT (dataset, id) DO UPDATE SET hash = excluded.hash, hash_version = excluded.hash_version \
             RETURNING k.run) SELECT count(*) FROM keys WHERE run <> $5";
        if self.ids.is_empty() {
            return Ok(());
        }
        let rehash = db.query_scalar(REHASH).bind(dataset).bind(&self.ids).bind(&self.hashes).bind(&self.versions);
        write::ensure_all_written(rehash.bind(INVALID_RUN).fetch_one(&mut *db.sql).await?, self.ids.len())
    }
}
