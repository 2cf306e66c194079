//! A part of an instance in plain form: without keys, credentials and content hashes, for the recording of a run.
//!
//! It has the rows that [`copy_part`] copies. Sealed payloads and resume states are decrypted; credentials are removed.
//! [`open_plain_part`] creates a database in memory from the rows, in which a replay starts where the recorded run did.

use std::{collections::HashMap, sync::Arc};

use tokio::sync::mpsc;

use super::{
    Cell, CopyScope, DatasetKey, FunctionKey, Keys, ReadQuery, SharedStore, StoreError,
    cells::{get, int, set, text},
    encryption::{parent_context, resume_context},
    hash::Hasher,
    partial_copy::copy_part,
    sqlite::Sqlite,
    transfer::{Chunk, ExportPart, Table, Transfer},
};
use crate::{declare::FunctionKind, time::Clock};

/// Tables of a plain part, in the order in which they are written. Meta values and the encryption policy are those of
/// the new database.
pub(crate) const PLAIN_TABLES: [Table; 9] = [
    Table::Sequences,
    Table::Connections,
    Table::Functions,
    Table::Checkpoints,
    Table::ResumeStates,
    Table::Parents,
    Table::Datasets,
    Table::Records,
    Table::DeleteStates,
];
/// Key of the content hashes of a database that is created from a plain part.
const HASH_KEY: [u8; 32] = [0; 32];
/// Number of records that are read at a time.
const READ_RECORDS: u32 = 1_000;

/// Limits of a plain part, because it is held in memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PlainLimits {
    /// Maximum number of records, including deleted ones.
    pub(crate) records: u64,
    /// Maximum size of their payloads in bytes.
    pub(crate) bytes: u64,
}

/// The rows of a part, or its size if it exceeds the limits.
#[derive(Debug)]
pub(crate) enum PlainPart {
    /// The rows.
    Rows(Vec<Chunk>),
    /// The part is too large.
    TooLarge {
        /// Number of its records.
        records: u64,
        /// Size of their payloads in bytes.
        bytes: u64,
    },
}

/// Decrypts or encrypts a resume state. Its first argument is what the state is bound to, see [`resume_context`] and
/// [`parent_context`].
pub(crate) type StateCodec<'a> = &'a (dyn Fn(&[u8], &[u8]) -> Option<Vec<u8>> + Send + Sync);

/// Reads a part of a database in plain form. `open_state` decrypts resume states; a state that it cannot decrypt is
/// left out.
///
/// # Errors
///
/// Fails if a database fails, or a payload cannot be decrypted.
pub(crate) async fn read_plain_part(
    from: &SharedStore,
    scope: &CopyScope<'_>,
    keys: Arc<dyn Keys>,
    open_state: StateCodec<'_>,
    limits: PlainLimits,
) -> Result<PlainPart, StoreError> {
    let datasets = from.datasets(Some(scope.integration), Some(scope.connection)).await?;
    let in_scope = datasets.iter().filter(|stats| scope.has_dataset(&stats.dataset.model, &stats.dataset.variant));
    let (records, bytes) = in_scope.fold((0, 0), |(records, bytes), stats| (records + stats.live, bytes + stats.bytes));
    if records > limits.records || bytes > limits.bytes {
        return Ok(PlainPart::TooLarge { records, bytes });
    }
    let copy = copy_part(from, scope).await?;
    copy.use_keys(keys, false).await?;
    let mut chunks = export(&copy).await?;
    let all = chunks.iter().filter(|chunk| chunk.table == Table::Records).map(|chunk| chunk.rows.len() as u64).sum();
    if all > limits.records {
        return Ok(PlainPart::TooLarge { records: all, bytes });
    }
    let functions = function_keys(&chunks);
    let mut payloads = HashMap::new();
    for (number, dataset) in dataset_keys(&chunks) {
        read_payloads(&copy, number, &dataset, &mut payloads).await?;
    }
    for chunk in &mut chunks {
        make_plain(chunk, &functions, &payloads, open_state);
    }
    Ok(PlainPart::Rows(chunks))
}

async fn export(from: &SharedStore) -> Result<Vec<Chunk>, StoreError> {
    let part = ExportPart { tables: PLAIN_TABLES.to_vec(), datasets: None };
    let (out, mut incoming) = mpsc::channel(2);
    let read = async {
        let mut chunks = Vec::new();
        while let Some(chunk) = incoming.recv().await {
            chunks.push(chunk);
        }
        chunks
    };
    let (exported, chunks) = tokio::join!(from.export_part(part, out), read);
    exported.map(|()| chunks)
}

/// Payloads of records by the number of their dataset and their id.
type Payloads = HashMap<(i64, String), Vec<u8>>;

async fn read_payloads(
    store: &SharedStore,
    number: i64,
    dataset: &DatasetKey,
    payloads: &mut Payloads,
) -> Result<(), StoreError> {
    let mut cursor = None;
    loop {
        let query = ReadQuery { cursor, limit: READ_RECORDS, ..ReadQuery::default() };
        let page = store.read(dataset, query).await?;
        for row in page.records {
            if let Some(payload) = row.payload {
                payloads.insert((number, row.id), payload.to_vec());
            }
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(());
        }
    }
}

fn make_plain(chunk: &mut Chunk, functions: &Functions, payloads: &Payloads, open_state: StateCodec<'_>) {
    let table = chunk.table;
    match table {
        Table::Connections => {
            for row in &mut chunk.rows {
                set(table, row, "credentials", Cell::Bytes(Vec::new()));
                for column in ["renew_at", "failed_at", "failure", "rejected_since", "end_user", "tags", "webhook_url"]
                {
                    set(table, row, column, Cell::Null);
                }
                for column in ["failures", "refused"] {
                    set(table, row, column, Cell::Int(0));
                }
            }
        }
        Table::ResumeStates | Table::Parents => convert_states(chunk, functions, open_state),
        Table::Records => {
            for row in &mut chunk.rows {
                let key = int(table, row, "dataset").zip(text(table, row, "id"));
                let payload = key.and_then(|(dataset, id)| payloads.get(&(dataset, id.to_owned())).cloned());
                set(table, row, "payload", payload.map_or(Cell::Null, Cell::Bytes));
                set(table, row, "key_id", Cell::Int(0));
                set(table, row, "hash", Cell::Null);
                set(table, row, "hash_version", Cell::Null);
            }
        }
        _ => {}
    }
}

/// Creates a database in memory from plain rows. Its time is that of `clock`; `seal_state` encrypts resume states.
///
/// # Errors
///
/// Fails if a row does not fit into its table.
pub(crate) async fn open_plain_part(
    chunks: Vec<Chunk>,
    clock: Arc<dyn Clock>,
    seal_state: StateCodec<'_>,
) -> Result<Arc<Sqlite>, StoreError> {
    let to = Arc::new(Sqlite::open_in_memory(HASH_KEY.to_vec()).await?);
    to.follow_clock(clock);
    to.begin_import().await?;
    let hasher = Hasher::new(&HASH_KEY);
    let functions = function_keys(&chunks);
    for mut chunk in chunks {
        let table = chunk.table;
        match table {
            Table::ResumeStates | Table::Parents => convert_states(&mut chunk, &functions, seal_state),
            Table::Records => {
                for row in &mut chunk.rows {
                    // The hash of a payload that no longer exists is unknown: the record counts as changed when it is
                    // saved again.
                    let hash = match get(table, row, "payload") {
                        Some(Cell::Bytes(payload)) => hasher.hash_record(payload),
                        _ => [0; 16],
                    };
                    set(table, row, "hash", Cell::Bytes(hash.to_vec()));
                    set(table, row, "hash_version", Cell::Int(hasher.version()));
                }
            }
            _ => {}
        }
        to.import(chunk).await?;
    }
    to.finish_import().await?;
    Ok(to)
}

/// Decrypts or encrypts the states of functions and of parents. A state that cannot be converted is removed: the next
/// walk begins at the first page.
fn convert_states(chunk: &mut Chunk, functions: &Functions, convert: StateCodec<'_>) {
    let table = chunk.table;
    for row in &mut chunk.rows {
        let Some(Cell::Bytes(state)) = get(table, row, "state") else { continue };
        let key = int(table, row, "function").and_then(|function| functions.get(&function));
        let context = key.and_then(|key| match table {
            Table::Parents => text(table, row, "id").map(|parent| parent_context(key, parent)),
            _ => Some(resume_context(key)),
        });
        let converted = context.and_then(|context| convert(&context, state));
        set(table, row, "state", converted.map_or(Cell::Null, Cell::Bytes));
    }
    if table == Table::ResumeStates {
        chunk.rows.retain(|row| get(table, row, "state") != Some(&Cell::Null));
    }
}

/// Keys of functions by their number.
type Functions = HashMap<i64, FunctionKey>;

fn function_keys(chunks: &[Chunk]) -> Functions {
    let rows = rows_of(chunks, Table::Functions);
    let read = |row: &[Cell]| {
        let of = |column| text(Table::Functions, row, column).map(str::to_owned);
        let key = FunctionKey {
            kind: FunctionKind::from_name(&of("kind")?)?,
            integration: of("integration")?,
            connection: of("connection")?,
            function: of("name")?,
            variant: of("variant")?,
        };
        Some((int(Table::Functions, row, "id")?, key))
    };
    rows.filter_map(|row| read(row)).collect()
}

fn dataset_keys(chunks: &[Chunk]) -> Vec<(i64, DatasetKey)> {
    let rows = rows_of(chunks, Table::Datasets);
    let read = |row: &[Cell]| {
        let of = |column| text(Table::Datasets, row, column).map(str::to_owned);
        let key = DatasetKey {
            integration: of("integration")?,
            connection: of("connection")?,
            model: of("model")?,
            variant: of("variant")?,
        };
        Some((int(Table::Datasets, row, "id")?, key))
    };
    rows.filter_map(|row| read(row)).collect()
}

fn rows_of(chunks: &[Chunk], table: Table) -> impl Iterator<Item = &Vec<Cell>> {
    chunks.iter().filter(move |chunk| chunk.table == table).flat_map(|chunk| &chunk.rows)
}
