//! Database file: ownership, version and migrations.
//!
//! Invariants: a file that is not ours is not written to; if opening fails, no new file is left behind. The file is
//! opened by `SQLite` only: on Unix, closing any other handle of it would release the locks that `SQLite` holds. A new
//! file has mode 0600 from its creation, because a process that opened it while it was readable could continue to read
//! it.

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use rusqlite::{Connection, ErrorCode, MAIN_DB, OpenFlags, OptionalExtension, TransactionBehavior};

use super::{
    clock::Clock,
    db::{Db, LOCK_TIMEOUT, MEMORY, Shared},
    error::{DbError, DbResult, without_repetition},
    vacuum,
};
use crate::{
    file_access::{self, OthersAccess, UntrustedFile},
    store::{StoreError, encryption::Vault, error::Cause, failpoint::failpoint, hash::Hasher, random},
    time::Timestamp,
};

/// Marks a file as ours, in the header field that `SQLite` reserves for this purpose: `nng1`.
pub(super) const APPLICATION_ID: i64 = 0x6e6e_6731;
/// Version of the schema that this program creates and migrates to.
pub(crate) const SCHEMA_VERSION: usize = MIGRATIONS.len();

/// Migrations from an empty file to the current schema; each is applied once, in a transaction.
const MIGRATIONS: [&str; 11] = [
    include_str!("schema/001.sql"),
    include_str!("schema/002.sql"),
    include_str!("schema/003.sql"),
    include_str!("schema/004.sql"),
    include_str!("schema/005.sql"),
    include_str!("schema/006.sql"),
    include_str!("schema/007.sql"),
    include_str!("schema/008.sql"),
    include_str!("schema/009.sql"),
    include_str!("schema/010.sql"),
    include_str!("schema/011.sql"),
];
/// Numbers of the migrations that remove content. After them the file is rebuilt, so that it does not contain the
/// removed content.
const CONTENT_REMOVING_MIGRATIONS: &[usize] = &[6];
/// Page size in bytes, by measurement: records of about 2.5 KB waste space in pages of the default size, 4096.
const PAGE_SIZE: i64 = 8192;
/// Number of pages in the log after which a commit copies them into the file.
const CHECKPOINT_PAGES: i64 = 1000;
/// Number of prepared statements that a connection caches; more than the program has.
const STATEMENT_CACHE_CAPACITY: usize = 128;

/// Key of the row of `meta` that marks an incomplete copy.
pub(super) const COPY_MARK: &str = "copying";

/// Key of the row of `meta` with the oldest schema version whose programs can use the database.
pub(super) const READABLE_FROM: &str = "readable_from";

/// Opens a database in memory whose content hashes are those of another database with this key.
pub(super) fn open_in_memory(hash_key: &[u8]) -> Result<Db, StoreError> {
    let opened = Connection::open_in_memory().map_err(DbError::from);
    opened.and_then(|sql| prepare(sql, Some(hash_key))).map_err(|error| error.into_store_error(Path::new(MEMORY)))
}

/// Opens, checks and migrates the file. Returns the connection for the writer.
pub(super) fn open(path: &Path) -> Result<Db, StoreError> {
    if path.as_os_str() == MEMORY {
        return Connection::open_in_memory()
            .map_err(DbError::from)
            .and_then(|sql| prepare(sql, None))
            .map_err(|error| error.into_store_error(path));
    }
    let access = |doing, source: Cause| StoreError::Access { path: path.to_owned(), doing, permissions: false, source };
    if path.as_os_str().is_empty() {
        return Err(access("opened", "its path is empty".into()));
    }
    if path.is_dir() {
        return Err(access("opened", "it is a directory".into()));
    }
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty() && !parent.is_dir()) {
        let reason = format!("the directory {} does not exist; create it first", parent.display());
        return Err(access("created", reason.into()));
    }
    let is_new = create(path)?;
    ensure_trusted(path).map_err(|refused| access("used", refused.into()))?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opened = Connection::open_with_flags(path, flags)
        .map_err(|error| permissions(path, "opened", without_repetition(error)));
    let result = opened.and_then(|sql| {
        check(&sql, path)?;
        let db = prepare(sql, None).map_err(|error| match error {
            // The migration has no path to report for a newer file.
            DbError::Store(StoreError::Newer { found, known, .. }) => {
                StoreError::Newer { path: path.to_owned(), found, known }
            }
            error => error.into_store_error(path),
        })?;
        flush_log(path).map_err(|error| access("flushed", error.into()))?;
        Ok(db)
    });
    // Only an empty file that this call created is removed.
    if result.is_err() && is_new && fs::metadata(path).is_ok_and(|created| created.len() == 0) {
        let _ = fs::remove_file(path);
    }
    result
}

/// Flushes the existing log to the disk, before anything of it is read.
///
/// A process that is killed between writing a commit and flushing it leaves the commit in the memory of the operating
/// system, where the next process finds it complete. Without the flush, that process would expose sequence numbers that
/// a power loss reverts, and that are then assigned again. The locks of `SQLite` are on the file and its index; opening
/// the log as well releases none.
fn flush_log(path: &Path) -> std::io::Result<()> {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    match fs::File::options().append(true).open(log) {
        Ok(log) => log.sync_all(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Opens another connection, for reads, to a file that [`open`] has prepared.
pub(super) fn open_reader(path: &Path, shared: &Arc<Shared>) -> DbResult<Db> {
    // Not read-only for SQLite: a reader of a write-ahead log updates the index of the log.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let sql = Connection::open_with_flags(path, flags)?;
    sql.busy_timeout(LOCK_TIMEOUT)?;
    sql.pragma_update(None, "query_only", true)?;
    sql.set_prepared_statement_cache_capacity(STATEMENT_CACHE_CAPACITY);
    Ok(Db { sql, shared: Arc::clone(shared) })
}

/// Returns whether the database contains an incomplete copy.
pub(super) fn is_incomplete_copy(db: &Db) -> DbResult<bool> {
    Ok(db.sql.prepare("SELECT 1 FROM meta WHERE key = ?1")?.exists([COPY_MARK])?)
}

/// Creates an empty file that only its owner may access; `SQLite` gives the log and its index the same mode. Returns
/// `false` if the file exists.
fn create(path: &Path) -> Result<bool, StoreError> {
    /// Locked while the new file has a handle that `SQLite` did not open. Without it, another store of this process
    /// could lock the file before that handle is closed, which releases all locks of the process.
    static CREATING: Mutex<()> = Mutex::new(());
    let creating = CREATING.lock().unwrap_or_else(PoisonError::into_inner);
    if path.exists() {
        return Ok(false);
    }
    let created = file_access::create_private().open(path).map(drop);
    drop(creating);
    match created {
        Ok(()) => Ok(true),
        // Another process created it first.
        Err(_) if path.exists() => Ok(false),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            let source =
                "it is a symbolic link to a file that does not exist: create that file, or remove the link".into();
            Err(StoreError::Access { path: path.to_owned(), doing: "created", permissions: false, source })
        }
        Err(error) => Err(permissions(path, "created", error.into())),
    }
}

/// Returns the error for a file that the permissions may protect.
fn permissions(path: &Path, doing: &'static str, source: Cause) -> StoreError {
    StoreError::Access { path: path.to_owned(), doing, permissions: true, source }
}

/// Refuses files that another user owns or may change. Checks them by path: closing a second handle would release
/// locks.
fn ensure_trusted(database: &Path) -> Result<(), UntrustedFile> {
    for file in file_access::database_files(database) {
        let Ok(found) = fs::metadata(&file) else { continue };
        if file_access::check(&file, &found)? == OthersAccess::Write {
            return Err(UntrustedFile::mode(&file, &found, OthersAccess::Write));
        }
    }
    Ok(())
}

/// Refuses a file that belongs to another program, is newer than this program, or is read-only. Writes nothing.
fn check(sql: &Connection, path: &Path) -> Result<(), StoreError> {
    let store_error = |error| match DbError::Sql(error).into_store_error(path) {
        StoreError::Access { path, doing, source, .. } => permissions(&path, doing, source),
        other => other,
    };
    sql.busy_timeout(LOCK_TIMEOUT).map_err(store_error)?;
    let id: i64 = pragma(sql, "application_id").map_err(store_error)?;
    let version: i64 = pragma(sql, "user_version").map_err(store_error)?;
    let known = known_version();
    if id != APPLICATION_ID {
        let any =
            sql.query_row("SELECT 1 FROM sqlite_schema LIMIT 1", [], |_| Ok(())).optional().map_err(store_error)?;
        if id != 0 || version != 0 || any.is_some() {
            return Err(StoreError::Foreign(path.to_owned()));
        }
    } else if version > known && !is_readable(sql, known).map_err(store_error)? {
        return Err(StoreError::Newer { path: path.to_owned(), found: version, known });
    }
    if sql.is_readonly(MAIN_DB).map_err(store_error)? {
        return Err(permissions(path, "written", "it is read-only".into()));
    }
    Ok(())
}

/// Configures the connection for the writer and migrates the schema. `hash_key` replaces the key of the content hashes.
fn prepare(mut sql: Connection, hash_key: Option<&[u8]>) -> DbResult<Db> {
    sql.busy_timeout(LOCK_TIMEOUT)?;
    sql.pragma_update(None, "page_size", PAGE_SIZE)?;
    enable_wal(&sql)?;
    // A commit is durable before it becomes visible.
    sql.pragma_update(None, "synchronous", "FULL")?;
    sql.pragma_update(None, "cache_size", -8192)?;
    sql.pragma_update(None, "temp_store", "MEMORY")?;
    sql.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    sql.pragma_update(None, "journal_size_limit", 64 << 20)?;
    // Removed and replaced content is overwritten. Measured on 100,000 records of 2.5 KB: inserts cost about the same,
    // updates about 5 % more CPU, removals about 50 % more.
    sql.pragma_update(None, "secure_delete", true)?;
    sql.set_prepared_statement_cache_capacity(STATEMENT_CACHE_CAPACITY);
    migrate(&mut sql, &MIGRATIONS, CONTENT_REMOVING_MIGRATIONS)?;

    if let Some(key) = hash_key {
        sql.execute("UPDATE meta SET value = ?1 WHERE key = 'hash_key'", [key])?;
    }
    let key = sql.query_row("SELECT value FROM meta WHERE key = 'hash_key'", [], |row| row.get::<_, [u8; 32]>(0))?;
    let hasher = Hasher::new(&key);
    let vault = Vault::new(hasher.clone());
    let shared = Shared { clock: Clock::default(), hasher, vault };
    // After the system clock was set back, earlier writes must not appear newer than pages that are requested now.
    let latest = sql.query_row("SELECT max(stamp) FROM datasets", [], |row| row.get::<_, Option<Timestamp>>(0))?;
    shared.clock.at_least(latest.unwrap_or_default());
    let db = Db { sql, shared: Arc::new(shared) };
    vacuum::finish_migration(&db)?;
    failpoint!("sqlite:open:ready");
    Ok(db)
}

/// Switches to the write-ahead log. Retries, because `SQLite` does not wait while another process does the same.
fn enable_wal(sql: &Connection) -> DbResult<()> {
    let deadline = Instant::now() + LOCK_TIMEOUT;
    loop {
        match sql.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0)) {
            Ok(mode) if mode == "wal" || mode == "memory" => return Ok(()),
            Ok(mode) => {
                let reason =
                    format!("its file system does not support shared memory (the journal mode stays `{mode}`)");
                return Err(rusqlite::Error::SqliteFailure(cannot_open(), Some(reason)).into());
            }
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && Instant::now() < deadline => {
                thread::sleep(Duration::from_millis(5));
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Returns whether programs that support schema versions up to `known` can use the database, which has a newer schema.
fn is_readable(sql: &Connection, known: i64) -> rusqlite::Result<bool> {
    let find = "SELECT CAST(value AS TEXT) FROM meta WHERE key = ?1";
    let oldest: Option<String> = sql.query_row(find, [READABLE_FROM], |row| row.get(0)).optional()?;
    Ok(oldest.and_then(|oldest| oldest.parse::<i64>().ok()).is_some_and(|oldest| oldest <= known))
}

fn cannot_open() -> rusqlite::ffi::Error {
    rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CANTOPEN)
}

fn known_version() -> i64 {
    i64::try_from(SCHEMA_VERSION).unwrap_or(i64::MAX)
}

fn pragma(sql: &Connection, name: &str) -> rusqlite::Result<i64> {
    sql.pragma_query_value(None, name, |row| row.get(0))
}

/// Applies the migrations that the file lacks, all in one transaction.
pub(super) fn migrate(sql: &mut Connection, steps: &[&str], removing: &[usize]) -> DbResult<()> {
    let known = i64::try_from(steps.len()).unwrap_or(i64::MAX);
    if pragma(sql, "user_version")? == known {
        return Ok(());
    }
    let tx = sql.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Read again under the lock: another process may have migrated the file, possibly to a newer version.
    let found = pragma(&tx, "user_version")?;
    let Some(done) = usize::try_from(found).ok().filter(|done| *done <= steps.len()) else {
        if is_readable(&tx, known)? {
            return Ok(());
        }
        return Err(StoreError::Newer { path: MEMORY.into(), found, known }.into());
    };
    for step in &steps[done..] {
        tx.execute_batch(step)?;
    }
    // A new file has nothing to remove.
    if done > 0 && removing.iter().any(|number| (done..steps.len()).contains(&(number - 1))) {
        vacuum::request_rebuild(&tx)?;
    }
    if done == 0 {
        let (mut instance, mut key) = ([0; 16], [0; 32]);
        random::fill(&mut instance)?;
        random::fill(&mut key)?;
        let mut put = tx.prepare("INSERT INTO meta (key, value) VALUES (?1, ?2)")?;
        put.execute(("instance", &instance[..]))?;
        put.execute(("hash_key", &key[..]))?;
        tx.pragma_update(None, "application_id", APPLICATION_ID)?;
    }
    tx.pragma_update(None, "user_version", known)?;
    failpoint!("sqlite:open:schema");
    tx.commit()?;
    Ok(())
}
