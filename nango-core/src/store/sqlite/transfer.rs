//! Export and import of the tables in their neutral form.

use rusqlite::{
    ToSql, params_from_iter,
    types::{ToSqlOutput, Value, ValueRef},
};
use tokio::sync::mpsc;

use super::{
    Db, Sqlite,
    error::{DbError, DbResult},
    file::{COPY_MARK, READABLE_FROM, is_incomplete_copy},
    vacuum,
};
use crate::store::{
    Cell, Chunk, StoreError, StoreFuture, Table, Transfer,
    transfer::{CHUNK_BYTES, CHUNK_ROWS, ExportPart},
};

impl Transfer for Sqlite {
    fn export_part(&self, part: ExportPart, out: mpsc::Sender<Chunk>) -> StoreFuture<'_, ()> {
        self.read_with(move |db| export(db, &part, &out))
    }

    fn begin_import(&self) -> StoreFuture<'_, ()> {
        self.write(begin)
    }

    fn import(&self, chunk: Chunk) -> StoreFuture<'_, ()> {
        self.write(move |db| import(db, &chunk))
    }

    fn finish_import(&self) -> StoreFuture<'_, ()> {
        self.write(|db| {
            db.sql.execute("DELETE FROM meta WHERE key = ?1", [COPY_MARK])?;
            // A database in memory is not opened again, see `file::prepare`.
            let latest = db.sql.query_row("SELECT max(stamp) FROM datasets", [], |row| row.get::<_, Option<_>>(0))?;
            db.shared.clock.at_least(latest.unwrap_or_default());
            Ok(())
        })
    }
}

/// Returns the query that reads a table in its neutral form.
fn select(table: Table, part: &ExportPart) -> String {
    let of = |name: &str, condition: &str, order: &str| {
        format!("SELECT {} FROM {name}{condition} ORDER BY {order}", table.columns().join(", "))
    };
    let plain = |name: &str, order: &str| of(name, "", order);
    match table {
        Table::Meta => {
            format!(
                "SELECT key, value FROM meta WHERE key NOT IN ('{COPY_MARK}', '{}', '{READABLE_FROM}') ORDER BY key",
                vacuum::REBUILD_MARK
            )
        }
        // The position of a reseal pass is not copied: its stages differ between databases.
        Table::Encryption => {
            "SELECT epoch, payloads, active, hash_secret, stage IS NOT NULL FROM encryption".to_owned()
        }
        Table::Sequences => {
            "SELECT name, seq FROM sqlite_sequence WHERE name IN ('connections', 'runs', 'scans') ORDER BY name"
                .to_owned()
        }
        Table::Connections => plain("connections", "row"),
        Table::Functions => plain("functions", "id"),
        Table::Checkpoints => plain("checkpoints", "function"),
        Table::ResumeStates => plain("resume_states", "function"),
        Table::Parents => plain("parents", "function, key"),
        Table::Datasets => of("datasets", &part.condition("id"), "id"),
        // A left join from the record: one without its key row shows up without a hash.
        Table::Records => {
            let of = |column: &&str| match *column {
                "updated" | "older" | "older_walk" | "parent" | "hash" | "hash_version" | "state" => {
                    format!("k.{column}")
                }
                column => format!("r.{column}"),
            };
            let columns: Vec<String> = table.columns().iter().map(of).collect();
            format!(
                "SELECT {} FROM records r LEFT JOIN record_keys k ON k.dataset = r.dataset AND k.id = r.id \
                 AND k.rid = r.rid{} ORDER BY r.dataset, r.seq",
                columns.join(", "),
                part.condition("r.dataset")
            )
        }
        // A run that is still active belongs to the source database and counts as interrupted in the copy.
        Table::Runs => {
            let of = |column: &&str| {
                match *column {
                    "status" => "CASE status WHEN 'running' THEN 'interrupted' ELSE status END",
                    "finished_at" => "CASE status WHEN 'running' THEN lease_until - lease ELSE finished_at END",
                    column => column,
                }
                .to_owned()
            };
            let columns: Vec<String> = table.columns().iter().map(of).collect();
            format!("SELECT {} FROM runs ORDER BY row", columns.join(", "))
        }
        Table::DeleteStates => of("delete_states", &part.condition("dataset"), "dataset, id"),
        Table::RunModels => plain("run_models", "run, model"),
        Table::RunLogs => plain("run_logs", "n"),
        Table::Schedules => plain("schedules", "function"),
        Table::DueRuns => plain("due_runs", "function"),
        Table::ApiKeys => plain("api_keys", "id"),
        Table::Secrets => plain("secrets", "name"),
    }
}

fn export(db: &Db, part: &ExportPart, out: &mpsc::Sender<Chunk>) -> DbResult<()> {
    for &table in &part.tables {
        let mut select = db.sql.prepare(&select(table, part))?;
        let columns = table.columns().len();
        let mut rows = select.query([])?;
        let (mut chunk, mut bytes) = (Vec::new(), 0);
        loop {
            let row = rows.next()?;
            let end = row.is_none();
            if let Some(row) = row {
                let mut cells = Vec::with_capacity(columns);
                for column in 0..columns {
                    let value = row.get_ref(column)?;
                    bytes += value.as_bytes().map_or(0, <[u8]>::len);
                    cells.push(cell(value)?);
                }
                if table == Table::Records && cells[columns - 1] == Cell::Null {
                    return Err(StoreError::MissingKeyRow.into());
                }
                chunk.push(cells);
            }
            if (end && !chunk.is_empty()) || chunk.len() >= CHUNK_ROWS || bytes >= CHUNK_BYTES {
                let rows = std::mem::take(&mut chunk);
                bytes = 0;
                // This thread may block: it belongs to a read, or is the writer thread.
                if out.blocking_send(Chunk { table, rows }).is_err() {
                    return Ok(());
                }
            }
            if end {
                break;
            }
        }
    }
    Ok(())
}

fn cell(value: ValueRef<'_>) -> DbResult<Cell> {
    Ok(match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(value) => Cell::Int(value),
        ValueRef::Text(text) => Cell::Text(String::from_utf8(text.to_vec()).map_err(|_| DbError::damaged("a text"))?),
        ValueRef::Blob(bytes) => Cell::Bytes(bytes.to_vec()),
        ValueRef::Real(_) => return Err(DbError::damaged("a number")),
    })
}

impl ToSql for Cell {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Null => ToSqlOutput::Owned(Value::Null),
            Self::Int(value) => ToSqlOutput::Owned(Value::Integer(*value)),
            Self::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Self::Bytes(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
        })
    }
}

/// Tables that an import fills, in an order in which they can be emptied.
const TABLES: [&str; 19] = [
    "api_keys",
    "secrets",
    "due_runs",
    "schedules",
    "run_logs",
    "run_models",
    "locks",
    "runs",
    "delete_states",
    "scan_marks",
    "scans",
    "record_keys",
    "records",
    "datasets",
    "parents",
    "resume_states",
    "checkpoints",
    "functions",
    "connections",
];

fn begin(db: &Db) -> DbResult<()> {
    if is_incomplete_copy(db)? {
        for table in TABLES {
            db.sql.execute(&format!("DELETE FROM {table}"), [])?;
        }
        db.sql.execute("DELETE FROM sqlite_sequence", [])?;
    }
    for table in TABLES {
        if db.sql.prepare(&format!("SELECT 1 FROM {table} LIMIT 1"))?.exists([])? {
            return Err(StoreError::NotEmpty.into());
        }
    }
    db.sql.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, x'01')", [COPY_MARK])?;
    Ok(())
}

fn import(db: &Db, chunk: &Chunk) -> DbResult<()> {
    match chunk.table {
        Table::Meta => {
            let mut put = db.sql.prepare("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)")?;
            for row in &chunk.rows {
                put.execute(params_from_iter(row))?;
            }
        }
        Table::Encryption => {
            // Payloads that are imported in plaintext and sealed afterwards leave remains in the file.
            let mut put = db.sql.prepare(
                "UPDATE encryption SET epoch = ?1, payloads = ?2, active = ?3, hash_secret = ?4, \
                 stage = CASE WHEN ?5 THEN 0 END, place = 0, scrub = ?2 AND ?5",
            )?;
            for row in &chunk.rows {
                put.execute(params_from_iter(row))?;
            }
        }
        // A table of SQLite itself: it has a row for a table once a number was assigned in it.
        Table::Sequences => {
            let mut put = db.sql.prepare("INSERT INTO sqlite_sequence (name, seq) VALUES (?1, ?2)")?;
            for row in &chunk.rows {
                put.execute(params_from_iter(row))?;
            }
        }
        Table::Records => records(db, &chunk.rows)?,
        table => {
            let name = match table {
                Table::ResumeStates => "resume_states",
                Table::DeleteStates => "delete_states",
                Table::RunModels => "run_models",
                Table::RunLogs => "run_logs",
                Table::DueRuns => "due_runs",
                Table::ApiKeys => "api_keys",
                other => other.name(),
            };
            let mut insert = db.sql.prepare(&insert(name, table.columns()))?;
            for row in &chunk.rows {
                insert.execute(params_from_iter(row))?;
            }
        }
    }
    Ok(())
}

fn records(db: &Db, rows: &[Vec<Cell>]) -> DbResult<()> {
    let columns = Table::Records.columns();
    // The last seven columns belong to the key row.
    let own = columns.len() - 7;
    let mut row = db.sql.prepare(&insert("records", &columns[..own]))?;
    let mut key = db.sql.prepare(&insert("record_keys", &[&["dataset", "id", "rid"], &columns[own..]].concat()))?;
    for cells in rows {
        let rid = Cell::Int(row.insert(params_from_iter(&cells[..own]))?);
        key.execute(params_from_iter([&cells[0], &cells[1], &rid].into_iter().chain(&cells[own..])))?;
    }
    Ok(())
}

fn insert(table: &str, columns: &[&str]) -> String {
    let parameters = vec!["?"; columns.len()].join(", ");
    format!("INSERT INTO {table} ({}) VALUES ({parameters})", columns.join(", "))
}
