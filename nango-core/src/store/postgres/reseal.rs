//! Reseal passes: encrypting, decrypting or re-encrypting stored data after a change of the policy or the key.
//!
//! A pass has stages: records, dataset by dataset along the feed; connections; resume states; parents; secrets. Its
//! position is written in the transaction of each step, so an interrupted pass resumes from there. The row with the
//! position is locked for the step, so two processes that run a pass share it and take alternate steps. Nothing
//! can be sealed by the previous policy behind the position (`encryption`), and a changed record moves ahead of it.
//!
//! Invariants: a pass changes how bytes are stored, and the version of hashes; never a sequence number, a commit time,
//! a state or a size. Rows of a dataset are changed under its lock, and datasets are locked in the order of their ids.

use super::{
    Db, encryption,
    error::{DbError, DbResult},
    rows::{self, HashUpdates, PayloadUpdates},
    secrets,
};
use crate::{
    declare::FunctionKind,
    store::{
        DatasetKey, FunctionKey, KeyId, ResealProgress, StoreError, credentials_context,
        encryption::{DatasetSeal, EncryptionPolicy, STEP_BYTES, STEP_ROWS},
        hash::Hash,
        parent_context, resume_context,
    },
};

/// Message about plaintext that a pass cannot remove: the server keeps old row versions and its write-ahead log.
pub(super) const PLAINTEXT_REMAINS: &str = "\
Payloads that were stored in plaintext remain on the server: in old row versions, and in the write-ahead log. Rewrite \
the tables; each is locked meanwhile, and needs free space of its own size:
  psql \"$NANGO_DATABASE_URL\" -c 'VACUUM FULL nango_rs.records' -c 'VACUUM FULL nango_rs.record_keys' -c CHECKPOINT
The log (pg_wal) is overwritten in the course of time. Existing dumps, base backups, log archives and snapshots stay \
in plaintext until they are removed";

const RECORDS: i64 = 0;
const CONNECTIONS: i64 = 1;
const RESUME_STATES: i64 = 2;
const PARENTS: i64 = 3;
const SECRETS: i64 = 4;

const ROWS: i64 = STEP_ROWS as i64;

/// Position of a reseal pass.
#[derive(Debug, Clone, Copy)]
struct ResealPosition {
    stage: i64,
    /// Id of the current dataset in the stage of records, of the current function in the stage of parents.
    dataset: i64,
    /// Last row of the stage, or of the dataset, that was processed.
    row: i64,
}

/// Runs one step of the pass.
pub(super) async fn step(db: &mut Db) -> DbResult<ResealProgress> {
    // A lock on the row also locks the policy.
    const POSITION: &str = "SELECT epoch, stage, dataset, place FROM nango_rs.encryption FOR UPDATE";
    const ADVANCE: &str = "UPDATE nango_rs.encryption SET stage = $1, dataset = $2, place = $3";
    let (version, stage, dataset, row): (i64, Option<i64>, i64, i64) =
        db.query_as(POSITION).fetch_one(&mut *db.sql).await?;
    let Some(stage) = stage else { return Ok(ResealProgress { done: true, ..ResealProgress::default() }) };
    let policy = encryption::policy_of_version(db, version).await?;
    let mut position = ResealPosition { stage, dataset, row };
    let mut step = ResealProgress::default();
    let is_stage_complete = match stage {
        RECORDS => records(db, &policy, &mut position, &mut step).await?,
        CONNECTIONS => connections(db, &policy, &mut position, &mut step).await?,
        RESUME_STATES => resume_states(db, &policy, &mut position, &mut step).await?,
        PARENTS => parents(db, &policy, &mut position, &mut step).await?,
        SECRETS => {
            secrets::reseal(db, &policy, &mut step).await?;
            true
        }
        _ => true,
    };
    if is_stage_complete {
        position = ResealPosition { stage: stage + 1, dataset: 0, row: 0 };
    }
    step.done = position.stage > SECRETS;
    let advance = db.query(ADVANCE).bind((!step.done).then_some(position.stage));
    advance.bind(position.dataset).bind(position.row).execute(&mut *db.sql).await?;
    Ok(step)
}

/// Reseals records of the next datasets until the step is full. Returns whether the stage is complete.
async fn records(
    db: &mut Db,
    policy: &EncryptionPolicy,
    position: &mut ResealPosition,
    step: &mut ResealProgress,
) -> DbResult<bool> {
    const LOCK: &str = "SELECT id, integration, connection, model, variant FROM nango_rs.datasets WHERE id >= $1 \
                        ORDER BY id LIMIT 1 FOR UPDATE";
    let mut capacity = StepCapacity { rows: ROWS, bytes: STEP_BYTES };
    loop {
        let found: Option<(i64, String, String, String, String)> =
            db.query_as(LOCK).bind(position.dataset).fetch_optional(&mut *db.sql).await?;
        let Some((id, integration, connection, model, variant)) = found else { return Ok(true) };
        if id != position.dataset {
            *position = ResealPosition { dataset: id, row: 0, ..*position };
        }
        let seal = db.shared.vault.seal_for_writing(policy, &DatasetKey { integration, connection, model, variant });
        if !reseal_dataset(db, policy, &seal, position, &mut capacity, step).await? {
            return Ok(false);
        }
        *position = ResealPosition { dataset: id + 1, row: 0, ..*position };
        // An empty dataset costs about as much as a record.
        capacity.rows -= 1;
        if capacity.rows <= 0 || capacity.bytes == 0 {
            return Ok(false);
        }
    }
}

/// Remaining rows and bytes of a step.
#[derive(Debug)]
struct StepCapacity {
    rows: i64,
    bytes: usize,
}

/// A row of a reseal pass, without its payload.
#[derive(Debug)]
struct ResealRow {
    seq: i64,
    id: String,
    key: i32,
    /// `None` if the key row of its id is missing, which does not prevent the payload from being sealed.
    hash: Option<(i64, Hash)>,
    /// Size of the stored payload in bytes; `None` if it was pruned.
    bytes: Option<usize>,
}

impl ResealRow {
    /// Returns whether its payload or content hash must be stored again.
    fn needs_reseal(&self, policy: &EncryptionPolicy) -> bool {
        let key = policy.payloads.map_or(0, KeyId::to_stored);
        let version = policy.hasher.version();
        self.bytes.is_some() && (self.key != key || self.hash.is_some_and(|(stored, _)| stored != version))
    }
}

/// Reseals records along the feed of a dataset. Returns whether the end was reached.
async fn reseal_dataset(
    db: &mut Db,
    policy: &EncryptionPolicy,
    seal: &DatasetSeal,
    position: &mut ResealPosition,
    capacity: &mut StepCapacity,
    step: &mut ResealProgress,
) -> DbResult<bool> {
    let mut found = next_rows(db, position, capacity.rows).await?;
    let mut is_end = i64::try_from(found.len()).is_ok_and(|count| count < capacity.rows);
    let mut bytes = 0;
    let fits = |found: &ResealRow| {
        let before = bytes;
        bytes += if found.needs_reseal(policy) { found.bytes.unwrap_or(0) } else { 0 };
        before <= capacity.bytes
    };
    let fitting = found.iter().map(fits).take_while(|fits| *fits).count();
    is_end &= fitting == found.len();
    found.truncate(fitting);
    capacity.bytes = capacity.bytes.saturating_sub(bytes);
    capacity.rows -= i64::try_from(found.len()).unwrap_or(ROWS);

    let outdated: Vec<i64> = found.iter().filter(|found| found.needs_reseal(policy)).map(|found| found.seq).collect();
    let stored = rows::payloads(db, position.dataset, &outdated).await?;
    let mut payloads = PayloadUpdates::default();
    let mut hashes = HashUpdates::default();
    for row in &found {
        step.seen += 1;
        let Some((payload, key)) = stored.get(&row.seq) else {
            // Beside sealed payloads, the unkeyed hash of a removed payload would confirm a guess of its content.
            if let Some((hash, version)) = row.hash.and_then(|(version, hash)| policy.hasher.to_keyed(version, &hash))
                && row.bytes.is_none()
            {
                hashes.push(&row.id, hash, version);
            }
            continue;
        };
        let plaintext = match seal.open(&row.id, payload, *key) {
            Ok(plaintext) => plaintext,
            // A row that cannot be decrypted must not prevent the others from being sealed.
            Err(StoreError::DecryptFailed { .. } | StoreError::NoKey { .. }) => {
                step.skipped += 1;
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        step.changed += 1;
        payloads.push(&row.id, row.seq, seal.seal(&row.id, &plaintext)?.0.into_owned());
        if row.hash.is_some() {
            hashes.push(&row.id, policy.hasher.hash_record(&plaintext), policy.hasher.version());
        }
    }
    payloads.write(db, position.dataset, policy).await?;
    hashes.write(db, position.dataset).await?;
    if let Some(last) = found.last() {
        position.row = last.seq;
    }
    Ok(is_end)
}

/// Returns the next records of a dataset.
async fn next_rows(db: &mut Db, position: &ResealPosition, limit: i64) -> DbResult<Vec<ResealRow>> {
    const NEXT: &str = "SELECT r.seq, r.id, r.key_id, r.bytes, k.hash_version, k.hash FROM \
                        (SELECT seq, id, key_id, octet_length(payload) AS bytes FROM nango_rs.records \
                        WHERE dataset = $1 AND seq > $2 ORDER BY seq LIMIT $3) r LEFT JOIN LATERAL \
                        (SELECT hash_version, hash FROM nango_rs.record_keys WHERE dataset = $1 \
                        AND id = r.id OFFSET 0) k \
                        ON TRUE ORDER BY r.seq";
    type Row = (i64, String, i32, Option<i32>, Option<i16>, Option<Vec<u8>>);
    let rows: Vec<Row> =
        db.query_as(NEXT).bind(position.dataset).bind(position.row).bind(limit).fetch_all(&mut *db.sql).await?;
    let found = |(seq, id, key, bytes, version, hash): Row| {
        let hash = version.zip(hash).map(|(version, hash)| {
            let hash = hash.try_into().map_err(|_| DbError::damaged("the hash of a record"))?;
            Ok::<_, DbError>((i64::from(version), hash))
        });
        let bytes = bytes.map(|bytes| usize::try_from(bytes).unwrap_or(0));
        Ok(ResealRow { seq, id, key, hash: hash.transpose()?, bytes })
    };
    rows.into_iter().map(found).collect()
}

async fn connections(
    db: &mut Db,
    policy: &EncryptionPolicy,
    position: &mut ResealPosition,
    step: &mut ResealProgress,
) -> DbResult<bool> {
    const NEXT: &str = "SELECT row, credentials, integration, id FROM nango_rs.connections WHERE row > $1 \
                        ORDER BY row LIMIT $2 FOR NO KEY UPDATE";
    const PUT: &str = "UPDATE nango_rs.connections c SET credentials = u.blob \
                       FROM unnest($1::bigint[], $2::bytea[]) u(row, blob) WHERE c.row = u.row";
    let rows: Vec<(i64, Vec<u8>, String, String)> =
        db.query_as(NEXT).bind(position.row).bind(ROWS).fetch_all(&mut *db.sql).await?;
    let blobs =
        rows.into_iter().map(|(row, blob, integration, id)| (row, blob, credentials_context(&integration, &id)));
    reseal_blobs(db, policy, blobs.collect(), PUT, position, step).await
}

async fn resume_states(
    db: &mut Db,
    policy: &EncryptionPolicy,
    position: &mut ResealPosition,
    step: &mut ResealProgress,
) -> DbResult<bool> {
    const NEXT: &str = "SELECT s.function, s.state, f.kind, f.integration, f.connection, f.name, f.variant \
                        FROM nango_rs.resume_states s CROSS JOIN LATERAL \
                        (SELECT * FROM nango_rs.functions WHERE id = s.function OFFSET 0) f \
                        WHERE s.function > $1 ORDER BY s.function LIMIT $2 FOR UPDATE OF s";
    const PUT: &str = "UPDATE nango_rs.resume_states s SET state = u.blob \
                       FROM unnest($1::bigint[], $2::bytea[]) u(function, blob) WHERE s.function = u.function";
    type Row = (i64, Vec<u8>, String, String, String, String, String);
    let rows: Vec<Row> = db.query_as(NEXT).bind(position.row).bind(ROWS).fetch_all(&mut *db.sql).await?;
    let mut blobs = Vec::with_capacity(rows.len());
    for (row, blob, kind, integration, connection, function, variant) in rows {
        let kind = FunctionKind::from_name(&kind).ok_or_else(|| DbError::damaged("the kind of a function"))?;
        let key = FunctionKey { kind, integration, connection, function, variant };
        blobs.push((row, blob, resume_context(&key)));
    }
    reseal_blobs(db, policy, blobs, PUT, position, step).await
}

/// Reseals the states of the next parents in the order of their functions and keys. The position in a function is the
/// first half of the last key, so that parents with this half are examined again.
async fn parents(
    db: &mut Db,
    policy: &EncryptionPolicy,
    position: &mut ResealPosition,
    step: &mut ResealProgress,
) -> DbResult<bool> {
    const NEXT: &str = "SELECT p.function, p.key, p.id, p.state, f.kind, f.integration, f.connection, f.name, \
                        f.variant FROM (SELECT function, key, id, state FROM nango_rs.parents \
                        WHERE (function, key) >= ($1, $2) ORDER BY function, key LIMIT $3 FOR UPDATE) p \
                        CROSS JOIN LATERAL (SELECT * FROM nango_rs.functions WHERE id = p.function OFFSET 0) f \
                        ORDER BY p.function, p.key";
    const PUT: &str = "INSERT INTO nango_rs.parents (function, key, id, early_full_runs, state) \
                       SELECT unnest($1::bigint[]), unnest($2::bytea[]), '', 0, unnest($3::bytea[]) \
                       ON CONFLICT (function, key) DO UPDATE SET state = excluded.state";
    type Row = (i64, Vec<u8>, String, Option<Vec<u8>>, String, String, String, String, String);
    let next = db.query_as(NEXT).bind(position.dataset).bind(position.row.to_be_bytes().to_vec()).bind(ROWS);
    let rows: Vec<Row> = next.fetch_all(&mut *db.sql).await?;
    let is_end = i64::try_from(rows.len()).is_ok_and(|count| count < ROWS);
    let (mut functions, mut keys, mut states) = (Vec::new(), Vec::new(), Vec::new());
    for (row, parent, id, state, kind, integration, connection, function, variant) in rows {
        let kind = FunctionKind::from_name(&kind).ok_or_else(|| DbError::damaged("the kind of a function"))?;
        let key = FunctionKey { kind, integration, connection, function, variant };
        let half = parent.first_chunk().ok_or_else(|| DbError::damaged("the key of a parent"))?;
        *position = ResealPosition { dataset: row, row: i64::from_be_bytes(*half), ..*position };
        let Some(state) = state else { continue };
        match db.shared.vault.reseal_if_needed(policy, &state, &parent_context(&key, &id)) {
            Ok(None) => {}
            Ok(Some(sealed)) => {
                functions.push(row);
                keys.push(parent);
                states.push(sealed);
            }
            Err(StoreError::NoKey { .. }) => step.skipped += 1,
            Err(error) => return Err(error.into()),
        }
    }
    if !functions.is_empty() {
        step.changed += functions.len() as u64;
        db.query(PUT).bind(functions).bind(keys).bind(states).execute(&mut *db.sql).await?;
    }
    Ok(is_end)
}

/// Seals blobs (row, sealed bytes, context of the seal) with the active key.
async fn reseal_blobs(
    db: &mut Db,
    policy: &EncryptionPolicy,
    found: Vec<(i64, Vec<u8>, Vec<u8>)>,
    put: &'static str,
    position: &mut ResealPosition,
    step: &mut ResealProgress,
) -> DbResult<bool> {
    let (mut rows, mut blobs) = (Vec::new(), Vec::new());
    for (row, blob, context) in &found {
        match db.shared.vault.reseal_if_needed(policy, blob, context) {
            Ok(None) => {}
            Ok(Some(sealed)) => {
                rows.push(*row);
                blobs.push(sealed);
            }
            Err(StoreError::NoKey { .. }) => step.skipped += 1,
            Err(error) => return Err(error.into()),
        }
    }
    if !rows.is_empty() {
        step.changed += db.query(put).bind(rows).bind(blobs).execute(&mut *db.sql).await?.rows_affected();
    }
    if let Some((last, ..)) = found.last() {
        position.row = *last;
    }
    Ok(i64::try_from(found.len()).is_ok_and(|count| count < ROWS))
}
