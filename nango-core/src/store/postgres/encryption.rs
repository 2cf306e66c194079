//! The encryption policy, and the key usage of the stored data.
//!
//! Invariants: a transaction that writes a payload or a sealed blob reads the policy in a statement with `share_lock!`,
//! which locks it until the end of the transaction: it acquires the weakest table lock that a change of the policy,
//! which needs [`LOCK_EXCLUSIVE`], waits for. After a change, no transaction can therefore still encrypt by the
//! previous policy, and the reseal pass that follows misses nothing. The table is locked and not its row, because that
//! writes nothing and blocks neither readers nor a dump of the database. A transaction that also locks a dataset locks
//! the policy before it waits for the dataset, so a change blocks others no longer than one page takes.

use std::{collections::BTreeMap, sync::Arc};

use futures_util::TryStreamExt;

use super::{Db, error::DbResult, to_u64};
use crate::store::{
    EncryptionState, KeyId, KeyUse, Keys, StoreError,
    encryption::{EncryptionPolicy, StoredPolicy},
    random,
};

/// SQL expression: a column of the policy, as a sub-select that locks it until the end of the transaction. No row is
/// locked, because none matches; the table is locked before the statement reads anything.
macro_rules! share_lock {
    ($column:literal) => {
        concat!(
            "(SELECT ",
            $column,
            " FROM nango_rs.encryption WHERE NOT EXISTS (SELECT 1 FROM nango_rs.encryption WHERE FALSE FOR KEY SHARE))"
        )
    };
}
pub(super) use share_lock;

/// Precedes a change of the policy: waits for the transactions that have locked it.
const LOCK_EXCLUSIVE: &str = "LOCK TABLE nango_rs.encryption IN EXCLUSIVE MODE";

const POLICY: &str = "SELECT epoch, payloads, active, hash_secret, stage, place FROM nango_rs.encryption";

type Row = (i64, bool, Option<i32>, Option<Vec<u8>>, Option<i64>, i64);

/// Locks and returns the policy that this transaction encrypts by.
pub(super) async fn current_policy(db: &mut Db) -> DbResult<Arc<EncryptionPolicy>> {
    const VERSION: &str = concat!("SELECT ", share_lock!("epoch"));
    let version = db.query_scalar(VERSION).fetch_one(&mut *db.sql).await?;
    policy_of_version(db, version).await
}

/// Returns the policy of this version, which the transaction has locked already.
pub(super) async fn policy_of_version(db: &mut Db, version: i64) -> DbResult<Arc<EncryptionPolicy>> {
    if let Some(known) = db.shared.vault.cached_policy(version) {
        return Ok(known);
    }
    let policy = stored_policy(db).await?;
    Ok(db.shared.vault.resolve_policy(&policy)?)
}

/// Reports the active key to the key ring, without a write.
pub(super) async fn announce_active_key(db: &mut Db) -> DbResult<()> {
    let policy = stored_policy(db).await?;
    db.shared.vault.resolve_policy(&policy)?;
    Ok(())
}

/// Reads the stored policy.
async fn stored_policy(db: &mut Db) -> DbResult<StoredPolicy> {
    let (epoch, payloads, active, hash_secret, stage, place) =
        db.query_as::<Row>(POLICY).fetch_one(&mut *db.sql).await?;
    let active = KeyId::from_stored(active.unwrap_or(0));
    Ok(StoredPolicy {
        policy_version: epoch,
        payloads,
        active,
        hash_secret,
        reseal_position: stage.map(|stage| (stage, place)),
    })
}

/// Returns a sealed blob sealed again with the active key, or `None` if it can be stored as it is.
pub(super) async fn reseal_if_needed(db: &mut Db, blob: &[u8], context: &[u8]) -> DbResult<Option<Vec<u8>>> {
    if db.shared.vault.keys().and_then(|keys| keys.sealed_with(blob)).is_none() {
        return Ok(None);
    }
    let policy = current_policy(db).await?;
    Ok(db.shared.vault.reseal_if_needed(&policy, blob, context)?)
}

/// Chooses the active key of a database that has none: the key of a stored blob, or the first of the key ring. Also
/// replaces an active key that was lost before anything was sealed with it. An empty database encrypts its payloads
/// from now on if `seal_new` is set.
pub(super) async fn choose_active_key(db: &mut Db, seal_new: bool) -> DbResult<()> {
    const EMPTY: &str = "SELECT NOT EXISTS (SELECT 1 FROM nango_rs.datasets) AND \
                         NOT EXISTS (SELECT 1 FROM nango_rs.connections)";
    let policy = lock_policy(db).await?;
    let ids = db.shared.vault.keys().map(Keys::ids).unwrap_or_default();
    match policy.active {
        Some(active) if ids.contains(&active) || is_sealed(db).await? => return Ok(()),
        _ => {}
    }
    let Some(active) = key_in_use(db).await?.or_else(|| ids.first().copied()) else { return Ok(()) };
    if !ids.contains(&active) {
        // The stored data needs another key ring; data sealed with this one would make it worse.
        return Ok(());
    }
    let payloads = policy.payloads || (seal_new && db.query_scalar(EMPTY).fetch_one(&mut *db.sql).await?);
    let hash_secret = if payloads { Some(db.shared.vault.new_hash_secret(active)?) } else { None };
    put_policy(db, &StoredPolicy { payloads, active: Some(active), hash_secret, ..policy }).await
}

/// Switches the encryption of payloads on or off.
pub(super) async fn seal_payloads(db: &mut Db, on: bool) -> DbResult<()> {
    let policy = lock_policy(db).await?;
    let active = usable_active_key(db, &policy).await?;
    if policy.payloads == on {
        return Ok(());
    }
    let hash_secret = match policy.hash_secret {
        None if on => Some(db.shared.vault.new_hash_secret(active)?),
        known => known,
    };
    put_policy(
        db,
        &StoredPolicy { payloads: on, active: Some(active), hash_secret, reseal_position: Some((0, 0)), ..policy },
    )
    .await?;
    // Fails if this process cannot compute the new hashes, before the switch is committed.
    if on {
        current_policy(db).await?;
    }
    Ok(())
}

/// Seals new data with another key.
pub(super) async fn activate(db: &mut Db, key: KeyId) -> DbResult<()> {
    let policy = lock_policy(db).await?;
    let vault = &db.shared.vault;
    if vault.keys().and_then(|keys| keys.payload_secret(key)).is_none() {
        return Err(StoreError::no_key(key, vault.keys()).into());
    }
    let before = usable_active_key(db, &policy).await?;
    if before == key {
        return Ok(());
    }
    let vault = &db.shared.vault;
    let moved =
        policy.hash_secret.as_deref().map(|sealed| vault.reseal_hash_secret(before, sealed, key)).transpose()?;
    put_policy(db, &StoredPolicy { active: Some(key), hash_secret: moved, reseal_position: Some((0, 0)), ..policy })
        .await
}

/// Locks the policy for a change and returns it.
async fn lock_policy(db: &mut Db) -> DbResult<StoredPolicy> {
    sqlx::raw_sql(LOCK_EXCLUSIVE).execute(&mut *db.sql).await?;
    stored_policy(db).await
}

/// Returns the active key; fails if the key ring does not contain it.
async fn usable_active_key(db: &mut Db, policy: &StoredPolicy) -> DbResult<KeyId> {
    let active = match policy.active {
        Some(active) => Some(active),
        None => key_in_use(db).await?,
    };
    let keys = db.shared.vault.keys();
    match (active, keys) {
        (Some(active), Some(keys)) if keys.payload_secret(active).is_some() => Ok(active),
        (Some(active), keys) => Err(StoreError::no_key(active, keys).into()),
        (None, _) => Err(StoreError::Damaged("an encryption policy without an active key".to_owned()).into()),
    }
}

/// Stores the policy; a reseal pass restarts with it.
async fn put_policy(db: &mut Db, policy: &StoredPolicy) -> DbResult<()> {
    const PUT: &str = "UPDATE nango_rs.encryption SET epoch = $1, payloads = $2, active = $3, hash_secret = $4, \
                       stage = $5, dataset = 0, place = 0";
    let mut epoch = [0; 8];
    random::fill(&mut epoch)?;
    let put = db.query(PUT).bind(i64::from_le_bytes(epoch) & i64::MAX).bind(policy.payloads);
    let put = put.bind(policy.active.map(KeyId::to_stored)).bind(&policy.hash_secret);
    put.bind(policy.reseal_position.map(|_| 0_i64)).execute(&mut *db.sql).await?;
    Ok(())
}

/// Prefixes statements that read all records; the settings of a transaction prevent sequential scans.
const ALLOW_SEQ_SCAN: &str = "SET LOCAL enable_seqscan = on";

/// Returns whether any payload is sealed.
async fn is_sealed(db: &mut Db) -> DbResult<bool> {
    const SEALED: &str = "SELECT EXISTS (SELECT 1 FROM nango_rs.records WHERE key_id <> 0 AND payload IS NOT NULL)";
    sqlx::raw_sql(ALLOW_SEQ_SCAN).execute(&mut *db.sql).await?;
    Ok(db.query_scalar(SEALED).fetch_one(&mut *db.sql).await?)
}

/// Returns the key of the first sealed blob.
async fn key_in_use(db: &mut Db) -> DbResult<Option<KeyId>> {
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

/// Queries of all sealed blobs: credentials, resume states, and the states of parents, which count as resume states.
const BLOBS: [&str; 4] = [
    "SELECT credentials FROM nango_rs.connections",
    "SELECT value FROM nango_rs.secrets",
    "SELECT state FROM nango_rs.resume_states",
    "SELECT state FROM nango_rs.parents WHERE state IS NOT NULL",
];

/// Returns the stored settings, without counting.
pub(super) async fn settings(db: &mut Db) -> DbResult<EncryptionState> {
    let policy = stored_policy(db).await?;
    let unfinished = policy.reseal_position.is_some();
    Ok(EncryptionState { payloads: policy.payloads, active: policy.active, unfinished, uses: Vec::new() })
}

/// Returns the stored settings and the number of records, credentials and resume states per key.
pub(super) async fn state(db: &mut Db) -> DbResult<EncryptionState> {
    const RECORDS: &str = "SELECT key_id, count(*) FROM nango_rs.records WHERE payload IS NOT NULL GROUP BY key_id";
    sqlx::raw_sql(ALLOW_SEQ_SCAN).execute(&mut *db.sql).await?;
    let mut counted = BTreeMap::new();
    for (key, records) in db.query_as::<(i32, i64)>(RECORDS).fetch_all(&mut *db.sql).await? {
        let key = KeyId::from_stored(key);
        counted.insert(key, KeyUse { records: to_u64(records), ..KeyUse::of(key) });
    }
    for (index, blobs) in BLOBS.into_iter().enumerate() {
        let (query, shared) = (db.query_scalar::<Vec<u8>>(blobs), Arc::clone(&db.shared));
        let Some(keys) = shared.vault.keys() else { break };
        let mut blobs = query.fetch(&mut *db.sql);
        while let Some(blob) = blobs.try_next().await? {
            if let Some(key) = keys.sealed_with(&blob) {
                let used = counted.entry(Some(key)).or_insert_with(|| KeyUse::of(Some(key)));
                let of_key = if index < 2 { &mut used.credentials } else { &mut used.resume_states };
                *of_key += 1;
            }
        }
    }
    Ok(EncryptionState { uses: counted.into_values().collect(), ..settings(db).await? })
}
