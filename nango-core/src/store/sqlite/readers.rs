//! Pool of connections for reads, which run beside the writer.
//!
//! A read sees one committed state from its first to its last statement. That state is durable: the connection of the
//! writer uses `synchronous = FULL`, with which `SQLite` makes a commit visible only after the log was flushed.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::Semaphore;

use super::{
    db::{Db, Shared},
    error::{DbError, DbResult},
    file, writer,
};
use crate::store::StoreError;

/// Maximum number of concurrent reads; further ones wait.
const MAX_READERS: u32 = 4;

/// Connections of a file for reads.
#[derive(Debug)]
pub(super) struct Readers {
    path: Arc<Path>,
    shared: Arc<Shared>,
    idle: Mutex<Vec<Db>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    /// Creates the pool without connections; each is opened when it is first needed.
    pub(super) fn new(path: Arc<Path>, shared: Arc<Shared>) -> Arc<Self> {
        let permits = Arc::new(Semaphore::new(MAX_READERS as usize));
        Arc::new(Self { path, shared, idle: Mutex::default(), permits })
    }

    /// Executes a read on a thread that may block.
    pub(super) async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Db) -> DbResult<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let this = Arc::clone(self);
        let reading = tokio::task::spawn_blocking(move || {
            let db = match this.pop_idle() {
                Some(db) => db,
                None => {
                    file::open_reader(&this.path, &this.shared).map_err(|error| error.into_store_error(&this.path))?
                }
            };
            let outcome = writer::catch_panic(|db| snapshot(db, work), &db);
            // A connection that a panic left inside a transaction is closed instead.
            if db.sql.is_autocommit() {
                this.idle.lock().unwrap_or_else(PoisonError::into_inner).push(db);
            }
            drop(permit);
            outcome.map_err(|error| error.into_store_error(&this.path))
        });
        reading.await.unwrap_or(Err(StoreError::Closed))
    }

    /// Waits for active reads and closes the connections.
    pub(super) async fn close(&self) {
        if let Ok(all) = self.permits.acquire_many(MAX_READERS).await {
            self.permits.close();
            all.forget();
        }
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn pop_idle(&self) -> Option<Db> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }
}

/// Executes work inside a read transaction.
fn snapshot<T>(db: &Db, work: impl FnOnce(&Db) -> DbResult<T>) -> DbResult<T> {
    db.sql.prepare_cached("BEGIN")?.execute([])?;
    let outcome = work(db);
    db.sql.prepare_cached("ROLLBACK")?.execute([]).map_err(DbError::from)?;
    outcome
}
