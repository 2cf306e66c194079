//! Log lines of runs.

use rusqlite::{Row, params};
use serde_json::Value;
use uuid::Uuid;

use super::{
    Db,
    error::{DbError, DbResult},
};
use crate::store::{Level, LogLine};

/// Appends lines to the log of a run.
pub(super) fn write(db: &Db, run: i64, lines: &[LogLine]) -> DbResult<()> {
    if lines.is_empty() {
        return Ok(());
    }
    let mut insert =
        db.sql.prepare_cached("INSERT INTO run_logs (run, at, level, message, fields) VALUES (?1, ?2, ?3, ?4, ?5)")?;
    for line in lines {
        let fields = (!line.fields.is_null()).then(|| line.fields.to_string());
        insert.execute(params![run, line.timestamp, line.level.name(), line.truncated_message(), fields])?;
    }
    Ok(())
}

/// Returns the lines of a run in order, without the first ones; none if there is no such run.
pub(super) fn read(db: &Db, run: Uuid, skip: usize) -> DbResult<Vec<LogLine>> {
    let mut read = db.sql.prepare_cached(
        "SELECT l.at, l.level, l.message, l.fields FROM runs r JOIN run_logs l ON l.run = r.row WHERE r.id = ?1 \
         ORDER BY l.n LIMIT -1 OFFSET ?2",
    )?;
    read.query_and_then(params![&run.as_bytes()[..], i64::try_from(skip).unwrap_or(i64::MAX)], line)?.collect()
}

fn line(row: &Row<'_>) -> DbResult<LogLine> {
    let name = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
    let level = Level::from_name(name);
    let fields = match row.get_ref(3)?.as_str_or_null().map_err(rusqlite::Error::from)? {
        Some(text) => serde_json::from_str(text).map_err(|_| DbError::damaged("a log line"))?,
        None => Value::Null,
    };
    let level = level.ok_or_else(|| DbError::damaged("the level of a log line"))?;
    Ok(LogLine { timestamp: row.get(0)?, level, message: row.get(2)?, fields })
}
