//! Moving an instance from one database to another, whichever two they are.
//!
//! What is sealed travels as it lies: it is bound to names, not to numbers, so no key is needed.
//!
//! The instance travels as tables of a neutral form: named columns, cells of four kinds. A database says how its own
//! tables read in this form, and takes the same form in; nobody else knows more than one database.
//!
//! What travels: the instance's id and hash key, what is said of its encryption, connections (sealed as they are), functions, checkpoints, resume states,
//! datasets with sequence and stamp, records with their places, what is known of delete candidates, and all runs with counters and logs. What stays behind:
//! locks, living processes, turns to renew a token, and scans that are open (the next walk begins at its first record; nothing is deleted by mistake). A run that
//! still goes on arrives as interrupted: it writes to the old database, not to this one. A walk that seals what is there
//! begins anew in the target.
//!
//! Must stay true: numbers that others refer to (of connections, functions, datasets, runs) are kept, and the last one that
//! was given of each is known to the target, so that none is given twice. Cursors and hashes go on, because they are made
//! of the hash key, the names and the sequence. The target opens for nobody else until both sides were counted and hashed.

use std::collections::BTreeMap;

use tokio::sync::mpsc;

use super::{SharedStore, StoreError, StoreFuture};

/// Chunks that wait for the target, so that memory does not grow with the instance.
const CHANNEL_CAPACITY: usize = 2;
/// A chunk has at most so many rows,
pub(crate) const CHUNK_ROWS: usize = 2_000;
/// and is cut when its payloads have so many bytes.
pub(crate) const CHUNK_BYTES: usize = 4 << 20;

/// What stands for a NUL where a database cannot hold one.
pub(crate) const NUL_PLACEHOLDER: &str = "␀";

/// A table in its neutral form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// What the database keeps of itself.
    Meta,
    /// What is said of its encryption: one row. The secret of the hashes is sealed.
    Encryption,
    /// The last number that was given of each kind: `connections`, `runs`, `scans`.
    Sequences,
    /// Connections.
    Connections,
    /// Functions of connections.
    Functions,
    /// Checkpoints.
    Checkpoints,
    /// Resume states of mappers.
    ResumeStates,
    /// Datasets.
    Datasets,
    /// Records, each with what a look-up by its id needs.
    Records,
    /// What is known of delete candidates.
    DeleteStates,
    /// Runs.
    Runs,
    /// Their counters by model.
    RunModels,
    /// Their logs.
    RunLogs,
}

impl Table {
    /// All, in the order in which they travel.
    pub const ALL: [Self; 13] = [
        Self::Meta,
        Self::Encryption,
        Self::Sequences,
        Self::Connections,
        Self::Functions,
        Self::Checkpoints,
        Self::ResumeStates,
        Self::Datasets,
        Self::Records,
        Self::DeleteStates,
        Self::Runs,
        Self::RunModels,
        Self::RunLogs,
    ];

    /// What people call its rows.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Meta => "settings",
            Self::Encryption => "encryption",
            Self::Sequences => "numbers",
            Self::Connections => "connections",
            Self::Functions => "functions",
            Self::Checkpoints => "checkpoints",
            Self::ResumeStates => "resume states",
            Self::Datasets => "datasets",
            Self::Records => "records",
            Self::DeleteStates => "delete states",
            Self::Runs => "runs",
            Self::RunModels => "counters",
            Self::RunLogs => "log lines",
        }
    }

    /// Its columns. Moments are microseconds since 1970, truths 0 or 1, JSON is text as it was written, ids of runs are
    /// 16 bytes; `state` has the bits 1 deleted, 2 pruned, 4 merged, `last_action` is 0 added, 1 updated, 2 deleted. The
    /// last column of records is never null: it is missing only where a record has no key.
    pub const fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Meta => &["key", "value"],
            Self::Encryption => &["epoch", "payloads", "active", "hash_secret", "unfinished"],
            Self::Sequences => &["name", "last"],
            Self::Connections => &[
                "row",
                "integration",
                "id",
                "auth",
                "credentials",
                "config",
                "metadata",
                "created_at",
                "updated_at",
                "version",
                "renew_at",
                "failures",
                "failed_at",
                "failure",
                "refused",
                "rejected_since",
            ],
            Self::Functions => &["id", "integration", "connection", "kind", "name", "variant", "fence"],
            Self::Checkpoints => &["function", "value", "version"],
            Self::ResumeStates => &["function", "state"],
            Self::Datasets => &[
                "id",
                "integration",
                "connection",
                "model",
                "variant",
                "seq",
                "stamp",
                "live",
                "bytes",
                "brought_forward",
            ],
            Self::Records => &[
                "dataset",
                "id",
                "seq",
                "last_action",
                "first_seen_at",
                "modified_at",
                "deleted_at",
                "pruned_at",
                "run",
                "key_id",
                "payload",
                "updated",
                "older",
                "older_walk",
                "hash",
                "hash_version",
                "state",
            ],
            Self::DeleteStates => &[
                "dataset",
                "id",
                "scan",
                "first_missed_at",
                "confirmations",
                "needed",
                "shifted",
                "asked_at",
                "by_request",
                "brought_forward",
                "fingerprint",
                "held",
                "confirmed",
            ],
            Self::Runs => &[
                "row",
                "id",
                "function",
                "exclusive",
                "status",
                "fence",
                "lease",
                "lease_until",
                "started_at",
                "finished_at",
                "pages",
                "requests",
                "left_out",
                "error",
            ],
            Self::RunModels => {
                &["run", "model", "added", "updated", "deleted", "unchanged", "skipped_newer", "skipped_older"]
            }
            Self::RunLogs => &["run", "at", "level", "message", "fields"],
        }
    }
}

/// A value of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// None.
    Null,
    /// A number.
    Int(i64),
    /// A text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

impl Cell {
    fn digest(&self, hash: &mut blake3::Hasher) {
        let mut put = |kind: u8, bytes: &[u8]| {
            // The length goes along, so that no two rows of cells run together into one text.
            hash.update(&[kind]).update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
        };
        match self {
            Self::Null => put(0, &[]),
            Self::Int(value) => put(1, &value.to_le_bytes()),
            // Not every database can hold a NUL in a text; where a log has one, its mark arrives.
            Self::Text(text) => put(2, text.replace('\0', NUL_PLACEHOLDER).as_bytes()),
            Self::Bytes(bytes) => put(3, bytes),
        }
    }
}

/// Some rows of a table, each with a cell for each of its columns.
#[derive(Clone, PartialEq, Eq)]
pub struct Chunk {
    /// The table.
    pub table: Table,
    /// The rows: by key, records in the order of their feeds, log lines in theirs.
    pub rows: Vec<Vec<Cell>>,
}

/// Rows hold sealed credentials and customers' data.
impl std::fmt::Debug for Chunk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Chunk").field("table", &self.table).field("rows", &self.rows.len()).finish()
    }
}

/// The two ends of a copy.
pub trait Transfer {
    /// Sends the whole instance, table by table in the order of [`Table::ALL`], as it is at one moment: who writes
    /// meanwhile is not kept waiting. Ends early, without an error, when nobody receives any more.
    fn export(&self, out: mpsc::Sender<Chunk>) -> StoreFuture<'_, ()>;

    /// Makes ready for an instance: marks the database as half a copy, which nobody else can open. What an interrupted
    /// copy left is taken out; anything else is refused.
    fn begin_import(&self) -> StoreFuture<'_, ()>;

    /// Takes rows in, in one transaction.
    fn import(&self, chunk: Chunk) -> StoreFuture<'_, ()>;

    /// Takes the mark away: the copy is whole. The database must be opened anew.
    fn finish_import(&self) -> StoreFuture<'_, ()>;
}

/// What was copied: rows by table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CopySummary {
    /// In the order in which they travel; without empty ones.
    pub tables: Vec<(&'static str, u64)>,
    /// The hash over all rows, the same on both sides, in hexadecimal.
    pub hash: String,
}

/// Rows and a hash over them, for each table.
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

/// What a database holds, counted and hashed as a copy is.
///
/// # Errors
///
/// The database failed.
pub async fn fingerprint(store: &SharedStore) -> Result<CopySummary, StoreError> {
    Ok(digest_tables(store, &mut |_, _| ()).await?.summary())
}

async fn digest_tables(
    store: &SharedStore,
    on_progress: &mut (dyn FnMut(Table, u64) + Send),
) -> Result<TableDigests, StoreError> {
    let (out, mut chunks) = mpsc::channel(CHANNEL_CAPACITY);
    let count = async {
        let mut tally = TableDigests::default();
        while let Some(chunk) = chunks.recv().await {
            tally.add(&chunk);
            on_progress(chunk.table, chunk.rows.len() as u64);
        }
        tally
    };
    let (exported, tally) = tokio::join!(store.export(out), count);
    exported.map(|()| tally)
}

/// Copies an instance into an empty database and compares the two by counting and hashing all rows. `seen` is told of
/// rows as they are written, and again as they are compared.
///
/// # Errors
///
/// The target is not empty, one of the databases failed, or the two differ. The target is then marked as half a copy:
/// copying again begins anew.
pub async fn copy(
    from: &SharedStore,
    to: &SharedStore,
    mut on_progress: impl FnMut(Table, u64) + Send,
) -> Result<CopySummary, StoreError> {
    to.begin_import().await?;
    let (out, chunks) = mpsc::channel(CHANNEL_CAPACITY);
    let write = async {
        // Owned here, so that an import that fails ends the export too.
        let mut chunks: mpsc::Receiver<Chunk> = chunks;
        let mut tally = TableDigests::default();
        while let Some(chunk) = chunks.recv().await {
            tally.add(&chunk);
            on_progress(chunk.table, chunk.rows.len() as u64);
            to.import(chunk).await?;
        }
        Ok::<_, StoreError>(tally)
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
