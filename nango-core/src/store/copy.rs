//! Copy of an instance, and comparison of two.

use std::collections::BTreeMap;

use tokio::sync::mpsc;

use super::{
    SharedStore, StoreError,
    transfer::{Chunk, Table},
};

/// The maximum number of chunks that are queued for the target; it limits the memory of a copy.
const CHANNEL_CAPACITY: usize = 2;

/// The result of a copy: the number of rows by table, and a hash of all rows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CopySummary {
    /// The number of rows by table, in copy order, without empty tables.
    pub tables: Vec<(&'static str, u64)>,
    /// The hash over all rows in hexadecimal, equal on both sides.
    pub hash: String,
}

/// The number of rows and a hash over them, for each table.
#[derive(Debug, Default)]
struct TableDigests(BTreeMap<Table, (u64, blake3::Hasher)>);

impl TableDigests {
    fn add(&mut self, chunk: &Chunk) {
        let (count, hash) = self.0.entry(chunk.table).or_default();
        *count += chunk.rows.len() as u64;
        for cell in chunk.rows.iter().flatten() {
            cell.digest(hash);
        }
    }

    fn digest_of(&self, table: Table) -> (u64, blake3::Hash) {
        self.0
            .get(&table)
            .map_or_else(|| (0, blake3::Hasher::new().finalize()), |(count, hash)| (*count, hash.finalize()))
    }

    fn summary(&self) -> CopySummary {
        let mut whole = blake3::Hasher::new();
        for table in Table::ALL {
            whole.update(self.digest_of(table).1.as_bytes());
        }
        let tables = self.0.iter().map(|(table, (count, _))| (table.name(), *count)).filter(|(_, count)| *count > 0);
        CopySummary { tables: tables.collect(), hash: whole.finalize().to_hex()[..32].to_owned() }
    }
}

/// Counts and hashes the contents of a database in the same way as a copy.
///
/// # Errors
///
/// Fails if the database fails.
pub async fn fingerprint(store: &SharedStore) -> Result<CopySummary, StoreError> {
    Ok(digest_tables(store, &mut |_, _| ()).await?.summary())
}

async fn digest_tables(
    store: &SharedStore,
    on_progress: &mut (dyn FnMut(Table, u64) + Send),
) -> Result<TableDigests, StoreError> {
    let (out, mut chunks) = mpsc::channel(CHANNEL_CAPACITY);
    let count = async {
        let mut digests = TableDigests::default();
        while let Some(chunk) = chunks.recv().await {
            digests.add(&chunk);
            on_progress(chunk.table, chunk.rows.len() as u64);
        }
        digests
    };
    let (exported, digests) = tokio::join!(store.export(out), count);
    exported.map(|()| digests)
}

/// Copies an instance into an empty database, and compares the two by counting and hashing all rows. `on_progress`
/// receives the number of rows when they are written, and again when they are compared.
///
/// # Errors
///
/// Fails if the target is not empty, if one of the databases fails, or if the two differ. The target is then marked as
/// an incomplete copy, and copying again starts over.
pub async fn copy(
    from: &SharedStore,
    to: &SharedStore,
    mut on_progress: impl FnMut(Table, u64) + Send,
) -> Result<CopySummary, StoreError> {
    to.begin_import().await?;
    let (out, chunks) = mpsc::channel(CHANNEL_CAPACITY);
    let write = async {
        // Owned by this future, so that a failed import drops the receiver and ends the export too.
        let mut chunks: mpsc::Receiver<Chunk> = chunks;
        let mut digests = TableDigests::default();
        while let Some(chunk) = chunks.recv().await {
            digests.add(&chunk);
            on_progress(chunk.table, chunk.rows.len() as u64);
            to.import(chunk).await?;
        }
        Ok::<_, StoreError>(digests)
    };
    let (exported, written) = tokio::join!(from.export(out), write);
    let source = written?;
    exported?;
    let target = digest_tables(to, &mut on_progress).await?;
    if let Some(table) = Table::ALL.into_iter().find(|table| source.digest_of(*table) != target.digest_of(*table)) {
        return Err(StoreError::CopyDiffers(table.name()));
    }
    to.finish_import().await?;
    Ok(source.summary())
}
