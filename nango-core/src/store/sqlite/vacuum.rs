//! Rebuild of the file, so that it contains no removed or replaced content.
//!
//! Every connection that writes has `secure_delete` set: removed content is overwritten when its statement runs. That
//! does not reach the copies that a page keeps in its unused part after rows moved to another page, for instance when a
//! page was split. Only `VACUUM` removes those copies, so a removal is followed by a `VACUUM`, and by a checkpoint that
//! empties the write-ahead log.

use rusqlite::{ErrorCode, OptionalExtension};

use super::{
    db::{Db, MEMORY, get_u64},
    error::{DbError, DbResult},
    writer::Writer,
};
use crate::store::{Remains, StoreError, Vacuumed};

/// Maximum size of databases that are rebuilt after each removal: that takes a few seconds, in which writers of other
/// processes wait. They fail after [`super::db::LOCK_TIMEOUT`].
const MAX_IMMEDIATE_REBUILD_BYTES: u64 = 256 << 20;
/// Key of the row of `meta` that requests a rebuild when the file is opened.
pub(super) const REBUILD_MARK: &str = "rebuild";

/// Rebuilds the database, and returns its size before and after.
pub(super) async fn vacuum(writer: &Writer) -> Result<Vacuumed, StoreError> {
    // Between two transactions of the writer: a file cannot be rebuilt inside one.
    writer
        .read(|db| {
            let before = size(db)?.file;
            let remains = if rebuild(db)? { None } else { Some(Remains::Log) };
            Ok(Vacuumed { before, after: size(db)?.file, remains })
        })
        .await
}

/// Clears the remains of removed content from the file; returns what may remain nevertheless.
pub(super) async fn clear_removed(writer: &Writer) -> Result<Option<Remains>, StoreError> {
    if writer.path().as_os_str() == MEMORY {
        return Ok(None);
    }
    writer.read(|db| clear(db, MAX_IMMEDIATE_REBUILD_BYTES)).await
}

pub(super) fn clear(db: &Db, max_bytes: u64) -> DbResult<Option<Remains>> {
    let size = size(db)?;
    if size.used > max_bytes {
        empty_log(db)?;
        return Ok(Some(Remains::Pages { bytes: size.file }));
    }
    Ok(if rebuild(db)? { None } else { Some(Remains::Log) })
}

/// Rebuilds the file and empties the log. Cannot run inside a transaction. Returns `false` if readers of another
/// process still need the log, which contains the old pages.
pub(super) fn rebuild(db: &Db) -> DbResult<bool> {
    // The copy is as large as the file, so it is not built in memory but in an unnamed file of this user.
    db.sql.pragma_update(None, "temp_store", "FILE")?;
    let rebuilt = db.sql.execute_batch("VACUUM");
    db.sql.pragma_update(None, "temp_store", "MEMORY")?;
    rebuilt?;
    empty_log(db)
}

/// Moves the log into the file and empties it. Returns `false` if a reader of another process prevents that.
fn empty_log(db: &Db) -> DbResult<bool> {
    // In memory there is no log, and the result is empty.
    let busy = db.sql.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0));
    Ok(busy.optional()?.unwrap_or(0) == 0)
}

/// Size of a database in bytes.
struct Size {
    file: u64,
    /// Size without free pages.
    used: u64,
}

fn size(db: &Db) -> DbResult<Size> {
    let pragma = |name| db.sql.pragma_query_value(None, name, |row| get_u64(row, 0));
    let (page, pages, free) = (pragma("page_size")?, pragma("page_count")?, pragma("freelist_count")?);
    Ok(Size { file: page * pages, used: page * pages.saturating_sub(free) })
}

/// Requests a rebuild when the file is opened; called in the transaction of a migration that removes content.
pub(super) fn request_rebuild(sql: &rusqlite::Connection) -> rusqlite::Result<()> {
    sql.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, x'01')", [REBUILD_MARK]).map(drop)
}

/// Rebuilds the file if a migration requested it. If another process has locked the file or the disk is full, the
/// rebuild is retried at the next start.
pub(super) fn finish_migration(db: &Db) -> DbResult<()> {
    if !db.sql.prepare("SELECT 1 FROM meta WHERE key = ?1")?.exists([REBUILD_MARK])? {
        return Ok(());
    }
    match rebuild(db) {
        Ok(true) => {
            db.sql.execute("DELETE FROM meta WHERE key = ?1", [REBUILD_MARK])?;
            Ok(())
        }
        Ok(false) => Ok(()),
        Err(DbError::Sql(error)) if is_busy_or_full(&error) => Ok(()),
        Err(error) => Err(error),
    }
}

fn is_busy_or_full(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error_code();
    matches!(code, Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::DiskFull))
}
