//! The walk over what is there, after a switch or with a new key.
//!
//! It goes in stages: records, dataset by dataset and along the feed; connections; resume states. Where it stands is
//! written in the transaction of each step, so a walk that was broken off goes on from there, and the row that says so is
//! locked for the step, so of two processes that walk each takes the next step of one walk. Behind it nothing can be sealed
//! the old way (`encryption`), and a record that moves, moves ahead.
//!
//! Must stay true: it changes how bytes are stored, and hashes of another version; never a sequence, a stamp, a state, or a
//! size. Rows of a dataset are changed under its lock, and datasets are locked in the order of their numbers.

use super::{
    Db, encryption,
    error::{DbError, DbResult},
    rows::{self, HashUpdates, PayloadUpdates},
};
use crate::{
    declare::FunctionKind,
    store::{
        DatasetKey, FunctionKey, KeyId, ResealProgress, StoreError, credentials_context,
        encryption::{DatasetSeal, EncryptionPolicy, STEP_BYTES, STEP_ROWS},
        hash::Hash,
        resume_context,
    },
};

/// What a walk cannot remove: the server keeps what a row was, and what was written about it.
pub(super) const PLAINTEXT_REMAINS: &str = "\
What lay plain before the server still has: in rows that nobody sees any more, and in its log. Make the tables new; each is \
locked for a while, and takes its size again in free space:
  psql \"$NANGO_DATABASE_URL\" -c 'VACUUM FULL nango_rs.records' -c 'VACUUM FULL nango_rs.record_keys' -c CHECKPOINT
The log (pg_wal) is written over as it goes on. Dumps, base backups, archives of the log and snapshots from before stay \
plain until they are removed";

const RECORDS: i64 = 0;
const CONNECTIONS: i64 = 1;
const RESUME_STATES: i64 = 2;

const ROWS: i64 = STEP_ROWS as i64;

/// Where a walk stands.
#[derive(Debug, Clone, Copy)]
struct ResealPosition {
    stage: i64,
    /// In the stage of records: the dataset that is walked over.
    dataset: i64,
    /// The last row of the stage, or of the dataset, that was seen.
    row: i64,
}

/// Takes a step.
pub(super) async fn step(db: &mut Db) -> DbResult<ResealProgress> {
    // A lock on the row of the policy holds it still too.
    const PLACE: &str = "SELECT epoch, stage, dataset, place FROM nango_rs.encryption FOR UPDATE";
    const MOVE: &str = "UPDATE nango_rs.encryption SET stage = $1, dataset = $2, place = $3";
    let (epoch, stage, dataset, row): (i64, Option<i64>, i64, i64) = db.query_as(PLACE).fetch_one(&mut *db.sql).await?;
    let Some(stage) = stage else { return Ok(ResealProgress { done: true, ..ResealProgress::default() }) };
    let regime = encryption::policy_of_version(db, epoch).await?;
    let mut place = ResealPosition { stage, dataset, row };
    let mut step = ResealProgress::default();
    let is_through = match stage {
        RECORDS => records(db, &regime, &mut place, &mut step).await?,
        CONNECTIONS => connections(db, &regime, &mut place, &mut step).await?,
        RESUME_STATES => resume_states(db, &regime, &mut place, &mut step).await?,
        _ => true,
    };
    if is_through {
        place = ResealPosition { stage: stage + 1, dataset: 0, row: 0 };
    }
    step.done = place.stage > RESUME_STATES;
    let to = db.query(MOVE).bind((!step.done).then_some(place.stage)).bind(place.dataset).bind(place.row);
    to.execute(&mut *db.sql).await?;
    Ok(step)
}

/// Walks over records of the next datasets until the step is full. Gives whether it came to the end of the stage.
async fn records(
    db: &mut Db,
    regime: &EncryptionPolicy,
    place: &mut ResealPosition,
    step: &mut ResealProgress,
) -> DbResult<bool> {
    const LOCK: &str = "SELECT id, integration, connection, model, variant FROM nango_rs.datasets WHERE id >= $1 \
                        ORDER BY id LIMIT 1 FOR UPDATE";
    let mut left = StepCapacity { rows: ROWS, bytes: STEP_BYTES };
    loop {
        let found: Option<(i64, String, String, String, String)> =
            db.query_as(LOCK).bind(place.dataset).fetch_optional(&mut *db.sql).await?;
        let Some((id, integration, connection, model, variant)) = found else { return Ok(true) };
        if id != place.dataset {
            *place = ResealPosition { dataset: id, row: 0, ..*place };
        }
        let seal = db.shared.vault.seal_for_writing(regime, &DatasetKey { integration, connection, model, variant });
        if !reseal_dataset(db, regime, &seal, place, &mut left, step).await? {
            return Ok(false);
        }
        *place = ResealPosition { dataset: id + 1, row: 0, ..*place };
        // An empty dataset costs about what a record does.
        left.rows -= 1;
        if left.rows <= 0 || left.bytes == 0 {
            return Ok(false);
        }
    }
}

/// What a step may still do.
#[derive(Debug)]
struct StepCapacity {
    rows: i64,
    bytes: usize,
}

/// A row as the walk finds it, without its payload.
#[derive(Debug)]
struct ResealRow {
    seq: i64,
    id: String,
    key: i32,
    /// `None`: the narrow row of its id is missing, which does not keep the payload from being sealed.
    hash: Option<(i64, Hash)>,
    /// The size of the stored payload; `None`: it was pruned.
    bytes: Option<usize>,
}

impl ResealRow {
    /// Whether its payload, or the hash of it, is to be stored otherwise.
    fn needs_reseal(&self, regime: &EncryptionPolicy) -> bool {
        let key = regime.payloads.map_or(0, KeyId::to_stored);
        let version = regime.hasher.version();
        self.bytes.is_some() && (self.key != key || self.hash.is_some_and(|(stored, _)| stored != version))
    }
}

/// Walks along the feed of a dataset. Gives whether it came to its end.
async fn reseal_dataset(
    db: &mut Db,
    regime: &EncryptionPolicy,
    seal: &DatasetSeal,
    place: &mut ResealPosition,
    left: &mut StepCapacity,
    step: &mut ResealProgress,
) -> DbResult<bool> {
    let mut found = next_rows(db, place, left.rows).await?;
    let mut is_end = i64::try_from(found.len()).is_ok_and(|count| count < left.rows);
    let mut bytes = 0;
    let fits = |found: &ResealRow| {
        let before = bytes;
        bytes += if found.needs_reseal(regime) { found.bytes.unwrap_or(0) } else { 0 };
        before <= left.bytes
    };
    let fitting = found.iter().map(fits).take_while(|fits| *fits).count();
    is_end &= fitting == found.len();
    found.truncate(fitting);
    left.bytes = left.bytes.saturating_sub(bytes);
    left.rows -= i64::try_from(found.len()).unwrap_or(ROWS);

    let old: Vec<i64> = found.iter().filter(|found| found.needs_reseal(regime)).map(|found| found.seq).collect();
    let stored = rows::payloads(db, place.dataset, &old).await?;
    let mut payloads = PayloadUpdates::default();
    let mut hashes = HashUpdates::default();
    for row in &found {
        step.seen += 1;
        let Some((payload, key)) = stored.get(&row.seq) else {
            // Beside sealed payloads, the hash of one that is gone would tell whether a guess of it is right.
            if let Some((hash, version)) = row.hash.and_then(|(version, hash)| regime.hasher.to_keyed(version, &hash))
                && row.bytes.is_none()
            {
                hashes.push(&row.id, hash, version);
            }
            continue;
        };
        let plain = match seal.open(&row.id, payload, *key) {
            Ok(plain) => plain,
            // One row that does not open must not keep the others from being sealed.
            Err(StoreError::DecryptFailed { .. } | StoreError::NoKey { .. }) => {
                step.skipped += 1;
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        step.changed += 1;
        payloads.push(&row.id, row.seq, seal.seal(&row.id, &plain)?.0.into_owned());
        if row.hash.is_some() {
            hashes.push(&row.id, regime.hasher.hash_record(&plain), regime.hasher.version());
        }
    }
    payloads.write(db, place.dataset, regime).await?;
    hashes.write(db, place.dataset).await?;
    if let Some(last) = found.last() {
        place.row = last.seq;
    }
    Ok(is_end)
}

/// The next records of a dataset.
async fn next_rows(db: &mut Db, place: &ResealPosition, limit: i64) -> DbResult<Vec<ResealRow>> {
    const NEXT: &str = "SELECT r.seq, r.id, r.key_id, r.bytes, k.hash_version, k.hash FROM \
                        (SELECT seq, id, key_id, octet_length(payload) AS bytes FROM nango_rs.records \
                        WHERE dataset = $1 AND seq > $2 ORDER BY seq LIMIT $3) r LEFT JOIN LATERAL \
                        (SELECT hash_version, hash FROM nango_rs.record_keys WHERE dataset = $1 AND id = r.id OFFSET 0) k \
                        ON TRUE ORDER BY r.seq";
    type Row = (i64, String, i32, Option<i32>, Option<i16>, Option<Vec<u8>>);
    let rows: Vec<Row> =
        db.query_as(NEXT).bind(place.dataset).bind(place.row).bind(limit).fetch_all(&mut *db.sql).await?;
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
    regime: &EncryptionPolicy,
    place: &mut ResealPosition,
    step: &mut ResealProgress,
) -> DbResult<bool> {
    const NEXT: &str = "SELECT row, credentials, integration, id FROM nango_rs.connections WHERE row > $1 \
                        ORDER BY row LIMIT $2 FOR NO KEY UPDATE";
    const PUT: &str = "UPDATE nango_rs.connections c SET credentials = u.blob \
                       FROM unnest($1::bigint[], $2::bytea[]) u(row, blob) WHERE c.row = u.row";
    let rows: Vec<(i64, Vec<u8>, String, String)> =
        db.query_as(NEXT).bind(place.row).bind(ROWS).fetch_all(&mut *db.sql).await?;
    let blobs =
        rows.into_iter().map(|(row, blob, integration, id)| (row, blob, credentials_context(&integration, &id)));
    reseal_blobs(db, regime, blobs.collect(), PUT, place, step).await
}

async fn resume_states(
    db: &mut Db,
    regime: &EncryptionPolicy,
    place: &mut ResealPosition,
    step: &mut ResealProgress,
) -> DbResult<bool> {
    const NEXT: &str = "SELECT s.function, s.state, f.kind, f.integration, f.connection, f.name, f.variant \
                        FROM nango_rs.resume_states s CROSS JOIN LATERAL \
                        (SELECT * FROM nango_rs.functions WHERE id = s.function OFFSET 0) f \
                        WHERE s.function > $1 ORDER BY s.function LIMIT $2 FOR UPDATE OF s";
    const PUT: &str = "UPDATE nango_rs.resume_states s SET state = u.blob \
                       FROM unnest($1::bigint[], $2::bytea[]) u(function, blob) WHERE s.function = u.function";
    type Row = (i64, Vec<u8>, String, String, String, String, String);
    let rows: Vec<Row> = db.query_as(NEXT).bind(place.row).bind(ROWS).fetch_all(&mut *db.sql).await?;
    let mut blobs = Vec::with_capacity(rows.len());
    for (row, blob, kind, integration, connection, function, variant) in rows {
        let kind = FunctionKind::from_name(&kind).ok_or_else(|| DbError::damaged("a kind of function"))?;
        let key = FunctionKey { kind, integration, connection, function, variant };
        blobs.push((row, blob, resume_context(&key)));
    }
    reseal_blobs(db, regime, blobs, PUT, place, step).await
}

/// Seals blobs (their row, what is stored, what it is bound to) with the active key.
async fn reseal_blobs(
    db: &mut Db,
    regime: &EncryptionPolicy,
    found: Vec<(i64, Vec<u8>, Vec<u8>)>,
    put: &'static str,
    place: &mut ResealPosition,
    step: &mut ResealProgress,
) -> DbResult<bool> {
    let (mut rows, mut blobs) = (Vec::new(), Vec::new());
    for (row, blob, context) in &found {
        match db.shared.vault.current(regime, blob, context) {
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
        place.row = *last;
    }
    Ok(i64::try_from(found.len()).is_ok_and(|count| count < ROWS))
}
