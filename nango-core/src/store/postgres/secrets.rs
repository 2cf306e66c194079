//! Secrets of the instance by name.

use super::{Db, Postgres, encryption, error::DbResult};
use crate::store::{ResealProgress, Secrets, StoreError, StoreFuture, encryption::EncryptionPolicy, secret_context};

impl Secrets for Postgres {
    fn secret(&self, name: &str) -> StoreFuture<'_, Option<Vec<u8>>> {
        self.read_with(name.to_owned(), |db, name| Box::pin(find(db, name)))
    }

    fn add_secret(&self, name: &str, sealed: Vec<u8>) -> StoreFuture<'_, Vec<u8>> {
        self.write((name.to_owned(), sealed), |db, (name, sealed)| Box::pin(add(db, name, sealed)))
    }

    fn replace_secret(&self, name: &str, sealed: Vec<u8>) -> StoreFuture<'_, ()> {
        self.write((name.to_owned(), sealed), |db, (name, sealed)| Box::pin(replace(db, name, sealed)))
    }
}

/// Returns a sealed secret by name.
pub(super) async fn find(db: &mut Db, name: &str) -> DbResult<Option<Vec<u8>>> {
    const FIND: &str = "SELECT value FROM nango_rs.secrets WHERE name = $1";
    Ok(db.query_scalar(FIND).bind(name).fetch_optional(&mut *db.sql).await?)
}

/// Stores a sealed secret, unless there is one of this name. Returns the stored one.
pub(super) async fn add(db: &mut Db, name: &str, sealed: &[u8]) -> DbResult<Vec<u8>> {
    // The update returns the row of another process, which `DO NOTHING` does not.
    const ADD: &str = "INSERT INTO nango_rs.secrets AS s (name, value) VALUES ($1, $2) \
                       ON CONFLICT (name) DO UPDATE SET value = s.value RETURNING value";
    let newer = encryption::reseal_if_needed(db, sealed, &secret_context(name)).await?;
    let add = db.query_scalar(ADD).bind(name).bind(newer.as_deref().unwrap_or(sealed));
    Ok(add.fetch_one(&mut *db.sql).await?)
}

/// Stores a sealed secret, and replaces the one of this name.
pub(super) async fn replace(db: &mut Db, name: &str, sealed: &[u8]) -> DbResult<()> {
    const REPLACE: &str = "INSERT INTO nango_rs.secrets (name, value) VALUES ($1, $2) \
                           ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    let newer = encryption::reseal_if_needed(db, sealed, &secret_context(name)).await?;
    db.query(REPLACE).bind(name).bind(newer.as_deref().unwrap_or(sealed)).execute(&mut *db.sql).await?;
    Ok(())
}

/// Seals all secrets with the active key, in one step: there are few.
pub(super) async fn reseal(db: &mut Db, policy: &EncryptionPolicy, step: &mut ResealProgress) -> DbResult<()> {
    const ALL: &str = "SELECT name, value FROM nango_rs.secrets ORDER BY name FOR UPDATE";
    const PUT: &str = "UPDATE nango_rs.secrets SET value = $2 WHERE name = $1";
    let found: Vec<(String, Vec<u8>)> = db.query_as(ALL).fetch_all(&mut *db.sql).await?;
    for (name, sealed) in found {
        match db.shared.vault.reseal_if_needed(policy, &sealed, &secret_context(&name)) {
            Ok(None) => {}
            Ok(Some(newer)) => {
                step.changed += 1;
                db.query(PUT).bind(name).bind(newer).execute(&mut *db.sql).await?;
            }
            Err(StoreError::NoKey { .. }) => step.skipped += 1,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
