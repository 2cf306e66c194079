//! The row that says what is sealed, and what is counted under it.
//!
//! Must stay true: a transaction that writes a payload or a sealed blob reads the policy in a statement with [`held`], and
//! so holds it still to its end: it has the weakest lock on the table that a switch, which asks for [`SWITCH`], waits for.
//! Hence nobody who seals by the policy of before comes after a switch, and the walk that follows it misses nothing. The
//! table is locked and not its row, because that writes nothing, and keeps neither readers nor a dump of the database
//! waiting. Whoever takes it together with a dataset takes it before the dataset's lock is waited for; who has that lock
//! has it already, so a switch is in nobody's way for longer than a page.

use std::{collections::BTreeMap, sync::Arc};

use futures_util::TryStreamExt;

use super::{Db, fault::Outcome, natural};
use crate::store::{
    EncryptionState, KeyId, KeyUse, Keys, StoreError,
    encryption::{Policy, Regime},
};

/// A column of the policy, as a sub-select that holds it still. Locks no row, for there is none; the table is locked before
/// the statement looks at anything.
macro_rules! held {
    ($column:literal) => {
        concat!(
            "(SELECT ",
            $column,
            " FROM nango_rs.encryption WHERE NOT EXISTS (SELECT 1 FROM nango_rs.encryption WHERE FALSE FOR KEY SHARE))"
        )
    };
}
pub(super) use held;

/// Goes in front of a change of the policy: waits for the transactions that hold it still.
const SWITCH: &str = "LOCK TABLE nango_rs.encryption IN EXCLUSIVE MODE";

const POLICY: &str = "SELECT epoch, payloads, active, hash_secret, stage, place FROM nango_rs.encryption";

type Row = (i64, bool, Option<i32>, Option<Vec<u8>>, Option<i64>, i64);

/// What is in force in this transaction.
pub(super) async fn regime(db: &mut Db) -> Outcome<Arc<Regime>> {
    const EPOCH: &str = concat!("SELECT ", held!("epoch"));
    let epoch = db.query_scalar(EPOCH).fetch_one(&mut *db.sql).await?;
    regime_of(db, epoch).await
}

/// The same, if the transaction holds the policy of this epoch already.
pub(super) async fn regime_of(db: &mut Db, epoch: i64) -> Outcome<Arc<Regime>> {
    if let Some(known) = db.shared.vault.known(epoch) {
        return Ok(known);
    }
    let policy = policy(db).await?;
    Ok(db.shared.vault.regime(&policy)?)
}

/// Tells the ring which key is active, where nothing is written.
pub(super) async fn tell_the_ring(db: &mut Db) -> Outcome<()> {
    let policy = policy(db).await?;
    db.shared.vault.regime(&policy)?;
    Ok(())
}

/// What the database says of its encryption.
async fn policy(db: &mut Db) -> Outcome<Policy> {
    let (epoch, payloads, active, hash_secret, stage, place) =
        db.query_as::<Row>(POLICY).fetch_one(&mut *db.sql).await?;
    let active = KeyId::of_stored(active.unwrap_or(0));
    Ok(Policy { epoch, payloads, active, hash_secret, walk: stage.map(|stage| (stage, place)) })
}

/// A sealed blob as it is to be stored: sealed anew if another key is active than the one that it came with.
pub(super) async fn current(db: &mut Db, blob: &[u8], context: &[u8]) -> Outcome<Option<Vec<u8>>> {
    if db.shared.vault.keys().and_then(|keys| keys.sealed_with(blob)).is_none() {
        return Ok(None);
    }
    let regime = regime(db).await?;
    Ok(db.shared.vault.current(&regime, blob, context)?)
}

/// Decides what is active where nothing was said of it yet: the key of what is there, or the first of the ring. So it
/// does where the active key was lost before anything was sealed with it. A database that holds nothing seals its
/// payloads from now on, if `seal_new`.
pub(super) async fn begin(db: &mut Db, seal_new: bool) -> Outcome<()> {
    const EMPTY: &str = "SELECT NOT EXISTS (SELECT 1 FROM nango_rs.datasets) AND \
                         NOT EXISTS (SELECT 1 FROM nango_rs.connections)";
    let policy = lock(db).await?;
    let ids = db.shared.vault.keys().map(Keys::ids).unwrap_or_default();
    match policy.active {
        Some(active) if ids.contains(&active) || is_sealed(db).await? => return Ok(()),
        _ => {}
    }
    let Some(active) = key_in_use(db).await?.or_else(|| ids.first().copied()) else { return Ok(()) };
    if !ids.contains(&active) {
        // What is there needs another ring; a new thing sealed with this one would make it worse.
        return Ok(());
    }
    let payloads = policy.payloads || (seal_new && db.query_scalar(EMPTY).fetch_one(&mut *db.sql).await?);
    let hash_secret = if payloads { Some(db.shared.vault.new_hash_secret(active)?) } else { None };
    put(db, &Policy { payloads, active: Some(active), hash_secret, ..policy }).await
}

/// Seals payloads from now on, or no longer.
pub(super) async fn seal_payloads(db: &mut Db, on: bool) -> Outcome<()> {
    let policy = lock(db).await?;
    let active = active(db, &policy).await?;
    if policy.payloads == on {
        return Ok(());
    }
    let hash_secret = match policy.hash_secret {
        None if on => Some(db.shared.vault.new_hash_secret(active)?),
        known => known,
    };
    put(db, &Policy { payloads: on, active: Some(active), hash_secret, walk: Some((0, 0)), ..policy }).await?;
    // Whoever cannot take new hashes must not have switched.
    if on {
        regime(db).await?;
    }
    Ok(())
}

/// Seals everything new with another key.
pub(super) async fn activate(db: &mut Db, key: KeyId) -> Outcome<()> {
    let policy = lock(db).await?;
    let vault = &db.shared.vault;
    if vault.keys().and_then(|keys| keys.payload_secret(key)).is_none() {
        return Err(StoreError::no_key(key, vault.keys()).into());
    }
    let before = active(db, &policy).await?;
    if before == key {
        return Ok(());
    }
    let vault = &db.shared.vault;
    let moved = policy.hash_secret.as_deref().map(|sealed| vault.moved_hash_secret(before, sealed, key)).transpose()?;
    put(db, &Policy { active: Some(key), hash_secret: moved, walk: Some((0, 0)), ..policy }).await
}

/// The policy, for whoever changes it.
async fn lock(db: &mut Db) -> Outcome<Policy> {
    sqlx::raw_sql(SWITCH).execute(&mut *db.sql).await?;
    policy(db).await
}

/// The active key, which the ring must hold.
async fn active(db: &mut Db, policy: &Policy) -> Outcome<KeyId> {
    let active = match policy.active {
        Some(active) => Some(active),
        None => key_in_use(db).await?,
    };
    let keys = db.shared.vault.keys();
    match (active, keys) {
        (Some(active), Some(keys)) if keys.payload_secret(active).is_some() => Ok(active),
        (Some(active), keys) => Err(StoreError::no_key(active, keys).into()),
        (None, _) => Err(StoreError::Damaged("no word of its encryption key, and".to_owned()).into()),
    }
}

/// Stores the policy; a walk begins anew with it.
async fn put(db: &mut Db, policy: &Policy) -> Outcome<()> {
    const PUT: &str = "UPDATE nango_rs.encryption SET epoch = $1, payloads = $2, active = $3, hash_secret = $4, \
                       stage = $5, dataset = 0, place = 0";
    let mut epoch = [0; 8];
    getrandom::fill(&mut epoch).map_err(|error| StoreError::Database(error.to_string().into()))?;
    let put = db.query(PUT).bind(i64::from_le_bytes(epoch) & i64::MAX).bind(policy.payloads);
    let put = put.bind(policy.active.map(KeyId::stored)).bind(&policy.hash_secret);
    put.bind(policy.walk.map(|_| 0_i64)).execute(&mut *db.sql).await?;
    Ok(())
}

/// For statements that look at all records: the settings of a transaction are made for those that must not.
const WHOLE_TABLES: &str = "SET LOCAL enable_seqscan = on";

/// Whether a payload is sealed.
async fn is_sealed(db: &mut Db) -> Outcome<bool> {
    const SEALED: &str = "SELECT EXISTS (SELECT 1 FROM nango_rs.records WHERE key_id <> 0 AND payload IS NOT NULL)";
    sqlx::raw_sql(WHOLE_TABLES).execute(&mut *db.sql).await?;
    Ok(db.query_scalar(SEALED).fetch_one(&mut *db.sql).await?)
}

/// The key of the first sealed thing that is there.
async fn key_in_use(db: &mut Db) -> Outcome<Option<KeyId>> {
    for blobs in BLOBS {
        let (query, shared) = (db.query_scalar::<Vec<u8>>(blobs), Arc::clone(&db.shared));
        let Some(keys) = shared.vault.keys() else { return Ok(None) };
        let mut blobs = query.fetch(&mut *db.sql);
        while let Some(blob) = blobs.try_next().await? {
            if let Some(key) = keys.sealed_with(&blob) {
                return Ok(Some(key));
            }
        }
    }
    Ok(None)
}

/// Credentials, and resume states.
const BLOBS: [&str; 2] = ["SELECT credentials FROM nango_rs.connections", "SELECT state FROM nango_rs.resume_states"];

/// What is said, without counting.
pub(super) async fn settings(db: &mut Db) -> Outcome<EncryptionState> {
    let policy = policy(db).await?;
    let unfinished = policy.walk.is_some();
    Ok(EncryptionState { payloads: policy.payloads, active: policy.active, unfinished, uses: Vec::new() })
}

/// What is said, and what is there.
pub(super) async fn state(db: &mut Db) -> Outcome<EncryptionState> {
    const RECORDS: &str = "SELECT key_id, count(*) FROM nango_rs.records WHERE payload IS NOT NULL GROUP BY key_id";
    sqlx::raw_sql(WHOLE_TABLES).execute(&mut *db.sql).await?;
    let mut counted = BTreeMap::new();
    for (key, records) in db.query_as::<(i32, i64)>(RECORDS).fetch_all(&mut *db.sql).await? {
        let key = KeyId::of_stored(key);
        counted.insert(key, KeyUse { records: natural(records), ..KeyUse::of(key) });
    }
    for (place, blobs) in BLOBS.into_iter().enumerate() {
        let (query, shared) = (db.query_scalar::<Vec<u8>>(blobs), Arc::clone(&db.shared));
        let Some(keys) = shared.vault.keys() else { break };
        let mut blobs = query.fetch(&mut *db.sql);
        while let Some(blob) = blobs.try_next().await? {
            if let Some(key) = keys.sealed_with(&blob) {
                let used = counted.entry(Some(key)).or_insert_with(|| KeyUse::of(Some(key)));
                let of_key = if place == 0 { &mut used.credentials } else { &mut used.resume_states };
                *of_key += 1;
            }
        }
    }
    Ok(EncryptionState { uses: counted.into_values().collect(), ..settings(db).await? })
}
