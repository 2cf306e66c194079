//! The encryption policy, and the key usage of the stored data.
//!
//! Invariant: a transaction that writes a payload or a sealed blob reads the policy itself, with [`current_policy`]. A
//! policy that this process read before may be outdated, because another process may have changed it.

use std::{collections::BTreeMap, sync::Arc};

use rusqlite::{Row, params};

use super::{Db, error::DbResult};
use crate::store::{
    EncryptionState, KeyId, KeyUse, Keys, StoreError,
    encryption::{EncryptionPolicy, StoredPolicy},
    random,
};

const POLICY: &str = "SELECT epoch, payloads, active, hash_secret, stage, place FROM encryption";

/// Returns the policy that this transaction encrypts by.
pub(super) fn current_policy(db: &Db) -> DbResult<Arc<EncryptionPolicy>> {
    let vault = &db.shared.vault;
    let mut read = db.sql.prepare_cached(POLICY)?;
    let known = read.query_row([], |row| {
        vault.cached_policy(row.get(0)?).map_or_else(|| stored_policy_of_row(row).map(Err), |known| Ok(Ok(known)))
    })?;
    match known {
        Ok(known) => Ok(known),
        Err(policy) => Ok(vault.resolve_policy(&policy)?),
    }
}

/// Reads the stored policy.
pub(super) fn stored_policy(db: &Db) -> DbResult<StoredPolicy> {
    Ok(db.sql.prepare_cached(POLICY)?.query_row([], stored_policy_of_row)?)
}

fn stored_policy_of_row(row: &Row<'_>) -> rusqlite::Result<StoredPolicy> {
    Ok(StoredPolicy {
        policy_version: row.get(0)?,
        payloads: row.get(1)?,
        active: KeyId::from_stored(row.get::<_, Option<i32>>(2)?.unwrap_or(0)),
        hash_secret: row.get(3)?,
        reseal_position: row
            .get::<_, Option<i64>>(4)?
            .map(|stage| row.get(5).map(|position| (stage, position)))
            .transpose()?,
    })
}

/// Returns a sealed blob sealed again with the active key, or `None` if it can be stored as it is.
pub(super) fn reseal_if_needed(db: &Db, blob: &[u8], context: &[u8]) -> DbResult<Option<Vec<u8>>> {
    let vault = &db.shared.vault;
    match vault.keys().and_then(|keys| keys.sealed_with(blob)) {
        Some(_) => Ok(vault.reseal_if_needed(&*current_policy(db)?, blob, context)?),
        None => Ok(None),
    }
}

/// Chooses the active key of a database that has none: the key of a stored blob, or the first of the key ring. Also
/// replaces an active key that was lost before anything was sealed with it. An empty database encrypts its payloads
/// from now on if `seal_new` is set.
pub(super) fn choose_active_key(db: &Db, seal_new: bool) -> DbResult<()> {
    let policy = stored_policy(db)?;
    let Some(keys) = db.shared.vault.keys() else { return Ok(()) };
    let ids = keys.ids();
    match policy.active {
        Some(active) if ids.contains(&active) || is_sealed(db)? => return Ok(()),
        _ => {}
    }
    let Some(active) = key_in_use(db, keys)?.or_else(|| ids.first().copied()) else { return Ok(()) };
    if !ids.contains(&active) {
        // The stored data needs another key ring; data sealed with this one would make it worse.
        return Ok(());
    }
    let empty = "SELECT NOT EXISTS (SELECT 1 FROM datasets) AND NOT EXISTS (SELECT 1 FROM connections)";
    let payloads = policy.payloads || (seal_new && db.sql.query_row(empty, [], |row| row.get(0))?);
    let hash_secret = if payloads { Some(db.shared.vault.new_hash_secret(active)?) } else { None };
    put_policy(db, &StoredPolicy { payloads, active: Some(active), hash_secret, ..policy })
}

/// Switches the encryption of payloads on or off.
pub(super) fn seal_payloads(db: &Db, on: bool) -> DbResult<()> {
    let policy = stored_policy(db)?;
    let active = usable_active_key(db, &policy)?;
    if policy.payloads == on {
        return Ok(());
    }
    let hash_secret = match policy.hash_secret {
        None if on => Some(db.shared.vault.new_hash_secret(active)?),
        known => known,
    };
    put_policy(db, &StoredPolicy { payloads: on, hash_secret, reseal_position: Some((0, 0)), ..policy })?;
    db.sql.execute("UPDATE encryption SET scrub = ?1", [on])?;
    // Fails if this process cannot compute the new hashes, before the switch is committed.
    if on {
        current_policy(db)?;
    }
    Ok(())
}

/// Seals new data with another key.
pub(super) fn activate(db: &Db, key: KeyId) -> DbResult<()> {
    let policy = stored_policy(db)?;
    let vault = &db.shared.vault;
    if vault.keys().and_then(|keys| keys.payload_secret(key)).is_none() {
        return Err(StoreError::no_key(key, vault.keys()).into());
    }
    let before = usable_active_key(db, &policy)?;
    if before == key {
        return Ok(());
    }
    let moved =
        policy.hash_secret.as_deref().map(|sealed| vault.reseal_hash_secret(before, sealed, key)).transpose()?;
    put_policy(db, &StoredPolicy { active: Some(key), hash_secret: moved, reseal_position: Some((0, 0)), ..policy })
}

/// Returns the active key; fails if the key ring does not contain it.
fn usable_active_key(db: &Db, policy: &StoredPolicy) -> DbResult<KeyId> {
    let keys = db.shared.vault.keys();
    let active = match policy.active {
        Some(active) => Some(active),
        None => keys.map(|keys| key_in_use(db, keys)).transpose()?.flatten(),
    };
    match (active, keys) {
        (Some(active), Some(keys)) if keys.payload_secret(active).is_some() => Ok(active),
        (Some(active), keys) => Err(StoreError::no_key(active, keys).into()),
        (None, _) => Err(StoreError::Damaged("an encryption policy without an active key".to_owned()).into()),
    }
}

/// Stores the policy; a reseal pass restarts with it.
fn put_policy(db: &Db, policy: &StoredPolicy) -> DbResult<()> {
    let mut version = [0; 8];
    random::fill(&mut version)?;
    db.sql
        .prepare_cached(
            "UPDATE encryption SET epoch = ?1, payloads = ?2, active = ?3, hash_secret = ?4, stage = ?5, place = ?6",
        )?
        .execute(params![
            i64::from_le_bytes(version) & i64::MAX,
            policy.payloads,
            policy.active.map(KeyId::to_stored),
            policy.hash_secret,
            policy.reseal_position.map(|(stage, _)| stage),
            policy.reseal_position.map_or(0, |(_, position)| position),
        ])?;
    Ok(())
}

/// Returns whether any payload is sealed.
fn is_sealed(db: &Db) -> DbResult<bool> {
    let sealed = "SELECT EXISTS (SELECT 1 FROM records WHERE key_id <> 0 AND payload IS NOT NULL)";
    Ok(db.sql.query_row(sealed, [], |row| row.get(0))?)
}

/// Returns the key of the first sealed blob.
fn key_in_use(db: &Db, keys: &dyn Keys) -> DbResult<Option<KeyId>> {
    for blobs in BLOBS {
        let mut blobs = db.sql.prepare(blobs)?;
        let mut rows = blobs.query([])?;
        while let Some(row) = rows.next()? {
            if let Some(key) = keys.sealed_with(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?) {
                return Ok(Some(key));
            }
        }
    }
    Ok(None)
}

/// Queries of all sealed blobs: credentials, resume states, and the states of parents, which count as resume states.
const BLOBS: [&str; 4] = [
    "SELECT credentials FROM connections",
    "SELECT value FROM secrets",
    "SELECT state FROM resume_states",
    "SELECT state FROM parents WHERE state IS NOT NULL",
];

/// Returns the stored settings, without counting.
pub(super) fn settings(db: &Db) -> DbResult<EncryptionState> {
    let policy = stored_policy(db)?;
    let unfinished = policy.reseal_position.is_some();
    Ok(EncryptionState { payloads: policy.payloads, active: policy.active, unfinished, uses: Vec::new() })
}

/// Returns the stored settings and the number of records, credentials and resume states per key.
pub(super) fn state(db: &Db) -> DbResult<EncryptionState> {
    let mut counted = BTreeMap::new();
    let mut records =
        db.sql.prepare("SELECT key_id, count(*) FROM records WHERE payload IS NOT NULL GROUP BY key_id")?;
    let read = |row: &Row<'_>| Ok((KeyId::from_stored(row.get(0)?), super::get_u64(row, 1)?));
    for row in records.query_map([], read)? {
        let (key, records) = row?;
        counted.insert(key, KeyUse { records, ..KeyUse::of(key) });
    }
    if let Some(keys) = db.shared.vault.keys() {
        for (index, blobs) in BLOBS.into_iter().enumerate() {
            let mut blobs = db.sql.prepare(blobs)?;
            let mut rows = blobs.query([])?;
            while let Some(row) = rows.next()? {
                let blob = row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?;
                if let Some(key) = keys.sealed_with(blob) {
                    let used = counted.entry(Some(key)).or_insert_with(|| KeyUse::of(Some(key)));
                    let of_key = if index < 2 { &mut used.credentials } else { &mut used.resume_states };
                    *of_key += 1;
                }
            }
        }
    }
    Ok(EncryptionState { uses: counted.into_values().collect(), ..settings(db)? })
}
