//! API keys: only hashes.

use sqlx::{Row, postgres::PgRow};
use uuid::Uuid;

use super::{
    Db, Postgres,
    error::{DbError, DbResult},
    now,
};
use crate::store::{
    ApiKey, ApiKeys, NewApiKey, StoreFuture,
    api_keys::{USE_INTERVAL, from_json, to_json},
    stored_span::to_stored,
};

macro_rules! columns {
    () => {
        "id, name, hash, scopes, integrations, created_at, expires_at, revoked_at, last_used_at"
    };
}

impl ApiKeys for Postgres {
    fn add_api_key(&self, new: NewApiKey) -> StoreFuture<'_, Option<ApiKey>> {
        self.write(new, |db, new| Box::pin(add(db, new)))
    }

    fn api_key_by_hash(&self, hash: [u8; 32]) -> StoreFuture<'_, Option<ApiKey>> {
        self.read_with(hash, |db, hash| Box::pin(by_hash(db, hash)))
    }

    fn api_keys(&self) -> StoreFuture<'_, Vec<ApiKey>> {
        self.read_with((), |db, ()| Box::pin(list(db)))
    }

    fn revoke_api_key(&self, id: Uuid) -> StoreFuture<'_, Option<ApiKey>> {
        self.write(id, |db, id| Box::pin(revoke(db, *id)))
    }

    fn touch_api_key(&self, id: Uuid) -> StoreFuture<'_, ()> {
        self.write(id, |db, id| Box::pin(touch(db, *id)))
    }
}

/// Adds a key. Returns `None` if an unrevoked key has the same name.
pub(super) async fn add(db: &mut Db, new: &NewApiKey) -> DbResult<Option<ApiKey>> {
    const ADD: &str = concat!(
        "INSERT INTO nango_rs.api_keys (id, name, hash, scopes, integrations, created_at, expires_at) \
         SELECT $1, $2, $3, $4, $5, now, now + $6 FROM (SELECT ",
        now!(),
        " AS now) clock ON CONFLICT (name) WHERE revoked_at IS NULL DO NOTHING RETURNING ",
        columns!()
    );
    let add = db
        .query(ADD)
        .bind(&new.id.as_bytes()[..])
        .bind(&new.name)
        .bind(&new.hash[..])
        .bind(to_json(&new.scopes))
        .bind(new.integrations.as_deref().map(to_json))
        .bind(new.expires_in.map(to_stored));
    let added = add.fetch_optional(&mut *db.sql).await?;
    added.as_ref().map(key).transpose()
}

/// Returns a key by the hash of its text.
pub(super) async fn by_hash(db: &mut Db, hash: &[u8; 32]) -> DbResult<Option<ApiKey>> {
    const FIND: &str = concat!("SELECT ", columns!(), " FROM nango_rs.api_keys WHERE hash = $1");
    let found = db.query(FIND).bind(&hash[..]).fetch_optional(&mut *db.sql).await?;
    found.as_ref().map(key).transpose()
}

/// Returns all keys in the order in which they were added.
pub(super) async fn list(db: &mut Db) -> DbResult<Vec<ApiKey>> {
    const LIST: &str = concat!("SELECT ", columns!(), " FROM nango_rs.api_keys ORDER BY created_at, id");
    let found = db.query(LIST).fetch_all(&mut *db.sql).await?;
    found.iter().map(key).collect()
}

/// Revokes a key, unless it is revoked already, and returns it.
pub(super) async fn revoke(db: &mut Db, id: Uuid) -> DbResult<Option<ApiKey>> {
    const REVOKE: &str = concat!(
        "UPDATE nango_rs.api_keys SET revoked_at = coalesce(revoked_at, ",
        now!(),
        ") WHERE id = $1 RETURNING ",
        columns!()
    );
    let revoked = db.query(REVOKE).bind(&id.as_bytes()[..]).fetch_optional(&mut *db.sql).await?;
    revoked.as_ref().map(key).transpose()
}

/// Stores that a key is used now, unless a use within the last minute is stored.
pub(super) async fn touch(db: &mut Db, id: Uuid) -> DbResult<()> {
    // A stored time in the future was written by a clock that was ahead.
    const TOUCH: &str = concat!(
        "UPDATE nango_rs.api_keys SET last_used_at = clock.now FROM (SELECT ",
        now!(),
        " AS now) clock WHERE id = $1 \
         AND (last_used_at IS NULL OR last_used_at NOT BETWEEN clock.now - $2 + 1 AND clock.now)"
    );
    db.query(TOUCH).bind(&id.as_bytes()[..]).bind(to_stored(USE_INTERVAL)).execute(&mut *db.sql).await?;
    Ok(())
}

fn key(row: &PgRow) -> DbResult<ApiKey> {
    let damaged = || DbError::damaged("an API key");
    let list = |text: String| from_json(&text).ok_or_else(damaged);
    let bytes = |column| row.try_get::<Vec<u8>, _>(column);
    Ok(ApiKey {
        id: Uuid::from_slice(&bytes("id")?).map_err(|_| damaged())?,
        name: row.try_get("name")?,
        hash: bytes("hash")?.try_into().map_err(|_| damaged())?,
        scopes: list(row.try_get("scopes")?)?,
        integrations: row.try_get::<Option<String>, _>("integrations")?.map(list).transpose()?,
        created_at: row.try_get("created_at")?,
        expires_at: row.try_get("expires_at")?,
        revoked_at: row.try_get("revoked_at")?,
        last_used_at: row.try_get("last_used_at")?,
    })
}
