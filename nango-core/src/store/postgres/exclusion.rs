//! Locks by which claims exclude each other, the ends of runs exclude claims, and new connections exclude each other.
//!
//! A claim counts the active runs and marks the due runs that a limit prevents from starting. An end of a run that
//! commits in between would not find the mark, and the due run would wait for the next end. The lock belongs to the
//! transaction, so that it also works behind a pooler. It is acquired by a statement of its own: a statement that
//! waited for it would not see what was committed meanwhile.

use super::{Db, error::DbResult};

/// Excludes other claims and the ends of runs until the end of the transaction.
pub(super) async fn exclude(db: &mut Db) -> DbResult<()> {
    const LOCK: &str = "SELECT pg_advisory_xact_lock(7953764197284612001)";
    db.query(LOCK).execute(&mut *db.sql).await?;
    Ok(())
}

/// Excludes other transactions that add connections until the end of the transaction, so that connections become
/// visible in the order of their numbers: a process that reads new connections remembers the greatest number.
pub(super) async fn exclude_new_connections(db: &mut Db) -> DbResult<()> {
    const LOCK: &str = "SELECT pg_advisory_xact_lock(7953764197284612002)";
    db.query(LOCK).execute(&mut *db.sql).await?;
    Ok(())
}

/// Excludes claims until the end of the transaction, but not other transactions that do the same.
pub(super) async fn exclude_shared(db: &mut Db) -> DbResult<()> {
    const LOCK: &str = "SELECT pg_advisory_xact_lock_shared(7953764197284612001)";
    db.query(LOCK).execute(&mut *db.sql).await?;
    Ok(())
}
