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

use super::{Db, error::DbResult, to_u64};
use crate::store::{
    EncryptionState, KeyId, KeyUse, Keys, StoreError,
    encryption::{EncryptionPolicy, StoredPolicy},
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
const LOCK_EXCLUSIVE: &str = "LOCK TABLE nango_rs.encryption IN EXCLUSIVE MODE";

const POLICY: &str = "SELECT epoch, payloads, active, hash_secret, stage, place FROM nango_rs.encryption";

type Row = (i64, bool, Option<i32>, Option<Vec<u8>>, Option<i64>, i64);

/// What is in force in this transaction.
pub(super) async fn current_policy(db: &mut Db) -> DbResult<Arc<EncryptionPolicy>> {
    const EPOCH: &str = concat!("SELECT ", held!("epoch"));
    let epoch = db.query_scalar(EPOCH).fetch_one(&mut *db.sql).await?;
    policy_of_version(db, epoch).await
}

/// The same, if the transaction holds the policy of this epoch already.
pub(super) async fn policy_of_version(db: &mut Db, epoch: i64) -> DbResult<Arc<EncryptionPolicy>> {
    if let Some(known) = db.shared.vault.known(epoch) {
        return Ok(known);
    }
    let policy = stored_policy(db).await?;
    Ok(db.shared.vault.resolve_policy(&policy)?)
}

/// Tells the ring which key is active, where nothing is written.
pub(super) async fn announce_active_key(db: &mut Db) -> DbResult<()> {
    let policy = stored_policy(db).await?;
    db.shared.vault.resolve_policy(&policy)?;
    Ok(())
}

/// What the database says of its encryption.
async fn stored_policy(db: &mut Db) -> DbResult<StoredPolicy> {
    let (epoch, payloads, active, hash_secret, stage, place) =
        db.query_as::<Row>(POLICY).fetch_one(&mut *db.sql).await?;
    let active = KeyId::from_stored(active.unwrap_or(0));
    Ok(StoredPolicy { policy_version: epoch, payloads, active, hash_secret, walk: stage.map(|stage| (stage, place)) })
}

/// A sealed blob as it is to be stored: sealed anew if another key is active than the one that it came with.
pub(super) async fn reseal_if_needed(db: &mut Db, blob: &[u8], context: &[u8]) -> DbResult<Option<Vec<u8>>> {
    if db.shared.vault.keys().and_then(|keys| keys.sealed_with(blob)).is_none() {
        return Ok(None);
    }
    let regime = current_policy(db).await?;
    Ok(db.shared.vault.current(&regime, blob, context)?)
}

/// Decides what is active where nothing was said of it yet: the key of what is there, or the first of the ring. So it
/// does where the active key was lost before anything was sealed with it. A database that holds nothing seals its
/// payloads from now on, if `seal_new`.
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
        // What is there needs another ring; a new thing sealed with this one would make it worse.
        return Ok(());
    }
    let payloads = policy.payloads || (seal_new && db.query_scalar(EMPTY).fetch_one(&mut *db.sql).await?);
    let hash_secret = if payloads { Some(db.shared.vault.new_hash_secret(active)?) } else { None };
    put_policy(db, &StoredPolicy { payloads, active: Some(active), hash_secret, ..policy }).await
}

/// Seals payloads from now on, or no longer.
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
    put_policy(db, &StoredPolicy { payloads: on, active: Some(active), hash_secret, walk: Some((0, 0)), ..policy })
        .await?;
    // Whoever cannot take new hashes must not have switched.
    if on {
        current_policy(db).await?;
    }
    Ok(())
}

/// Seals everything new with another key.
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
    put_policy(db, &StoredPolicy { active: Some(key), hash_secret: moved, walk: Some((0, 0)), ..policy }).await
}

/// The policy, for whoever changes it.
async fn lock_policy(db: &mut Db) -> DbResult<StoredPolicy> {
    sqlx::raw_sql(LOCK_EXCLUSIVE).execute(&mut *db.sql).await?;
    stored_policy(db).await
}

/// The active key, which the ring must hold.
async fn usable_active_key(db: &mut Db, policy: &StoredPolicy) -> DbResult<KeyId> {
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
async fn put_policy(db: &mut Db, policy: &StoredPolicy) -> DbResult<()> {
    const PUT: &str = "UPDATE nango_rs.encryption SET epoch = $1, payloads = $2, active = $3, hash_secret = $4, \
                       stage = $5, dataset = 0, place = 0";
    let mut epoch = [0; 8];
    getrandom::fill(&mut epoch).map_err(|error| StoreError::Database(error.to_string().into()))?;
    let put = db.query(PUT).bind(i64::from_le_bytes(epoch) & i64::MAX).bind(policy.payloads);
    let put = put.bind(policy.active.map(KeyId::to_stored)).bind(&policy.hash_secret);
    put.bind(policy.walk.map(|_| 0_i64)).execute(&mut *db.sql).await?;
    Ok(())
}

/// For statements that look at all records: the settings of a transaction are made for those that must not.
const ALLOW_SEQ_SCAN: &str = "SET LOCAL enable_seqscan = on";

/// Whether a payload is sealed.
async fn is_sealed(db: &mut Db) -> DbResult<bool> {
    const SEALED: &str = "SELECT EXISTS (SELECT 1 FROM nango_rs.records WHERE key_id <> 0 AND payload IS NOT NULL)";
    sqlx::raw_sql(ALLOW_SEQ_SCAN).execute(&mut *db.sql).await?;
    Ok(db.query_scalar(SEALED).fetch_one(&mut *db.sql).await?)
}

/// The key of the first sealed thing that is there.
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

/// Credentials, and resume states.
const BLOBS: [&str; 2] = ["SELECT credentials FROM nango_rs.connections", "SELECT state FROM nango_rs.resume_states"];

/// What is said, without counting.
pub(super) async fn settings(db: &mut Db) -> DbResult<EncryptionState> {
    let policy = stored_policy(db).await?;
    let unfinished = policy.walk.is_some();
    Ok(EncryptionState { payloads: policy.payloads, active: policy.active, unfinished, uses: Vec::new() })
}

/// What is said, and what is there.
pub(super) async fn state(db: &mut Db) -> DbResult<EncryptionState> {
    const RECORDS: &str = "SELECT key_id, count(*) FROM nango_rs.records WHERE payload IS NOT NULL GROUP BY key_id";
    sqlx::raw_sql(ALLOW_SEQ_SCAN).execute(&mut *db.sql).await?;
    let mut counted = BTreeMap::new();
    for (key, records) in db.query_as::<(i32, i64)>(RECORDS).fetch_all(&mut *db.sql).await? {
        let key = KeyId::from_stored(key);
        counted.insert(key, KeyUse { records: to_u64(records), ..KeyUse::of(key) });
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
