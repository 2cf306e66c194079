//! A backup beside a running process: `VACUUM INTO`, which writes one committed state, without what was deleted.
//!
//! Must stay true: under the name that was asked for there is never a part of a backup. It is written beside it, closed,
//! checked, flushed, and only then gets its name. The name it has until then is drawn at random, so that what a killed
//! backup left is not in the way of the next one.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use rusqlite::{Connection, OpenFlags, params};

use super::{
    Db, Sqlite, StoreError,
    error::{DbError, DbResult},
    file,
};
use crate::{file_access, store::Backup};

/// How the names of unfinished files end.
const PARTIAL: &str = ".partial";

/// Writes the database into a new file.
pub(super) async fn backup(store: &Sqlite, to: &Path) -> Result<Backup, StoreError> {
    let to = to.to_owned();
    let path = store.writer.path();
    if path.as_os_str() == file::MEMORY {
        return store.writer.read(move |db| write(db, &to)).await;
    }
    let shared = std::sync::Arc::clone(&store.shared);
    let writing = tokio::task::spawn_blocking(move || {
        // A connection of its own: a reader's is in a transaction, where SQLite does not vacuum.
        let db = file::open_reader(&path, &shared).map_err(|fault| fault.into_store_error(&path))?;
        write(&db, &to).map_err(|fault| fault.into_store_error(&path))
    });
    writing.await.unwrap_or(Err(StoreError::Closed))
}

fn write(db: &Db, to: &Path) -> DbResult<Backup> {
    let fault = |path: &Path, reason: &str| {
        DbError::Store(StoreError::Access { path: path.to_owned(), doing: "created", reason: reason.to_owned() })
    };
    if fs::symlink_metadata(to).is_ok() {
        return Err(fault(to, "it is there already, and a backup replaces nothing"));
    }
    let mut suffix = [0; 8];
    getrandom::fill(&mut suffix).map_err(|error| StoreError::Database(error.to_string().into()))?;
    let mut partial = to.as_os_str().to_owned();
    partial.push(format!(".{:016x}{PARTIAL}", u64::from_be_bytes(suffix)));
    let partial = PathBuf::from(partial);
    // Closed at once: SQLite is to be the only one that has it open.
    file_access::create_private().open(&partial).map(drop).map_err(|error| fault(&partial, &error.to_string()))?;
    let made = write_and_verify(db, &partial).and_then(|made| {
        publish(&partial, to).map_err(|error| fault(to, &error.to_string()))?;
        Ok(made)
    });
    if made.is_err() {
        let _ = fs::remove_file(&partial);
    }
    made.map(|made| Backup { partial: partial_files(to), ..made })
}

/// The partial files of other backups to the same name: of those that were interrupted, and of those being written.
fn partial_files(to: &Path) -> Vec<PathBuf> {
    let parent = to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Some(prefix) = to.file_name().and_then(|name| name.to_str()) else { return Vec::new() };
    let is_partial = |name: &str| {
        let random = name.strip_prefix(prefix).and_then(|rest| rest.strip_suffix(PARTIAL));
        random.is_some_and(|random| random.is_empty() || (random.len() == 17 && random.starts_with('.')))
    };
    let names = fs::read_dir(parent).into_iter().flatten().flatten().map(|entry| entry.file_name());
    let mut found: Vec<PathBuf> =
        names.filter(|name| name.to_str().is_some_and(is_partial)).map(|name| to.with_file_name(name)).collect();
    found.sort();
    found
}

fn write_and_verify(db: &Db, partial: &Path) -> DbResult<Backup> {
    let store_error = |fault: DbError| DbError::Store(fault.into_store_error(partial));
    let text = partial.to_str().ok_or_else(|| {
        let reason = "its path is not Unicode".to_owned();
        StoreError::Access { path: partial.to_owned(), doing: "created", reason }
    })?;
    db.sql.pragma_update(None, "query_only", false)?;
    let vacuumed = db.sql.execute("VACUUM INTO ?1", params![text]).map_err(|error| store_error(error.into()));
    db.sql.pragma_update(None, "query_only", db.sql.path().is_some_and(|path| !path.is_empty()))?;
    vacuumed?;
    let made = verify(partial).map_err(store_error)?;
    File::open(partial).and_then(|file| file.sync_all()).map_err(|error| StoreError::Access {
        path: partial.to_owned(),
        doing: "written",
        reason: error.to_string(),
    })?;
    Ok(made)
}

/// Opens what was written and looks through all of it.
fn verify(partial: &Path) -> DbResult<Backup> {
    let sql = Connection::open_with_flags(partial, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    let sound: String = sql.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if sound != "ok" {
        return Err(DbError::damaged("a backup"));
    }
    let records = sql.query_row("SELECT count(*) FROM records", [], |row| super::get_u64(row, 0))?;
    let bytes = fs::metadata(partial).map_or(0, |file| file.len());
    Ok(Backup { records, bytes, partial: Vec::new() })
}

/// Gives the finished file its name, unless somebody else took it meanwhile.
fn publish(partial: &Path, to: &Path) -> io::Result<()> {
    match fs::hard_link(partial, to) {
        Ok(()) => fs::remove_file(partial)?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(error),
        // A file system without links.
        Err(_) => fs::rename(partial, to)?,
    }
    // The name is as durable as the file; where a directory cannot be opened, the system sees to it.
    let parent = to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(parent).and_then(|parent| parent.sync_all()).or(Ok(()))
}
