//! Checkpoints and resume states of functions.

use rusqlite::{OptionalExtension, Row, params};
use serde_json::Value;

use super::{
    Db, encryption,
    error::{DbError, DbResult},
    functions, marks, parents,
};
use crate::store::{CheckpointWrite, FunctionKey, ResumeWrite, StoredCheckpoint, resume_context};

/// Returns the checkpoint of a function.
pub(super) fn read(db: &Db, key: &FunctionKey) -> DbResult<StoredCheckpoint> {
    let Some(function) = functions::find(db, key)? else { return Ok(StoredCheckpoint::default()) };
    let mut read = db.sql.prepare_cached("SELECT value, version FROM checkpoints WHERE function = ?1")?;
    let found = read.query_row([function], |row| Ok((row.get::<_, Option<String>>(0)?, row.get(1)?))).optional()?;
    let Some((value, version)) = found else { return Ok(StoredCheckpoint::default()) };
    let value = value.map(|text| serde_json::from_str(&text)).transpose();
    Ok(StoredCheckpoint { value: value.map_err(|_| DbError::damaged("a checkpoint"))?, version })
}

/// Changes a checkpoint if it still has the expected version. Returns the new version.
pub(super) fn write(db: &Db, key: &FunctionKey, write: &CheckpointWrite) -> DbResult<i64> {
    let function = functions::open(db, key)?;
    let mut read = db.sql.prepare_cached("SELECT version FROM checkpoints WHERE function = ?1")?;
    let found = read.query_row([function], |row| row.get(0)).optional()?.unwrap_or(0);
    write.ensure_expected(found)?;
    put(db, function, write.value.as_ref())
}

/// Changes a checkpoint regardless of its version. Returns the new version.
pub(super) fn set(db: &Db, key: &FunctionKey, value: Option<&Value>) -> DbResult<i64> {
    put(db, functions::open(db, key)?, value)
}

fn put(db: &Db, function: i64, value: Option<&Value>) -> DbResult<i64> {
    let mut put = db.sql.prepare_cached(
        "INSERT INTO checkpoints (function, value, version) VALUES (?1, ?2, 1) \
         ON CONFLICT (function) DO UPDATE SET value = excluded.value, version = version + 1 RETURNING version",
    )?;
    Ok(put.query_row(params![function, value.map(Value::to_string)], |row| row.get(0))?)
}

/// Returns the sealed resume state of a function.
pub(super) fn read_resume(db: &Db, key: &FunctionKey) -> DbResult<Option<Vec<u8>>> {
    let Some(function) = functions::find(db, key)? else { return Ok(None) };
    let mut read = db.sql.prepare_cached("SELECT state FROM resume_states WHERE function = ?1")?;
    Ok(read.query_row([function], |row| row.get(0)).optional()?)
}

/// Changes the resume state of a function.
pub(super) fn write_resume(db: &Db, key: &FunctionKey, write: &ResumeWrite) -> DbResult<()> {
    let function = functions::open(db, key)?;
    match write {
        ResumeWrite::Set(state) => {
            let newer = encryption::reseal_if_needed(db, state, &resume_context(key))?;
            db.sql
                .prepare_cached("INSERT OR REPLACE INTO resume_states (function, state) VALUES (?1, ?2)")?
                .execute(params![function, newer.as_ref().unwrap_or(state)])?
        }
        ResumeWrite::Clear => {
            db.sql.prepare_cached("DELETE FROM resume_states WHERE function = ?1")?.execute([function])?
        }
    };
    Ok(())
}

/// Deletes everything that a function could resume from. The version of its checkpoint increases, so that a run that
/// read the checkpoint before cannot restore it.
pub(super) fn reset(db: &Db, key: &FunctionKey) -> DbResult<()> {
    let Some(function) = functions::find(db, key)? else { return Ok(()) };
    db.sql
        .prepare_cached("UPDATE checkpoints SET value = NULL, version = version + 1 WHERE function = ?1")?
        .execute([function])?;
    db.sql.prepare_cached("DELETE FROM resume_states WHERE function = ?1")?.execute([function])?;
    parents::reset(db, function)?;
    let mut open = db.sql.prepare_cached("SELECT number FROM scans WHERE function = ?1")?;
    let number = |row: &Row<'_>| row.get(0);
    for scan in open.query_map([function], number)?.collect::<Result<Vec<i64>, _>>()? {
        marks::close(db, scan)?;
    }
    Ok(())
}
