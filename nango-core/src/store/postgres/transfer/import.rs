//! Import of the tables from their neutral form.

use std::collections::HashMap;

use sqlx::{AssertSqlSafe, Postgres as Server, postgres::PgArguments, query::Query};

use super::names::name;
use crate::store::{
    Cell, Chunk, StoreError, Table,
    encryption::SEAL_OVERHEAD,
    postgres::{
        Db,
        error::{DbError, DbResult},
        server::IS_INCOMPLETE_COPY,
        to_i64,
    },
    transfer::NUL_PLACEHOLDER,
};

/// Tables that an import fills.
const TABLES: [&str; 18] = [
    "api_keys",
    "secrets",
    "connections",
    "datasets",
    "record_keys",
    "records",
    "scan_marks",
    "delete_states",
    "functions",
    "checkpoints",
    "resume_states",
    "parents",
    "runs",
    "run_models",
    "run_logs",
    "locks",
    "schedules",
    "due_runs",
];

/// Empties the tables, and marks the database as an incomplete copy.
pub(super) async fn begin(db: &mut Db) -> DbResult<()> {
    let all = TABLES.map(|table| format!("nango_rs.{table}")).join(", ");
    // Locked before the check, so that no other transaction writes between the check and the truncation.
    sqlx::raw_sql(AssertSqlSafe(format!("LOCK TABLE {all} IN ACCESS EXCLUSIVE MODE"))).execute(&mut *db.sql).await?;
    if !db.query_scalar::<bool>(IS_INCOMPLETE_COPY).fetch_one(&mut *db.sql).await? {
        let any = TABLES.map(|table| format!("EXISTS (SELECT 1 FROM nango_rs.{table})")).join(" OR ");
        let any = sqlx::query_scalar(AssertSqlSafe(format!("SELECT {any}"))).persistent(false);
        if any.fetch_one(&mut *db.sql).await? {
            return Err(StoreError::NotEmpty.into());
        }
    }
    let reset = format!(
        "TRUNCATE {all} RESTART IDENTITY; ALTER SEQUENCE nango_rs.scans RESTART; \
         INSERT INTO nango_rs.meta (key, value) VALUES ('copying', '\\x01') ON CONFLICT DO NOTHING"
    );
    sqlx::raw_sql(AssertSqlSafe(reset)).execute(&mut *db.sql).await?;
    Ok(())
}

/// Removes the mark of an incomplete copy, and sets what is not part of the neutral form.
pub(super) async fn finish(db: &mut Db) -> DbResult<()> {
    // Sequences that are not part of the neutral form continue after the greatest imported id.
    const FINISH: &str = "DELETE FROM nango_rs.meta WHERE key = 'copying'; \
         UPDATE nango_rs.datasets SET waits = id IN (SELECT dataset FROM nango_rs.delete_states); \
         SELECT setval('nango_rs.datasets_id_seq', max(id)) FROM nango_rs.datasets HAVING count(*) > 0; \
         SELECT setval('nango_rs.functions_id_seq', max(id)) FROM nango_rs.functions HAVING count(*) > 0";
    sqlx::raw_sql(FINISH).execute(&mut *db.sql).await?;
    Ok(())
}

/// Type of a column in the neutral form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ColumnKind {
    Int,
    Bool,
    Text,
    Bytes,
}

fn column_kind(table: Table, column: &str) -> ColumnKind {
    match (table, column) {
        (Table::Encryption, "payloads" | "unfinished")
        | (Table::DeleteStates, "shifted" | "by_request" | "brought_forward" | "confirmed")
        | (_, "exclusive") => ColumnKind::Bool,
        (Table::Meta | Table::Secrets, "value")
        | (Table::Runs | Table::DueRuns | Table::ApiKeys, "id")
        | (Table::ResumeStates | Table::Parents, "state")
        | (Table::Parents, "key")
        | (_, "credentials" | "payload" | "hash" | "hash_secret" | "fingerprint" | "parent") => ColumnKind::Bytes,
        (Table::Connections | Table::Records | Table::DeleteStates | Table::Parents, "id")
        | (
            _,
            "key" | "value" | "integration" | "connection" | "auth" | "config" | "metadata" | "end_user" | "tags"
            | "webhook_url" | "kind" | "name" | "model" | "variant" | "status" | "error" | "failure" | "level"
            | "message" | "fields" | "frequency" | "mark" | "scopes" | "integrations",
        ) => ColumnKind::Text,
        _ => ColumnKind::Int,
    }
}

/// Returns the SQL expression of a column that is passed as an array parameter of this number.
fn unnest(table: Table, column: &str, number: usize) -> String {
    match column_kind(table, column) {
        ColumnKind::Int => format!("unnest(${number}::bigint[])"),
        ColumnKind::Bool => format!("unnest(${number}::bigint[]) <> 0"),
        ColumnKind::Text => format!("unnest(${number}::text[])"),
        ColumnKind::Bytes => format!("unnest(${number}::bytea[])"),
    }
}

type Statement<'q> = Query<'q, Server, PgArguments>;

/// Binds the columns of rows, each as one array.
fn bind<'q>(mut statement: Statement<'q>, table: Table, rows: &'q [Vec<Cell>]) -> DbResult<Statement<'q>> {
    let malformed = || DbError::damaged("a row of the source");
    for (at, column) in table.columns().iter().enumerate() {
        let cells = rows.iter().map(|row| row.get(at).ok_or_else(malformed));
        statement = match column_kind(table, column) {
            ColumnKind::Int | ColumnKind::Bool => {
                let number = |cell: &Cell| match cell {
                    Cell::Int(number) => Ok(Some(*number)),
                    Cell::Null => Ok(None),
                    _ => Err(malformed()),
                };
                statement.bind(cells.map(|cell| number(cell?)).collect::<DbResult<Vec<_>>>()?)
            }
            ColumnKind::Text => {
                // A NUL in a log line is replaced; in a name, it makes the server refuse the copy.
                let text = |cell: &Cell| match cell {
                    Cell::Text(text) if *column == "message" => Ok(Some(text.replace('\0', NUL_PLACEHOLDER))),
                    Cell::Text(text) => Ok(Some(text.clone())),
                    Cell::Null => Ok(None),
                    _ => Err(malformed()),
                };
                statement.bind(cells.map(|cell| text(cell?)).collect::<DbResult<Vec<_>>>()?)
            }
            ColumnKind::Bytes => {
                let bytes = |cell: &'q Cell| match cell {
                    Cell::Bytes(bytes) => Ok(Some(bytes.as_slice())),
                    Cell::Null => Ok(None),
                    _ => Err(malformed()),
                };
                statement.bind(cells.map(|cell| bytes(cell?)).collect::<DbResult<Vec<_>>>()?)
            }
        };
    }
    Ok(statement)
}

/// Writes the rows of a chunk.
pub(super) async fn import(db: &mut Db, chunk: &Chunk) -> DbResult<()> {
    let Chunk { table, rows } = chunk;
    let columns: Vec<String> =
        table.columns().iter().enumerate().map(|(at, column)| unnest(*table, column, at + 1)).collect();
    let columns = columns.join(", ");
    let sql = match table {
        Table::Records => return records(db, rows).await,
        Table::Meta => format!(
            "INSERT INTO nango_rs.meta (key, value) SELECT {columns} ON CONFLICT (key) DO UPDATE \
             SET value = excluded.value"
        ),
        Table::Encryption => format!(
            "UPDATE nango_rs.encryption SET epoch = u.epoch, payloads = u.payloads, active = u.active, \
             hash_secret = u.hash_secret, stage = CASE WHEN u.unfinished THEN 0 END, dataset = 0, place = 0 \
             FROM (SELECT {columns}) u(epoch, payloads, active, hash_secret, unfinished)"
        ),
        Table::Sequences => format!(
            "SELECT setval(CASE name WHEN 'connections' THEN 'nango_rs.connections_row_seq'::regclass \
             WHEN 'runs' THEN 'nango_rs.runs_row_seq' WHEN 'scans' THEN 'nango_rs.scans' END, last) \
             FROM (SELECT {columns}) u(name, last)"
        ),
        table => format!(
            "INSERT INTO nango_rs.{} ({}) OVERRIDING SYSTEM VALUE SELECT {columns}",
            name(*table),
            table.columns().join(", ")
        ),
    };
    bind(sqlx::query(AssertSqlSafe(sql)).persistent(false), *table, rows)?.execute(&mut *db.sql).await?;
    Ok(())
}

async fn records(db: &mut Db, rows: &[Vec<Cell>]) -> DbResult<()> {
    const LAST_RIDS: &str = "SELECT id, rids FROM nango_rs.datasets WHERE id = ANY($1)";
    const SET_LAST_RIDS: &str = "UPDATE nango_rs.datasets d SET rids = u.rids \
                                 FROM unnest($1::bigint[], $2::bigint[]) u(id, rids) \
                                 WHERE d.id = u.id";
    let table = Table::Records;
    let columns = table.columns();
    let at = |name: &str| columns.iter().position(|column| *column == name).unwrap_or(columns.len());
    let (dataset, key, payload) = (at("dataset"), at("key_id"), at("payload"));
    let datasets: Vec<i64> = rows
        .iter()
        .map(|row| match row.get(dataset) {
            Some(Cell::Int(dataset)) => Ok(*dataset),
            _ => Err(DbError::damaged("a record of the source")),
        })
        .collect::<DbResult<_>>()?;
    let last: Vec<(i64, i64)> = db.query_as(LAST_RIDS).bind(&datasets).fetch_all(&mut *db.sql).await?;
    let mut last: HashMap<i64, i64> = last.into_iter().collect();
    let rid = |dataset: &i64| {
        let last = last.entry(*dataset).or_default();
        *last += 1;
        *last
    };
    let rids: Vec<i64> = datasets.iter().map(rid).collect();
    let plaintext_bytes = |row: &Vec<Cell>| {
        let sealed = if row.get(key) == Some(&Cell::Int(0)) { 0 } else { SEAL_OVERHEAD };
        to_i64(row.get(payload).map_or(0, Cell::size).saturating_sub(sealed) as u64)
    };
    let bytes: Vec<i64> = rows.iter().map(plaintext_bytes).collect();

    let key_only = ["updated", "older", "older_walk", "parent", "hash", "hash_version", "state"];
    let both = ["dataset", "id", "seq", "modified_at", "run"];
    let part = |wanted: &dyn Fn(&str) -> bool| {
        let chosen = columns.iter().enumerate().filter(|(_, column)| wanted(column));
        let (names, values): (Vec<&str>, Vec<String>) =
            chosen.map(|(at, column)| (*column, unnest(table, column, at + 1))).unzip();
        (names.join(", "), values.join(", "))
    };
    let (key_names, key_values) = part(&|column| key_only.contains(&column) || both.contains(&column));
    let (row_names, row_values) = part(&|column| !key_only.contains(&column));
    let (rid, size) = (columns.len() + 1, columns.len() + 2);
    let sql = format!(
        "WITH keys AS (INSERT INTO nango_rs.record_keys ({key_names}, rid, bytes) \
         SELECT {key_values}, unnest(${rid}::bigint[]), unnest(${size}::bigint[])) \
         INSERT INTO nango_rs.records ({row_names}) SELECT {row_values}"
    );
    let insert = bind(sqlx::query(AssertSqlSafe(sql)).persistent(false), table, rows)?;
    insert.bind(rids).bind(bytes).execute(&mut *db.sql).await?;
    let (datasets, rids): (Vec<i64>, Vec<i64>) = last.into_iter().unzip();
    db.query(SET_LAST_RIDS).bind(datasets).bind(rids).execute(&mut *db.sql).await?;
    Ok(())
}
