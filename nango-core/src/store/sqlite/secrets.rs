//! Secrets of the instance by name.

use rusqlite::{OptionalExtension, params};

use super::{Db, Sqlite, encryption, error::DbResult};
use crate::store::{Secrets, StoreFuture, secret_context};

impl Secrets for Sqlite {
    fn secret(&self, name: &str) -> StoreFuture<'_, Option<Vec<u8>>> {
        let name = name.to_owned();
        self.read_with(move |db| find(db, &name))
    }

    fn add_secret(&self, name: &str, sealed: Vec<u8>) -> StoreFuture<'_, Vec<u8>> {
        let name = name.to_owned();
        self.write(move |db| add(db, &name, sealed))
    }

    fn replace_secret(&self, name: &str, sealed: Vec<u8>) -> StoreFuture<'_, ()> {
        let name = name.to_owned();
        self.write(move |db| replace(db, &name, &sealed))
    }
}

/// Returns a sealed secret by name.
pub(super) fn find(db: &Db, name: &str) -> DbResult<Option<Vec<u8>>> {
    let mut find = db.sql.prepare_cached("SELECT value FROM secrets WHERE name = ?1")?;
    Ok(find.query_row([name], |row| row.get(0)).optional()?)
}

/// Stores a sealed secret, unless there is one of this name. Returns the stored one.
pub(super) fn add(db: &Db, name: &str, sealed: Vec<u8>) -> DbResult<Vec<u8>> {
    if let Some(known) = find(db, name)? {
        return Ok(known);
    }
    let sealed = encryption::reseal_if_needed(db, &sealed, &secret_context(name))?.unwrap_or(sealed);
    db.sql.prepare_cached("INSERT INTO secrets (name, value) VALUES (?1, ?2)")?.execute(params![name, sealed])?;
    Ok(sealed)
}

/// Stores a sealed secret, and replaces the one of this name.
pub(super) fn replace(db: &Db, name: &str, sealed: &[u8]) -> DbResult<()> {
    let newer = encryption::reseal_if_needed(db, sealed, &secret_context(name))?;
    db.sql
        .prepare_cached(
            "INSERT INTO secrets (name, value) VALUES (?1, ?2) \
             ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        )?
        .execute(params![name, newer.as_deref().unwrap_or(sealed)])?;
    Ok(())
}
