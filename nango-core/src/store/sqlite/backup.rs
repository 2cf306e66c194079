//! Online backup by `VACUUM INTO`, which writes one committed state, without removed content.
//!
//! Invariant: the target path never contains an incomplete backup. The backup is written to a partial file in the same
//! directory, closed, checked and flushed, and only then renamed. The name of the partial file is random, so that a
//! backup that was killed does not block the next one.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use rusqlite::{Connection, OpenFlags, params};

use super::{
    Sqlite,
    db::{Db, MEMORY, get_u64},
    error::{DbError, DbResult},
    file,
};
use crate::{
    file_access,
    store::{Backup, StoreError, error::Cause, random},
};

/// Suffix of the names of unfinished files.
const PARTIAL: &str = ".partial";

/// Writes the database to a new file.
pub(super) async fn backup(store: &Sqlite, to: &Path) -> Result<Backup, StoreError> {
    let to = to.to_owned();
    let path = store.writer.path();
    if path.as_os_str() == MEMORY {
        return store.writer.read(move |db| write(db, &to)).await;
    }
    let shared = std::sync::Arc::clone(&store.shared);
    let writing = tokio::task::spawn_blocking(move || {
        // A separate connection: that of a reader is in a transaction, where SQLite refuses `VACUUM`.
        let db = file::open_reader(&path, &shared).map_err(|error| error.into_store_error(&path))?;
        write(&db, &to).map_err(|error| error.into_store_error(&path))
    });
    writing.await.unwrap_or(Err(StoreError::Closed))
}

fn write(db: &Db, to: &Path) -> DbResult<Backup> {
    let cannot_create = |path: &Path, source: Cause| DbError::Store(access(path, "created", source));
    if fs::symlink_metadata(to).is_ok() {
        return Err(cannot_create(to, "it already exists, and a backup replaces no file; choose another path".into()));
    }
    let mut suffix = [0; 8];
    random::fill(&mut suffix)?;
    let mut partial = to.as_os_str().to_owned();
    partial.push(format!(".{:016x}{PARTIAL}", u64::from_be_bytes(suffix)));
    let partial = PathBuf::from(partial);
    // Closed at once: only SQLite may have a handle of the file (`file`).
    file_access::create_private().open(&partial).map(drop).map_err(|error| cannot_create(&partial, error.into()))?;
    let written = write_and_verify(db, &partial).and_then(|written| {
        publish(&partial, to).map_err(|error| cannot_create(to, error.into()))?;
        Ok(written)
    });
    if written.is_err() {
        let _ = fs::remove_file(&partial);
    }
    written.map(|written| Backup { partial: partial_files(to), ..written })
}

/// Returns the partial files of other backups to the same path: interrupted ones, and those in progress.
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
    let store_error = |error: DbError| DbError::Store(error.into_store_error(partial));
    let text = partial.to_str().ok_or_else(|| access(partial, "created", "its path is not Unicode".into()))?;
    db.sql.pragma_update(None, "query_only", false)?;
    let vacuumed = db.sql.execute("VACUUM INTO ?1", params![text]).map_err(|error| store_error(error.into()));
    db.sql.pragma_update(None, "query_only", db.sql.path().is_some_and(|path| !path.is_empty()))?;
    vacuumed?;
    let written = verify(partial).map_err(store_error)?;
    File::open(partial).and_then(|file| file.sync_all()).map_err(|error| access(partial, "written", error.into()))?;
    Ok(written)
}

fn access(path: &Path, doing: &'static str, source: Cause) -> StoreError {
    StoreError::Access { path: path.to_owned(), doing, permissions: false, source }
}

/// Opens the written file and checks its structure.
fn verify(partial: &Path) -> DbResult<Backup> {
    let sql = Connection::open_with_flags(partial, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    let sound: String = sql.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if sound != "ok" {
        return Err(DbError::damaged("a backup"));
    }
    let records = sql.query_row("SELECT count(*) FROM records", [], |row| get_u64(row, 0))?;
    let bytes = fs::metadata(partial).map_or(0, |file| file.len());
    Ok(Backup { records, bytes, partial: Vec::new() })
}

/// Renames the finished file, unless a file with the name has been created meanwhile.
fn publish(partial: &Path, to: &Path) -> io::Result<()> {
    match fs::hard_link(partial, to) {
        Ok(()) => fs::remove_file(partial)?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(error),
        // The file system does not support hard links.
        Err(_) => fs::rename(partial, to)?,
    }
    // Makes the name durable as well. Systems where a directory cannot be opened do this themselves.
    let parent = to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(parent).and_then(|parent| parent.sync_all()).or(Ok(()))
}
