//! Timestamps as parameters and columns: an integer of microseconds since 1970 (UTC).

use rusqlite::{
    ToSql,
    types::{FromSql, FromSqlResult, ToSqlOutput, ValueRef},
};

use crate::time::Timestamp;

impl ToSql for Timestamp {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.as_micros().into())
    }
}

impl FromSql for Timestamp {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        i64::column_result(value).map(Self::from_micros)
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    #[test]
    fn timestamp_is_stored_as_an_integer() {
        let sql = Connection::open_in_memory().unwrap();
        let read = |at: Option<Timestamp>| -> (String, Option<Timestamp>) {
            sql.query_row("SELECT typeof(?1), ?1", [at], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
        };
        for at in [Timestamp::MIN, Timestamp::UNIX_EPOCH, Timestamp::MAX] {
            assert_eq!(read(Some(at)), ("integer".to_owned(), Some(at)));
        }
        assert_eq!(read(None), ("null".to_owned(), None));
    }
}
