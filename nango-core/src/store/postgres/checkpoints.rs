//! Checkpoints and resume states of functions.

use serde_json::Value;

use super::{
    Db, encryption,
    error::{DbError, DbResult},
    functions, marks, parents,
};
use crate::store::{
    CheckpointWrite, FunctionKey, ResumeWrite, StoredCheckpoint, encryption::EncryptionPolicy, resume_context,
};

/// Returns the checkpoint of a function.
pub(super) async fn read(db: &mut Db, key: &FunctionKey) -> DbResult<StoredCheckpoint> {
    const READ: &str = "SELECT value, version FROM nango_rs.checkpoints WHERE function = $1";
    let Some(function) = functions::find(db, key).await? else { return Ok(StoredCheckpoint::default()) };
    let found: Option<(Option<String>, i64)> = db.query_as(READ).bind(function).fetch_optional(&mut *db.sql).await?;
    found.map_or_else(|| Ok(StoredCheckpoint::default()), |(value, version)| stored(value, version))
}

/// Returns the checkpoints of functions with their ids.
pub(super) async fn read_each(db: &mut Db, functions: &[i64]) -> DbResult<Vec<(i64, StoredCheckpoint)>> {
    const READ: &str = "SELECT function, value, version FROM nango_rs.checkpoints WHERE function = ANY($1)";
    let found: Vec<(i64, Option<String>, i64)> = db.query_as(READ).bind(functions).fetch_all(&mut *db.sql).await?;
    found.into_iter().map(|(function, value, version)| Ok((function, stored(value, version)?))).collect()
}

fn stored(value: Option<String>, version: i64) -> DbResult<StoredCheckpoint> {
    let value = value.map(|text| serde_json::from_str(&text)).transpose();
    Ok(StoredCheckpoint { value: value.map_err(|_| DbError::damaged("a checkpoint"))?, version })
}

/// Changes a checkpoint if it still has the expected version. Returns the new version.
pub(super) async fn write(db: &mut Db, key: &FunctionKey, write: &CheckpointWrite) -> DbResult<i64> {
    const FIND: &str = "SELECT version FROM nango_rs.checkpoints WHERE function = $1 FOR UPDATE";
    let function = functions::open(db, key).await?;
    let found = db.query_scalar(FIND).bind(function).fetch_optional(&mut *db.sql).await?.unwrap_or(0);
    write.ensure_expected(found)?;
    let version = put(db, function, write.value.as_ref()).await?;
    // Two writers of the first version: there was no row to lock.
    write.ensure_expected(version - 1)?;
    Ok(version)
}

/// Changes a checkpoint regardless of its version. Returns the new version.
pub(super) async fn set(db: &mut Db, key: &FunctionKey, value: Option<&Value>) -> DbResult<i64> {
    let function = functions::open(db, key).await?;
    put(db, function, value).await
}

async fn put(db: &mut Db, function: i64, value: Option<&Value>) -> DbResult<i64> {
    const PUT: &str = "INSERT INTO nango_rs.checkpoints AS c (function, value, version) VALUES ($1, $2, 1) \
                       ON CONFLICT (function) DO UPDATE SET value = excluded.value, version = c.version + 1 \
                       RETURNING version";
    Ok(db.query_scalar(PUT).bind(function).bind(value.map(Value::to_string)).fetch_one(&mut *db.sql).await?)
}

/// Returns the sealed resume state of a function.
pub(super) async fn read_resume(db: &mut Db, key: &FunctionKey) -> DbResult<Option<Vec<u8>>> {
    const READ: &str = "SELECT state FROM nango_rs.resume_states WHERE function = $1";
    let Some(function) = functions::find(db, key).await? else { return Ok(None) };
    Ok(db.query_scalar(READ).bind(function).fetch_optional(&mut *db.sql).await?)
}

/// Changes a resume state. The encryption policy is passed if the transaction has already read it.
pub(super) async fn write_resume(
    db: &mut Db,
    policy: Option<&EncryptionPolicy>,
    key: &FunctionKey,
    write: &ResumeWrite,
) -> DbResult<()> {
    const SET: &str = "INSERT INTO nango_rs.resume_states (function, state) VALUES ($1, $2) \
                       ON CONFLICT (function) DO UPDATE SET state = excluded.state";
    const CLEAR: &str = "DELETE FROM nango_rs.resume_states WHERE function = $1";
    let function = functions::open(db, key).await?;
    match write {
        ResumeWrite::Set(state) => {
            let context = resume_context(key);
            let newer = match policy {
                Some(policy) => db.shared.vault.reseal_if_needed(policy, state, &context)?,
                None => encryption::reseal_if_needed(db, state, &context).await?,
            };
            db.query(SET).bind(function).bind(newer.as_ref().unwrap_or(state)).execute(&mut *db.sql).await?
        }
        ResumeWrite::Clear => db.query(CLEAR).bind(function).execute(&mut *db.sql).await?,
    };
    Ok(())
}

/// Deletes everything that a function could resume from. The version of its checkpoint increases, so that a run that
/// read the checkpoint before cannot restore it.
pub(super) async fn reset(db: &mut Db, key: &FunctionKey) -> DbResult<()> {
    const CHECKPOINT: &str = "UPDATE nango_rs.checkpoints SET value = NULL, version = version + 1 WHERE function = $1";
    const RESUME: &str = "DELETE FROM nango_rs.resume_states WHERE function = $1";
    let Some(function) = functions::find(db, key).await? else { return Ok(()) };
    // Datasets precede checkpoints in the lock order.
    marks::close_all(db, function).await?;
    db.query(CHECKPOINT).bind(function).execute(&mut *db.sql).await?;
    db.query(RESUME).bind(function).execute(&mut *db.sql).await?;
    parents::reset(db, function).await
}
