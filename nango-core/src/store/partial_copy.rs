//! Copy of a part of an instance into a database in memory: one connection, the positions of its functions, and some of
//! its datasets. A dry run starts from it.
//!
//! The source is read in one snapshot, without blocking writers. The hashes of the copy are those of the source, so
//! that unchanged records are recognized. Sealed values are copied as they are stored. Runs, locks, API keys and
//! secrets of the instance are not copied.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::{
    Cell, SharedStore, StoreError,
    cells::text,
    sqlite::Sqlite,
    transfer::{Chunk, ExportPart, Table},
};

/// The maximum number of chunks that are queued for the copy; it limits the memory of chunks.
const CHANNEL_CAPACITY: usize = 2;

/// The part that is copied.
#[derive(Debug, Clone)]
pub struct CopyScope<'a> {
    /// The connection's integration.
    pub integration: &'a str,
    /// The connection's id.
    pub connection: &'a str,
    /// The variant of the datasets.
    pub variant: &'a str,
    /// The models of the datasets.
    pub models: Vec<&'a str>,
    /// The model and the variant of the records that are walked as parents.
    pub parents: Option<(&'a str, &'a str)>,
}

impl CopyScope<'_> {
    /// Returns whether the part contains the dataset of this model and variant.
    pub(super) fn has_dataset(&self, model: &str, variant: &str) -> bool {
        self.parents == Some((model, variant)) || variant == self.variant && self.models.contains(&model)
    }
}

/// Copies a part of a database into a new database in memory.
///
/// # Errors
///
/// Fails if one of the databases fails.
pub async fn copy_part(from: &SharedStore, scope: &CopyScope<'_>) -> Result<SharedStore, StoreError> {
    let (hash_key, datasets) = find(from, scope).await?;
    let to: SharedStore = Arc::new(Sqlite::open_in_memory(hash_key).await?);
    to.begin_import().await?;
    let is_copied = |table: &Table| {
        let left_out = [
            Table::Runs,
            Table::RunModels,
            Table::RunLogs,
            Table::Schedules,
            Table::DueRuns,
            Table::ApiKeys,
            Table::Secrets,
        ];
        !left_out.contains(table)
    };
    let tables = Table::ALL.into_iter().filter(is_copied);
    let part = ExportPart { tables: tables.collect(), datasets: Some(datasets) };
    let (out, mut chunks) = mpsc::channel(CHANNEL_CAPACITY);
    let write = async {
        let mut functions = Vec::new();
        while let Some(mut chunk) = chunks.recv().await {
            retain(&mut chunk, scope, &mut functions);
            to.import(chunk).await?;
        }
        Ok::<_, StoreError>(())
    };
    let (exported, written) = tokio::join!(from.export_part(part, out), write);
    written?;
    exported?;
    to.finish_import().await?;
    Ok(to)
}

/// Returns the hash key of a database and the numbers of the datasets to copy.
async fn find(from: &SharedStore, scope: &CopyScope<'_>) -> Result<(Vec<u8>, Vec<i64>), StoreError> {
    let part = ExportPart { tables: vec![Table::Meta, Table::Datasets], datasets: None };
    let (out, mut chunks) = mpsc::channel(CHANNEL_CAPACITY);
    let read = async {
        let (mut hash_key, mut datasets) = (None, Vec::new());
        while let Some(Chunk { table, rows }) = chunks.recv().await {
            for row in rows {
                match (table, row.as_slice()) {
                    (Table::Meta, [Cell::Text(key), Cell::Bytes(value)]) if key == "hash_key" => {
                        hash_key = Some(value.clone());
                    }
                    (Table::Datasets, [Cell::Int(number), ..]) if is_copied_dataset(&row, scope) => {
                        datasets.push(*number);
                    }
                    _ => {}
                }
            }
        }
        (hash_key, datasets)
    };
    let (exported, (hash_key, datasets)) = tokio::join!(from.export_part(part, out), read);
    exported?;
    let hash_key = hash_key.ok_or_else(|| StoreError::Damaged("a database without a key of hashes".to_owned()))?;
    Ok((hash_key, datasets))
}

/// Removes the rows of other connections. `functions` collects the numbers of the functions that stay.
fn retain(chunk: &mut Chunk, scope: &CopyScope<'_>, functions: &mut Vec<Cell>) {
    let table = chunk.table;
    match table {
        Table::Connections => {
            chunk.rows.retain(|row| {
                text(table, row, "integration") == Some(scope.integration)
                    && text(table, row, "id") == Some(scope.connection)
            });
        }
        Table::Functions => {
            chunk.rows.retain(|row| is_of_connection(table, row, scope));
            functions.extend(chunk.rows.iter().filter_map(|row| row.first().cloned()));
        }
        Table::Checkpoints | Table::ResumeStates | Table::Parents => {
            chunk.rows.retain(|row| row.first().is_some_and(|function| functions.contains(function)));
        }
        _ => {}
    }
}

fn is_copied_dataset(row: &[Cell], scope: &CopyScope<'_>) -> bool {
    let table = Table::Datasets;
    let names = text(table, row, "model").zip(text(table, row, "variant"));
    is_of_connection(table, row, scope) && names.is_some_and(|(model, variant)| scope.has_dataset(model, variant))
}

fn is_of_connection(table: Table, row: &[Cell], scope: &CopyScope<'_>) -> bool {
    text(table, row, "integration") == Some(scope.integration)
        && text(table, row, "connection") == Some(scope.connection)
}
