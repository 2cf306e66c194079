//! Log lines of runs.

use serde_json::Value;
use uuid::Uuid;

use super::{
    Db,
    error::{DbError, DbResult},
};
use crate::{
    store::{Level, LogLine},
    time::Timestamp,
};

/// Appends lines to the log of a run, see [`write_all`].
pub(super) async fn write(db: &mut Db, run: i64, lines: &[LogLine]) -> DbResult<()> {
    write_all(db, &lines.iter().map(|line| (run, line)).collect::<Vec<_>>()).await
}

/// Appends lines to the logs of runs. A NUL in a message, which the server cannot store, is replaced by `␀`: a log line
/// must not make a page fail.
pub(super) async fn write_all(db: &mut Db, lines: &[(i64, &LogLine)]) -> DbResult<()> {
    const WRITE: &str = "INSERT INTO nango_rs.run_logs (run, at, level, message, fields) \
                         SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[])";
    if lines.is_empty() {
        return Ok(());
    }
    let runs: Vec<_> = lines.iter().map(|(run, _)| *run).collect();
    let at: Vec<_> = lines.iter().map(|(_, line)| line.timestamp).collect();
    let levels: Vec<_> = lines.iter().map(|(_, line)| line.level.name()).collect();
    let messages: Vec<_> = lines.iter().map(|(_, line)| line.truncated_message().replace('\0', "␀")).collect();
    let fields: Vec<_> =
        lines.iter().map(|(_, line)| (!line.fields.is_null()).then(|| line.fields.to_string())).collect();
    db.query(WRITE).bind(runs).bind(at).bind(levels).bind(messages).bind(fields).execute(&mut *db.sql).await?;
    Ok(())
}

/// Returns the lines of a run in order, without the first ones; none if there is no such run.
pub(super) async fn read(db: &mut Db, run: Uuid, skip: usize) -> DbResult<Vec<LogLine>> {
    const READ: &str = "SELECT at, level, message, fields FROM nango_rs.run_logs \
                        WHERE run = (SELECT row FROM nango_rs.runs WHERE id = $1) ORDER BY n OFFSET $2";
    let rows: Vec<(Timestamp, String, String, Option<String>)> = db
        .query_as(READ)
        .bind(&run.as_bytes()[..])
        .bind(i64::try_from(skip).unwrap_or(i64::MAX))
        .fetch_all(&mut *db.sql)
        .await?;
    rows.into_iter()
        .map(|(at, level, message, fields)| {
            let level = Level::from_name(&level).ok_or_else(|| DbError::damaged("the level of a log line"))?;
            let fields = fields.as_deref().map_or(Ok(Value::Null), serde_json::from_str);
            Ok(LogLine { timestamp: at, level, message, fields: fields.map_err(|_| DbError::damaged("a log line"))? })
        })
        .collect()
}
