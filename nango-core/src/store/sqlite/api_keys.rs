//! API keys: only hashes.

use rusqlite::{OptionalExtension, Row, params};
use uuid::Uuid;

use super::{
    Db, Sqlite,
    error::{DbError, DbResult},
};
use crate::store::{
    ApiKey, ApiKeys, NewApiKey, StoreFuture,
    api_keys::{USE_INTERVAL, from_json, to_json},
    stored_span::to_stored,
};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, name, hash, scopes, integrations, created_at, expires_at, revoked_at, last_used_at \
             FROM api_keys ",
            $rest
        )
    };
}

impl ApiKeys for Sqlite {
    fn add_api_key(&self, new: NewApiKey) -> StoreFuture<'_, Option<ApiKey>> {
        self.write(move |db| add(db, &new))
    }

    fn api_key_by_hash(&self, hash: [u8; 32]) -> StoreFuture<'_, Option<ApiKey>> {
        self.read_with(move |db| by_hash(db, &hash))
    }

    fn api_keys(&self) -> StoreFuture<'_, Vec<ApiKey>> {
        self.read_with(list)
    }

    fn revoke_api_key(&self, id: Uuid) -> StoreFuture<'_, Option<ApiKey>> {
        self.write(move |db| revoke(db, id))
    }

    fn touch_api_key(&self, id: Uuid) -> StoreFuture<'_, ()> {
        self.write(move |db| touch(db, id))
    }
}

/// Adds a key. Returns `None` if an unrevoked key has the same name.
pub(super) fn add(db: &Db, new: &NewApiKey) -> DbResult<Option<ApiKey>> {
    let mut add = db.sql.prepare_cached(
        "INSERT INTO api_keys (id, name, hash, scopes, integrations, created_at, expires_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6 + ?7) ON CONFLICT (name) WHERE revoked_at IS NULL DO NOTHING",
    )?;
    let added = add.execute(params![
        &new.id.as_bytes()[..],
        new.name,
        &new.hash[..],
        to_json(&new.scopes),
        new.integrations.as_deref().map(to_json),
        db.shared.clock.now(),
        new.expires_in.map(to_stored),
    ])?;
    if added == 0 { Ok(None) } else { by_id(db, new.id) }
}

/// Returns a key by the hash of its text.
pub(super) fn by_hash(db: &Db, hash: &[u8; 32]) -> DbResult<Option<ApiKey>> {
    let mut find = db.sql.prepare_cached(select!("WHERE hash = ?1"))?;
    find.query_row([&hash[..]], |row| Ok(key(row))).optional()?.transpose()
}

fn by_id(db: &Db, id: Uuid) -> DbResult<Option<ApiKey>> {
    let mut find = db.sql.prepare_cached(select!("WHERE id = ?1"))?;
    find.query_row([&id.as_bytes()[..]], |row| Ok(key(row))).optional()?.transpose()
}

/// Returns all keys in the order in which they were added.
pub(super) fn list(db: &Db) -> DbResult<Vec<ApiKey>> {
    let mut list = db.sql.prepare_cached(select!("ORDER BY created_at, id"))?;
    list.query_and_then([], key)?.collect()
}

/// Revokes a key, unless it is revoked already, and returns it.
pub(super) fn revoke(db: &Db, id: Uuid) -> DbResult<Option<ApiKey>> {
    db.sql
        .prepare_cached("UPDATE api_keys SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL")?
        .execute(params![&id.as_bytes()[..], db.shared.clock.now()])?;
    by_id(db, id)
}

/// Stores that a key is used now, unless a use within the last minute is stored.
pub(super) fn touch(db: &Db, id: Uuid) -> DbResult<()> {
    // A stored time in the future was written by a clock that was ahead.
    db.sql
        .prepare_cached(
            "UPDATE api_keys SET last_used_at = ?2 \
             WHERE id = ?1 AND (last_used_at IS NULL OR last_used_at NOT BETWEEN ?2 - ?3 + 1 AND ?2)",
        )?
        .execute(params![&id.as_bytes()[..], db.shared.clock.now(), to_stored(USE_INTERVAL)])?;
    Ok(())
}

fn key(row: &Row<'_>) -> DbResult<ApiKey> {
    let list = |text: String| from_json(&text).ok_or_else(|| DbError::damaged("an API key"));
    Ok(ApiKey {
        id: Uuid::from_bytes(row.get(0)?),
        name: row.get(1)?,
        hash: row.get(2)?,
        scopes: list(row.get(3)?)?,
        integrations: row.get::<_, Option<String>>(4)?.map(list).transpose()?,
        created_at: row.get(5)?,
        expires_at: row.get(6)?,
        revoked_at: row.get(7)?,
        last_used_at: row.get(8)?,
    })
}
