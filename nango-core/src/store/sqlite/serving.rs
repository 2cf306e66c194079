//! Lock of the process that runs the schedules of a database file.
//!
//! The lock is on a file of its own, because closing a second handle of the database would release the locks of
//! `SQLite`. The operating system releases it when the process ends, so that a process that crashed does not delay the
//! next one. The file is never removed: a process that waits for the lock of a removed file would not exclude one that
//! creates it again.

use std::{
    fs::{File, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use crate::{
    file_access,
    store::{StoreError, error::Cause},
};

/// Number of attempts to acquire the lock.
const ATTEMPTS: u32 = 10;
/// Interval between two attempts.
const ATTEMPT_INTERVAL: Duration = Duration::from_millis(20);

/// Lock of one database.
#[derive(Debug)]
pub(super) struct ServingLock {
    /// The database; `None` in memory, where there are no other processes.
    database: Option<Arc<Path>>,
    held: Mutex<Held>,
}

/// State of the lock in this process.
#[derive(Debug, Default)]
struct Held {
    is_serving: bool,
    file: Option<File>,
}

impl ServingLock {
    /// Creates the lock of a database without acquiring it.
    pub(super) fn new(database: Option<Arc<Path>>) -> Self {
        Self { database, held: Mutex::default() }
    }

    /// Acquires the lock for this process. A process that only checks whether the database is served holds the lock for
    /// an instant, so several attempts are made.
    pub(super) async fn start(&self) -> Result<(), StoreError> {
        for _ in 1..ATTEMPTS {
            match self.acquire() {
                Err(StoreError::Served(_)) => tokio::time::sleep(ATTEMPT_INTERVAL).await,
                outcome => return outcome,
            }
        }
        self.acquire()
    }

    /// Releases the lock of this process.
    pub(super) fn stop(&self) -> impl Future<Output = Result<(), StoreError>> + Send + use<> {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = Held::default();
        std::future::ready(Ok(()))
    }

    /// Returns whether this or another process holds the lock.
    pub(super) fn is_held(&self) -> impl Future<Output = Result<bool, StoreError>> + Send + use<> {
        std::future::ready(self.find_holder())
    }

    fn acquire(&self) -> Result<(), StoreError> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.is_serving {
            return Ok(());
        }
        if let Some(database) = &self.database {
            let path = lock_path(database);
            let file = open(&path).map_err(|error| access(&path, error.into()))?;
            match file.try_lock() {
                Ok(()) => held.file = Some(file),
                Err(TryLockError::WouldBlock) => return Err(StoreError::Served(database.to_path_buf())),
                Err(TryLockError::Error(error)) => return Err(access(&path, error.into())),
            }
        }
        held.is_serving = true;
        Ok(())
    }

    fn find_holder(&self) -> Result<bool, StoreError> {
        if self.held.lock().unwrap_or_else(PoisonError::into_inner).is_serving {
            return Ok(true);
        }
        let Some(database) = &self.database else { return Ok(false) };
        let path = lock_path(database);
        let file = match File::options().write(true).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(access(&path, error.into())),
        };
        match file.try_lock_shared() {
            // Released when the file is closed.
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(access(&path, error.into())),
        }
    }
}

/// Returns the path of the lock file: next to the database, such as `nango.db.serve`.
fn lock_path(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".serve");
    name.into()
}

/// Opens the lock file, and creates it for its owner only.
fn open(path: &Path) -> io::Result<File> {
    match file_access::create_private().open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => File::options().write(true).open(path),
        opened => opened,
    }
}

fn access(path: &Path, source: Cause) -> StoreError {
    StoreError::Access { path: path.to_owned(), doing: "locked", permissions: false, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lock_is_held_by_one_owner_and_released_with_it() {
        let dir = tempfile::tempdir().unwrap();
        let database: Arc<Path> = Arc::from(dir.path().join("nango.db"));
        let one = ServingLock::new(Some(Arc::clone(&database)));
        let other = ServingLock::new(Some(Arc::clone(&database)));
        assert!(!one.find_holder().unwrap());
        one.acquire().unwrap();
        one.acquire().unwrap();
        assert!(one.find_holder().unwrap() && other.find_holder().unwrap());
        let refused = other.acquire().unwrap_err();
        assert!(refused.to_string().contains("is served by another process already"), "{refused}");
        drop(one);
        assert!(!other.find_holder().unwrap());
        other.acquire().unwrap();
    }

    #[tokio::test]
    async fn lock_is_acquired_while_another_process_checks_it() {
        let dir = tempfile::tempdir().unwrap();
        let database: Arc<Path> = Arc::from(dir.path().join("nango.db"));
        let lock = ServingLock::new(Some(Arc::clone(&database)));
        let check = open(&lock_path(&database)).unwrap();
        check.try_lock_shared().unwrap();
        let (started, ()) = tokio::join!(lock.start(), async {
            tokio::task::yield_now().await;
            drop(check);
        });
        started.unwrap();
    }

    #[test]
    fn database_in_memory_needs_no_lock_file() {
        let lock = ServingLock::new(None);
        lock.acquire().unwrap();
        assert!(lock.find_holder().unwrap());
    }
}
