//! Row ids of function keys, by which checkpoints, runs and scans refer to a function.

use rusqlite::OptionalExtension;

use super::{Db, error::DbResult};
use crate::store::FunctionKey;

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

fn names(key: &FunctionKey) -> [&str; 5] {
    [&key.integration, &key.connection, key.kind.name(), &key.function, &key.variant]
}
