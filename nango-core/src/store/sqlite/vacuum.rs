//! Rebuilding the file, so that nothing of removed or replaced content is left in it.
//!
//! Every connection that writes has `secure_delete` on: removed content is overwritten when its statement runs. That does
//! not reach the copies that a page keeps in its unused part when its rows moved to a neighbour, for instance when a page
//! was split. Only `VACUUM` leaves them behind, so what must be gone is followed by one, and by a checkpoint that empties
//! the log.

use rusqlite::{ErrorCode, OptionalExtension};

use super::{
    Db, Sqlite, StoreError,
    error::{DbError, DbResult},
    file,
};
use crate::store::{Remains, Vacuumed};

/// Databases up to this size are rebuilt behind each removal: that takes a few seconds, in which writers of other processes
/// wait. They give up after [`super::LOCK_PATIENCE`].
const MAX_IMMEDIATE_REBUILD_BYTES: u64 = 256 << 20;
/// The row of `meta` that asks for a rebuild when the file is opened.
pub(super) const REBUILD_MARK: &str = "rebuild";

/// Rebuilds the database.
pub(super) async fn vacuum(store: &Sqlite) -> Result<Vacuumed, StoreError> {
    // Between two transactions of the writer, because a file is not rebuilt inside one.
    store
        .writer
        .read(|db| {
            let before = size(db)?.file;
            let remains = if rebuild(db)? { None } else { Some(Remains::Log) };
            Ok(Vacuumed { before, after: size(db)?.file, remains })
        })
        .await
}

/// Clears what a removal left in the file; returns what may be left nevertheless.
pub(super) async fn clear_removed(store: &Sqlite) -> Result<Option<Remains>, StoreError> {
    if store.writer.path().as_os_str() == file::MEMORY {
        return Ok(None);
    }
    store.writer.read(|db| clear(db, MAX_IMMEDIATE_REBUILD_BYTES)).await
}

pub(super) fn clear(db: &Db, max_bytes: u64) -> DbResult<Option<Remains>> {
    let size = size(db)?;
    if size.used > max_bytes {
        empty_log(db)?;
        return Ok(Some(Remains::Pages { bytes: size.file }));
    }
    Ok(if rebuild(db)? { None } else { Some(Remains::Log) })
}

/// Rebuilds the file and empties the log. Not inside a transaction. `false`: readers of another process keep the log, which
/// holds the old pages.
pub(super) fn rebuild(db: &Db) -> DbResult<bool> {
    // The copy is as large as the file: it need not be in memory. It is a file without a name, for its owner only.
    db.sql.pragma_update(None, "temp_store", "FILE")?;
    let rebuilt = db.sql.execute_batch("VACUUM");
    db.sql.pragma_update(None, "temp_store", "MEMORY")?;
    rebuilt?;
    empty_log(db)
}

/// Moves the log into the file and empties it. `false`: a reader of another process is in the way.
fn empty_log(db: &Db) -> DbResult<bool> {
    // In memory there is no log, and the answer is empty.
    let busy = db.sql.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0));
    Ok(busy.optional()?.unwrap_or(0) == 0)
}

/// In bytes.
struct Size {
    file: u64,
    /// Without free pages.
    used: u64,
}

fn size(db: &Db) -> DbResult<Size> {
    let pragma = |name| db.sql.pragma_query_value(None, name, |row| super::get_u64(row, 0));
    let (page, pages, free) = (pragma("page_size")?, pragma("page_count")?, pragma("freelist_count")?);
    Ok(Size { file: page * pages, used: page * pages.saturating_sub(free) })
}

/// Asks for a rebuild when the file is opened; in the transaction of a migration that removes content.
pub(super) fn request_rebuild(sql: &rusqlite::Connection) -> rusqlite::Result<()> {
    sql.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, x'01')", [REBUILD_MARK]).map(drop)
}

/// Rebuilds the file if a migration asked for it. One that could not be finished, because another process is in the way or
/// the disk is full, is tried again at the next start.
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
        Err(fault) => Err(fault),
    }
}

fn is_busy_or_full(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error_code();
    matches!(code, Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::DiskFull))
}
