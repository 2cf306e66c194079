//! Export of the tables in their neutral form.

use futures_util::TryStreamExt;
use sqlx::{AssertSqlSafe, Column, Row, TypeInfo, postgres::PgRow};
use tokio::sync::mpsc;

use super::names::name;
use crate::store::{
    Cell, Chunk, StoreError, Table,
    postgres::{Db, error::DbResult},
    transfer::{CHUNK_BYTES, CHUNK_ROWS, ExportPart},
};

/// Returns the query that reads a table in its neutral form.
fn select(table: Table, part: &ExportPart) -> String {
    let columns = |of: fn(&str) -> String| table.columns().iter().map(|name| of(name)).collect::<Vec<_>>().join(", ");
    let of = |condition: &str, order: &str| {
        format!("SELECT {} FROM nango_rs.{}{condition} ORDER BY {order}", table.columns().join(", "), name(table))
    };
    let plain = |order: &str| of("", order);
    match table {
        Table::Meta => {
            "SELECT key, value FROM nango_rs.meta WHERE key NOT IN ('copying', 'readable_from') ORDER BY key".to_owned()
        }
        // The position of a reseal pass is not copied: its stages differ between databases.
        Table::Encryption => {
            "SELECT epoch, payloads, active, hash_secret, stage IS NOT NULL FROM nango_rs.encryption".to_owned()
        }
        Table::Sequences => {
            "SELECT 'connections', last_value FROM nango_rs.connections_row_seq WHERE is_called UNION ALL \
                           SELECT 'runs', last_value FROM nango_rs.runs_row_seq WHERE is_called UNION ALL \
                           SELECT 'scans', last_value FROM nango_rs.scans WHERE is_called ORDER BY 1"
                .to_owned()
        }
        Table::Connections => plain("row"),
        Table::Functions | Table::ApiKeys => plain("id"),
        Table::Datasets => of(&part.condition("id"), "id"),
        Table::Checkpoints | Table::ResumeStates | Table::Schedules | Table::DueRuns => plain("function"),
        Table::Parents => plain("function, key"),
        // A left join from the record: one without its key row shows up without a hash.
        Table::Records => {
            let columns = columns(|name| match name {
                "updated" | "older" | "older_walk" | "parent" | "hash" | "hash_version" | "state" => {
                    format!("k.{name}")
                }
                name => format!("r.{name}"),
            });
            format!(
                "SELECT {columns} FROM nango_rs.records r LEFT JOIN LATERAL \
                 (SELECT updated, older, older_walk, parent, hash, hash_version, state FROM nango_rs.record_keys \
                 WHERE dataset = r.dataset AND id = r.id AND seq = r.seq OFFSET 0) k ON TRUE{} \
                 ORDER BY r.dataset, r.seq",
                part.condition("r.dataset")
            )
        }
        // A run that is still active belongs to the source database and counts as interrupted in the copy.
        Table::Runs => {
            let columns = columns(|name| {
                match name {
                    "status" => "CASE status WHEN 'running' THEN 'interrupted' ELSE status END",
                    "finished_at" => "CASE status WHEN 'running' THEN lease_until - lease ELSE finished_at END",
                    name => name,
                }
                .to_owned()
            });
            format!("SELECT {columns} FROM nango_rs.runs ORDER BY row")
        }
        Table::DeleteStates => of(&part.condition("dataset"), "dataset, id"),
        Table::RunModels => plain("run, model"),
        Table::RunLogs => plain("n"),
        Table::Secrets => plain("name"),
    }
}

/// Sends all rows, table by table.
pub(super) async fn export(db: &mut Db, part: &ExportPart, out: &mpsc::Sender<Chunk>) -> DbResult<()> {
    // Rows are read in the order of an index, so that the first ones arrive without a sort.
    sqlx::raw_sql("SET LOCAL enable_sort = off").execute(&mut *db.sql).await?;
    for &table in &part.tables {
        let mut rows = sqlx::query(AssertSqlSafe(select(table, part))).persistent(false).fetch(&mut *db.sql);
        let (mut chunk, mut bytes) = (Vec::new(), 0);
        loop {
            let row = rows.try_next().await?;
            let end = row.is_none();
            if let Some(row) = row {
                let cells = cells(&row)?;
                if table == Table::Records && cells.last() == Some(&Cell::Null) {
                    return Err(StoreError::MissingKeyRow.into());
                }
                bytes += cells.iter().map(Cell::size).sum::<usize>();
                chunk.push(cells);
            }
            if (end && !chunk.is_empty()) || chunk.len() >= CHUNK_ROWS || bytes >= CHUNK_BYTES {
                let rows = std::mem::take(&mut chunk);
                bytes = 0;
                if out.send(Chunk { table, rows }).await.is_err() {
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

fn cells(row: &PgRow) -> DbResult<Vec<Cell>> {
    let int = |number: i64| Cell::Int(number);
    let cell = |(at, column): (usize, &sqlx::postgres::PgColumn)| {
        let cell = match column.type_info().name() {
            "BOOL" => row.try_get::<Option<bool>, _>(at)?.map(|truth| int(truth.into())),
            "INT2" => row.try_get::<Option<i16>, _>(at)?.map(|number| int(number.into())),
            "INT4" => row.try_get::<Option<i32>, _>(at)?.map(|number| int(number.into())),
            "INT8" => row.try_get::<Option<i64>, _>(at)?.map(int),
            "TEXT" => row.try_get::<Option<String>, _>(at)?.map(Cell::Text),
            _ => row.try_get::<Option<Vec<u8>>, _>(at)?.map(Cell::Bytes),
        };
        Ok(cell.unwrap_or(Cell::Null))
    };
    row.columns().iter().enumerate().map(cell).collect()
}
