//! Handle of an open database.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::sync::watch;

use super::{
    Db,
    changes::ChangeNotifier,
    db::{MEMORY, Shared},
    error::{DbError, DbResult},
    file,
    readers::Readers,
    serving::ServingLock,
    writer::Writer,
};
use crate::store::{StoreError, StoreFuture};

/// A `Store` in an `SQLite` file, or in memory.
#[derive(Debug)]
pub struct Sqlite {
    pub(super) shared: Arc<Shared>,
    pub(super) writer: Writer,
    /// `None` in memory, where only the connection of the writer sees the data.
    pub(super) readers: Option<Arc<Readers>>,
    pub(super) changes: ChangeNotifier,
    /// Lock of the process that runs the schedules.
    pub(super) serving: ServingLock,
}

impl Sqlite {
    /// Opens the file, or creates it, accessible to its owner only. `:memory:` opens a database in memory, which is
    /// lost when this value is dropped.
    ///
    /// # Errors
    ///
    /// Fails if the file belongs to another program, is newer than this program, contains an incomplete copy, may be
    /// changed by other users, or cannot be read and written. A failed call leaves no new file behind.
    pub async fn open(path: impl Into<PathBuf>) -> Result<Self, StoreError> {
        Self::open_as(path.into(), false).await
    }

    /// Opens the target of a copy: like [`Self::open`], but accepts a file that contains an incomplete copy.
    ///
    /// # Errors
    ///
    /// Fails like [`Self::open`], except for an incomplete copy.
    pub async fn open_target(path: impl Into<PathBuf>) -> Result<Self, StoreError> {
        Self::open_as(path.into(), true).await
    }

    async fn open_as(path: PathBuf, target: bool) -> Result<Self, StoreError> {
        let opening = tokio::task::spawn_blocking(move || Self::open_blocking(path.into(), target));
        opening.await.unwrap_or(Err(StoreError::Closed))
    }

    fn open_blocking(path: Arc<Path>, target: bool) -> Result<Self, StoreError> {
        let db = file::open(&path)?;
        if !target && file::is_incomplete_copy(&db).map_err(|error| error.into_store_error(&path))? {
            return Err(StoreError::IncompleteCopy(path.display().to_string()));
        }
        Self::start(db, path)
    }

    /// Opens a database in memory whose content hashes are those of another database with this key, for a copy of a
    /// part of it.
    ///
    /// # Errors
    ///
    /// Fails if the key is not one, or the threads of the database cannot be started.
    pub(in crate::store) async fn open_in_memory(hash_key: Vec<u8>) -> Result<Self, StoreError> {
        let opening = tokio::task::spawn_blocking(move || {
            Self::start(file::open_in_memory(&hash_key)?, Arc::from(Path::new(MEMORY)))
        });
        opening.await.unwrap_or(Err(StoreError::Closed))
    }

    /// Replaces the clock of the database, which otherwise follows the system, for the replay of a recorded run.
    pub(in crate::store) fn follow_clock(&self, clock: Arc<dyn crate::time::Clock>) {
        self.shared.clock.follow(clock);
    }

    fn start(db: Db, path: Arc<Path>) -> Result<Self, StoreError> {
        let shared = Arc::clone(&db.shared);
        let in_memory = path.as_os_str() == MEMORY;
        let watcher = (!in_memory)
            .then(|| file::open_reader(&path, &shared))
            .transpose()
            .map_err(|error| error.into_store_error(&path))?;
        if let Some(watcher) = &watcher {
            // It is queried on the threads of the async runtime, which must not block.
            watcher.sql.busy_timeout(Duration::ZERO).map_err(|error| DbError::Sql(error).into_store_error(&path))?;
        }
        let changed = watch::Sender::new(());
        let writer = Writer::start(db, Arc::clone(&path), changed.clone())
            .map_err(|error| StoreError::Database(Box::new(error)))?;
        let serving = ServingLock::new((!in_memory).then(|| Arc::clone(&path)));
        let readers = (!in_memory).then(|| Readers::new(path, Arc::clone(&shared)));
        Ok(Self { shared, writer, readers, changes: ChangeNotifier::new(changed, watcher), serving })
    }

    /// Advances the clock of the database, which otherwise follows the system, for tests.
    pub(crate) fn advance_clock(&self, by: Duration) {
        let clock = &self.shared.clock;
        clock.at_least(clock.now() + by);
    }

    /// Opens a database in memory that refuses every checkpoint, for tests of runs whose checkpoint cannot be written.
    #[cfg(test)]
    pub(crate) async fn refusing_checkpoints() -> Result<Self, StoreError> {
        const REFUSE: &str =
            "CREATE TRIGGER refuse BEFORE INSERT ON checkpoints BEGIN SELECT RAISE(ABORT, 'refused'); END";
        let store = Self::open(MEMORY).await?;
        store.write(|db| Ok(db.sql.execute_batch(REFUSE)?)).await?;
        Ok(store)
    }

    /// Executes work inside a transaction and returns when it is durable.
    pub(super) fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Db) -> DbResult<T> + Send + 'static,
    ) -> StoreFuture<'_, T> {
        Box::pin(self.writer.write(work))
    }

    /// Executes work that reads one committed state.
    pub(super) fn read_with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Db) -> DbResult<T> + Send + 'static,
    ) -> StoreFuture<'_, T> {
        match &self.readers {
            Some(readers) => Box::pin(readers.read(work)),
            None => Box::pin(self.writer.read(work)),
        }
    }
}
