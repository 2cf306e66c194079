//! Copy of an instance from one database to another of any type.
//!
//! Sealed values are copied as they are stored: they are bound to names, not to row numbers, so no key is needed.
//!
//! The instance is copied as tables of a neutral form: named columns, and cells of four types. Each database exports
//! its own tables in this form and imports them, without depending on the other database.
//!
//! Copied: the instance's id and hash key, its encryption policy, connections (credentials stay sealed), functions,
//! checkpoints, resume states, parents, datasets with sequence number and commit time, records with their sequence
//! numbers, the state of delete candidates, all runs with counters and logs, schedules, due runs, API keys (hashes),
//! and the sealed secrets of the instance. Not copied: locks, active processes,
//! refresh leases, and open scans with the progress of parents in them (the next walk starts at its first record;
//! nothing is deleted by mistake). An active run is stored as interrupted: it writes to the old database, not to this
//! one. A reseal pass starts over in the target.
//!
//! Invariants: numbers that other rows refer to (of connections, functions, datasets and runs) are kept, and the last
//! assigned number of each is stored in the target, so that none is assigned twice. Cursors and hashes stay valid,
//! because they depend only on the hash key, the names and the sequence numbers. The target cannot be opened for
//! anything else until both sides were counted and hashed.

use tokio::sync::mpsc;

use super::StoreFuture;

/// The maximum number of rows of a chunk.
pub(crate) const CHUNK_ROWS: usize = 2_000;
/// The size of a chunk's payloads in bytes at which the chunk ends.
pub(crate) const CHUNK_BYTES: usize = 4 << 20;

/// The replacement of a NUL in databases that cannot store it.
pub(crate) const NUL_PLACEHOLDER: &str = "␀";

/// A table in the neutral form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// Internal values of the database.
    Meta,
    /// The encryption policy: one row. The secret of the content hashes is sealed.
    Encryption,
    /// The last assigned number of `connections`, `runs` and `scans`.
    Sequences,
    /// Connections with their sealed credentials.
    Connections,
    /// Functions of connections.
    Functions,
    /// Checkpoints of functions.
    Checkpoints,
    /// Resume states of mappers.
    ResumeStates,
    /// Parents of functions that walk one list per parent, with their sealed states.
    Parents,
    /// Datasets with their latest sequence number and commit time.
    Datasets,
    /// Records, each with the values for a lookup by id.
    Records,
    /// The state of delete candidates.
    DeleteStates,
    /// Runs of functions.
    Runs,
    /// Counters of runs by model.
    RunModels,
    /// Log lines of runs.
    RunLogs,
    /// Schedules of syncs.
    Schedules,
    /// Due runs of syncs.
    DueRuns,
    /// API keys: only hashes.
    ApiKeys,
    /// Sealed secrets of the instance.
    Secrets,
}

impl Table {
    /// All tables, in the order in which they are copied.
    pub const ALL: [Self; 18] = [
        Self::Meta,
        Self::Encryption,
        Self::Sequences,
        Self::Connections,
        Self::Functions,
        Self::Checkpoints,
        Self::ResumeStates,
        Self::Parents,
        Self::Datasets,
        Self::Records,
        Self::DeleteStates,
        Self::Runs,
        Self::RunModels,
        Self::RunLogs,
        Self::Schedules,
        Self::DueRuns,
        Self::ApiKeys,
        Self::Secrets,
    ];

    /// Returns the name of the rows in output for users.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Meta => "settings",
            Self::Encryption => "encryption",
            Self::Sequences => "numbers",
            Self::Connections => "connections",
            Self::Functions => "functions",
            Self::Checkpoints => "checkpoints",
            Self::ResumeStates => "resume states",
            Self::Parents => "parents",
            Self::Datasets => "datasets",
            Self::Records => "records",
            Self::DeleteStates => "delete states",
            Self::Runs => "runs",
            Self::RunModels => "counters",
            Self::RunLogs => "log lines",
            Self::Schedules => "schedules",
            Self::DueRuns => "due runs",
            Self::ApiKeys => "API keys",
            Self::Secrets => "secrets",
        }
    }

    /// Returns the names of the columns. Times are microseconds since 1970, booleans are 0 or 1, JSON is text as it was
    /// written, ids of runs and of API keys are 16 bytes; `state` has the bits 1 deleted, 2 pruned, 4 merged,
    /// `last_action` is 0 added, 1 updated, 2 deleted. The last column of records is never null: it is missing only if
    /// a record has no key row.
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
                "end_user",
                "tags",
                "webhook_url",
            ],
            Self::Functions => &["id", "integration", "connection", "kind", "name", "variant", "fence"],
            Self::Checkpoints => &["function", "value", "version"],
            Self::ResumeStates => &["function", "state"],
            Self::Parents => &["function", "key", "id", "first_seen_at", "done", "early_full_runs", "state"],
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
                "parent",
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
                "parent",
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
                "queued",
                "first_run",
                "attempt",
                "idle",
                "options",
                "mark",
                "checkpoint_version",
            ],
            Self::RunModels => {
                &["run", "model", "added", "updated", "deleted", "unchanged", "skipped_newer", "skipped_older"]
            }
            Self::RunLogs => &["run", "at", "level", "message", "fields"],
            Self::Schedules => &["function", "paused", "frequency", "interval", "anchor", "next_at"],
            Self::DueRuns => &[
                "function",
                "id",
                "integration",
                "connection",
                "priority",
                "due_at",
                "options",
                "first_run",
                "attempt",
                "idle",
                "mark",
            ],
            Self::ApiKeys => &[
                "id",
                "name",
                "hash",
                "scopes",
                "integrations",
                "created_at",
                "expires_at",
                "revoked_at",
                "last_used_at",
            ],
            Self::Secrets => &["name", "value"],
        }
    }
}

/// A value of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// No value.
    Null,
    /// A signed 64-bit integer.
    Int(i64),
    /// A UTF-8 text.
    Text(String),
    /// A sequence of bytes.
    Bytes(Vec<u8>),
}

impl Cell {
    /// Returns the number of bytes of a text or of a sequence of bytes.
    #[cfg(feature = "postgres")]
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
            Self::Null | Self::Int(_) => 0,
        }
    }

    /// Adds the value to a hash.
    pub(super) fn digest(&self, hash: &mut blake3::Hasher) {
        let mut put = |kind: u8, bytes: &[u8]| {
            // The length is hashed too, so that different rows of cells never produce the same bytes.
            hash.update(&[kind]).update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
        };
        match self {
            Self::Null => put(0, &[]),
            Self::Int(value) => put(1, &value.to_le_bytes()),
            // Not every database can store a NUL in a text; a log line that contains one is copied with the
            // placeholder.
            Self::Text(text) => put(2, text.replace('\0', NUL_PLACEHOLDER).as_bytes()),
            Self::Bytes(bytes) => put(3, bytes),
        }
    }
}

/// Rows of a table, each with one cell per column.
#[derive(Clone, PartialEq, Eq)]
pub struct Chunk {
    /// The table of the rows.
    pub table: Table,
    /// The rows, sorted by key; records are in the order of their feeds, log lines in the order of their runs.
    pub rows: Vec<Vec<Cell>>,
}

/// Shows only the number of rows, because they contain sealed credentials and customer data.
impl std::fmt::Debug for Chunk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Chunk").field("table", &self.table).field("rows", &self.rows.len()).finish()
    }
}

/// Part of an instance that is exported.
#[derive(Debug, Clone)]
pub struct ExportPart {
    /// The tables, in the order of [`Table::ALL`].
    pub tables: Vec<Table>,
    /// The datasets whose rows in `Datasets`, `Records` and `DeleteStates` are exported; `None`: all.
    pub datasets: Option<Vec<i64>>,
}

impl ExportPart {
    /// Returns the condition on a column with the number of a dataset, with ` WHERE `; empty for all datasets.
    pub(super) fn condition(&self, column: &str) -> String {
        match self.datasets.as_deref() {
            None => String::new(),
            Some([]) => " WHERE 1 = 0".to_owned(),
            Some(numbers) => {
                let numbers: Vec<String> = numbers.iter().map(i64::to_string).collect();
                format!(" WHERE {column} IN ({})", numbers.join(", "))
            }
        }
    }
}

/// Export and import of an instance.
pub trait Transfer {
    /// Sends a snapshot of the whole instance, table by table in the order of [`Table::ALL`], without blocking writers.
    /// Ends early, without an error, when the receiver is dropped.
    fn export(&self, out: mpsc::Sender<Chunk>) -> StoreFuture<'_, ()> {
        self.export_part(ExportPart { tables: Table::ALL.to_vec(), datasets: None }, out)
    }

    /// Sends a snapshot of a part of the instance, like [`export`](Self::export).
    fn export_part(&self, part: ExportPart, out: mpsc::Sender<Chunk>) -> StoreFuture<'_, ()>;

    /// Prepares the import: marks the database as an incomplete copy, which cannot be opened otherwise. The data of an
    /// interrupted copy is removed; any other data is refused.
    fn begin_import(&self) -> StoreFuture<'_, ()>;

    /// Imports rows in one transaction.
    fn import(&self, chunk: Chunk) -> StoreFuture<'_, ()>;

    /// Removes the mark of an incomplete copy. The database must be opened again.
    fn finish_import(&self) -> StoreFuture<'_, ()>;
}
