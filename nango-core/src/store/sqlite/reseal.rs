//! Reseal passes: encrypting, decrypting or re-encrypting stored data after a change of the policy or the key.
//!
//! A pass reads rows in the order of their numbers, in stages: records; connections; resume states; parents;
//! secrets. Its position is written in the transaction of each step, so an interrupted pass resumes from there.
//! Nothing can be sealed by the previous policy behind the position, because concurrent transactions write by the
//! policy that the pass applies.
//!
//! Invariant: a pass changes how bytes are stored, and the version of hashes; never a sequence number, a commit time, a
//! state or a size.

use std::collections::{HashMap, hash_map::Entry};

use rusqlite::{Row, params};

use super::{
    db::{Db, LOCK_TIMEOUT},
    encryption,
    error::{DbError, DbResult},
    functions, vacuum,
};
use crate::store::{
    DatasetKey, KeyId, ResealProgress, StoreError, credentials_context,
    encryption::{DatasetSeal, EncryptionPolicy, STEP_BYTES, STEP_ROWS},
    hash::Hash,
    parent_context, resume_context, secret_context,
};

const RECORDS: i64 = 0;
const CONNECTIONS: i64 = 1;
const RESUME_STATES: i64 = 2;
const PARENTS: i64 = 3;
const SECRETS: i64 = 4;
const COMPLETE: i64 = 5;

/// Result of a step: its counts, and the last row that it processed; `None` at the end of the stage.
type Step = (ResealProgress, Option<i64>);

/// Runs one step of the pass.
pub(super) fn step(db: &Db) -> DbResult<ResealProgress> {
    let Some((stage, position)) = encryption::stored_policy(db)?.reseal_position else {
        return Ok(ResealProgress { done: true, ..ResealProgress::default() });
    };
    let policy = encryption::current_policy(db)?;
    let (progress, last) = match stage {
        RECORDS => records(db, &policy, position)?,
        CONNECTIONS => connections(db, &policy, position)?,
        RESUME_STATES => resume_states(db, &policy, position)?,
        PARENTS => parents(db, &policy, position)?,
        SECRETS => secrets(db, &policy, position)?,
        _ => (ResealProgress::default(), None),
    };
    let (stage, position) = last.map_or((stage + 1, 0), |row| (stage, row));
    // The end is written by `finish`, after the file was scrubbed.
    db.sql.prepare_cached("UPDATE encryption SET stage = ?1, place = ?2")?.execute([stage.min(COMPLETE), position])?;
    Ok(progress)
}

/// Returns whether all stages are complete, so that only [`scrub`] and [`finish`] remain.
pub(super) fn is_pass_complete(db: &Db) -> DbResult<bool> {
    Ok(encryption::stored_policy(db)?.reseal_position.is_some_and(|(stage, _)| stage >= COMPLETE))
}

/// Ends the pass, unless another one has begun.
pub(super) fn finish(db: &Db) -> DbResult<ResealProgress> {
    let mut end =
        db.sql.prepare_cached("UPDATE encryption SET stage = NULL, place = 0, scrub = 0 WHERE stage >= ?1")?;
    Ok(ResealProgress { done: end.execute([COMPLETE])? == 1, ..ResealProgress::default() })
}

/// Rebuilds the file if it may contain remains of unencrypted payloads: in free pages, in unused parts of pages, in the
/// log. Cannot run inside a transaction.
pub(super) fn scrub(db: &Db) -> DbResult<()> {
    if !db.sql.query_row("SELECT scrub FROM encryption", [], |row| row.get::<_, bool>(0))? {
        return Ok(());
    }
    if vacuum::rebuild(db)? { Ok(()) } else { Err(StoreError::Locked(LOCK_TIMEOUT.as_secs()).into()) }
}

/// A row of a reseal pass, without its payload.
struct ResealRow {
    rid: i64,
    key: i32,
    dataset: i64,
    id: String,
    /// `None` if the key row of its id is missing, which does not prevent the payload from being sealed.
    hash: Option<(i64, Hash)>,
    pruned: bool,
}

fn records(db: &Db, policy: &EncryptionPolicy, from: i64) -> DbResult<Step> {
    let mut select = db.sql.prepare_cached(
        "SELECT r.rid, r.key_id, r.dataset, r.id, k.hash_version, k.hash, r.payload IS NULL FROM records r \
         LEFT JOIN record_keys k ON k.dataset = r.dataset AND k.id = r.id WHERE r.rid > ?1 ORDER BY r.rid LIMIT ?2",
    )?;
    let read = |row: &Row<'_>| {
        let hash = row.get::<_, Option<i64>>(4)?.map(|version| row.get(5).map(|hash| (version, hash))).transpose()?;
        let (rid, key, dataset) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(ResealRow { rid, key, dataset, id: row.get(3)?, hash, pruned: row.get(6)? })
    };
    // Collected first: the rows must not change while they are read.
    let rows = select.query_map(params![from, STEP_ROWS], read)?.collect::<Result<Vec<_>, _>>()?;
    let is_end = rows.len() < STEP_ROWS as usize;
    let (key, version) = (policy.payloads.map_or(0, KeyId::to_stored), policy.hasher.version());
    let mut seals: HashMap<i64, DatasetSeal> = HashMap::new();
    let mut step = ResealProgress::default();
    let mut bytes = 0;
    for found in &rows {
        step.seen += 1;
        if found.pruned {
            put_keyed_hash(db, policy, found)?;
        } else if found.key != key || found.hash.is_some_and(|(stored, _)| stored != version) {
            let seal = match seals.entry(found.dataset) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => {
                    new.insert(db.shared.vault.seal_for_writing(policy, &dataset_key(db, found.dataset)?))
                }
            };
            match reseal(db, policy, seal, found) {
                Ok(size) => {
                    step.changed += 1;
                    bytes += size;
                }
                // A row that cannot be decrypted must not prevent the others from being sealed.
                Err(DbError::Store(StoreError::DecryptFailed { .. } | StoreError::NoKey { .. })) => step.skipped += 1,
                Err(error) => return Err(error),
            }
        }
        if bytes > STEP_BYTES {
            return Ok((step, Some(found.rid)));
        }
    }
    Ok((step, rows.last().map(|found| found.rid).filter(|_| !is_end)))
}

/// Stores the payload and the hash of a row by the policy. Returns the size of the unencrypted payload in bytes.
fn reseal(db: &Db, policy: &EncryptionPolicy, seal: &DatasetSeal, found: &ResealRow) -> DbResult<usize> {
    let mut payload = db.sql.prepare_cached("SELECT payload FROM records WHERE rid = ?1")?;
    let stored: Vec<u8> = payload.query_row([found.rid], |row| row.get(0))?;
    let plain = seal.open(&found.id, &stored, found.key)?;
    let (sealed, key) = seal.seal(&found.id, &plain)?;
    db.sql
        .prepare_cached("UPDATE records SET payload = ?2, key_id = ?3 WHERE rid = ?1")?
        .execute(params![found.rid, sealed, key])?;
    put_hash(db, found, policy.hasher.hash_record(&plain), policy.hasher.version())?;
    Ok(plain.len())
}

/// Replaces the unkeyed hash of a removed payload by a keyed one: the unkeyed hash would confirm a guess of its
/// content.
fn put_keyed_hash(db: &Db, policy: &EncryptionPolicy, found: &ResealRow) -> DbResult<()> {
    match found.hash.and_then(|(version, hash)| policy.hasher.to_keyed(version, &hash)) {
        Some((hash, version)) => put_hash(db, found, hash, version),
        None => Ok(()),
    }
}

fn put_hash(db: &Db, found: &ResealRow, hash: Hash, version: i64) -> DbResult<()> {
    db.sql
        .prepare_cached("UPDATE record_keys SET hash = ?3, hash_version = ?4 WHERE dataset = ?1 AND id = ?2")?
        .execute(params![found.dataset, found.id, hash, version])?;
    Ok(())
}

fn dataset_key(db: &Db, dataset: i64) -> DbResult<DatasetKey> {
    let mut names =
        db.sql.prepare_cached("SELECT integration, connection, model, variant FROM datasets WHERE id = ?1")?;
    Ok(names.query_row([dataset], |row| {
        let (integration, connection) = (row.get(0)?, row.get(1)?);
        Ok(DatasetKey { integration, connection, model: row.get(2)?, variant: row.get(3)? })
    })?)
}

fn connections(db: &Db, policy: &EncryptionPolicy, from: i64) -> DbResult<Step> {
    let mut select = db.sql.prepare_cached(
        "SELECT row, credentials, integration, id FROM connections WHERE row > ?1 ORDER BY row LIMIT ?2",
    )?;
    let read = |row: &Row<'_>| {
        let (integration, id): (String, String) = (row.get(2)?, row.get(3)?);
        Ok((row.get(0)?, row.get(1)?, credentials_context(&integration, &id)))
    };
    let rows = select.query_map(params![from, STEP_ROWS], read)?.collect::<Result<Vec<_>, _>>()?;
    reseal_blobs(db, policy, rows, "UPDATE connections SET credentials = ?2 WHERE row = ?1")
}

fn resume_states(db: &Db, policy: &EncryptionPolicy, from: i64) -> DbResult<Step> {
    let mut select = db.sql.prepare_cached(
        "SELECT s.function, s.state, f.kind, f.integration, f.connection, f.name, f.variant FROM resume_states s \
         JOIN functions f ON f.id = s.function WHERE s.function > ?1 ORDER BY s.function LIMIT ?2",
    )?;
    let read =
        |row: &Row<'_>| -> DbResult<_> { Ok((row.get(0)?, row.get(1)?, resume_context(&functions::key(row, 2)?))) };
    let rows = select.query_and_then(params![from, STEP_ROWS], read)?.collect::<DbResult<Vec<_>>>()?;
    reseal_blobs(db, policy, rows, "UPDATE resume_states SET state = ?2 WHERE function = ?1")
}

fn parents(db: &Db, policy: &EncryptionPolicy, from: i64) -> DbResult<Step> {
    let mut select = db.sql.prepare_cached(
        "SELECT p.row, p.state, f.kind, f.integration, f.connection, f.name, f.variant, p.id FROM parents p \
         JOIN functions f ON f.id = p.function WHERE p.row > ?1 AND p.state IS NOT NULL ORDER BY p.row LIMIT ?2",
    )?;
    let read = |row: &Row<'_>| -> DbResult<_> {
        Ok((row.get(0)?, row.get(1)?, parent_context(&functions::key(row, 2)?, &row.get::<_, String>(7)?)))
    };
    let rows = select.query_and_then(params![from, STEP_ROWS], read)?.collect::<DbResult<Vec<_>>>()?;
    reseal_blobs(db, policy, rows, "UPDATE parents SET state = ?2 WHERE row = ?1")
}

fn secrets(db: &Db, policy: &EncryptionPolicy, from: i64) -> DbResult<Step> {
    let mut select =
        db.sql.prepare_cached("SELECT rowid, value, name FROM secrets WHERE rowid > ?1 ORDER BY rowid LIMIT ?2")?;
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, secret_context(&row.get::<_, String>(2)?)));
    let rows = select.query_map(params![from, STEP_ROWS], read)?.collect::<Result<Vec<_>, _>>()?;
    reseal_blobs(db, policy, rows, "UPDATE secrets SET value = ?2 WHERE rowid = ?1")
}

/// Seals blobs (row, sealed bytes, context of the seal) with the active key.
fn reseal_blobs(db: &Db, policy: &EncryptionPolicy, rows: Vec<(i64, Vec<u8>, Vec<u8>)>, put: &str) -> DbResult<Step> {
    let mut put = db.sql.prepare_cached(put)?;
    let mut step = ResealProgress::default();
    let last = rows.len() < STEP_ROWS as usize;
    let position = rows.last().map(|(row, ..)| *row);
    for (row, blob, context) in rows {
        match db.shared.vault.reseal_if_needed(policy, &blob, &context) {
            Ok(None) => {}
            Ok(Some(sealed)) => {
                put.execute(params![row, sealed])?;
                step.changed += 1;
            }
            Err(StoreError::NoKey { .. }) => step.skipped += 1,
            Err(error) => return Err(DbError::Store(error)),
        }
    }
    Ok((step, position.filter(|_| !last)))
}
