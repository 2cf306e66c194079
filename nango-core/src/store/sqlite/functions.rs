//! Row ids of function keys, by which checkpoints, runs and scans refer to a function.

use rusqlite::{OptionalExtension, Row};

use super::{
    Db,
    error::{DbError, DbResult},
};
use crate::{declare::FunctionKind, store::FunctionKey};

/// Returns the id of a key, or `None` if it was never used.
pub(super) fn find(db: &Db, key: &FunctionKey) -> DbResult<Option<i64>> {
    let mut find = db.sql.prepare_cached(
        "SELECT id FROM functions \
         WHERE integration = ?1 AND connection = ?2 AND kind = ?3 AND name = ?4 AND variant = ?5",
    )?;
    Ok(find.query_row(names(key), |row| row.get(0)).optional()?)
}

/// Returns the id of a key, and assigns one if it has none.
pub(super) fn open(db: &Db, key: &FunctionKey) -> DbResult<i64> {
    if let Some(id) = find(db, key)? {
        return Ok(id);
    }
    let mut insert = db.sql.prepare_cached(
        "INSERT INTO functions (integration, connection, kind, name, variant, fence) VALUES (?1, ?2, ?3, ?4, ?5, 0)",
    )?;
    Ok(insert.insert(names(key))?)
}

/// Reads a key from the columns kind, integration, connection, name and variant, of which the first one has this
/// number.
pub(super) fn key(row: &Row<'_>, at: usize) -> DbResult<FunctionKey> {
    let kind = FunctionKind::from_name(row.get_ref(at)?.as_str().map_err(rusqlite::Error::from)?)
        .ok_or_else(|| DbError::damaged("the kind of a function"))?;
    Ok(FunctionKey { kind, ..sync_key(row, at + 1)? })
}

/// Reads the key of a sync from the columns integration, connection, name and variant, of which the first one has this
/// number.
pub(super) fn sync_key(row: &Row<'_>, at: usize) -> rusqlite::Result<FunctionKey> {
    Ok(FunctionKey {
        kind: FunctionKind::Sync,
        integration: row.get(at)?,
        connection: row.get(at + 1)?,
        function: row.get(at + 2)?,
        variant: row.get(at + 3)?,
    })
}

fn names(key: &FunctionKey) -> [&str; 5] {
    [&key.integration, &key.connection, key.kind.name(), &key.function, &key.variant]
}
