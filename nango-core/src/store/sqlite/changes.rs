//! Noticing commits: those of this process at once, those of others by asking `SQLite` now and then.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::watch,
    time::{MissedTickBehavior, interval, sleep},
};

use super::{Db, StoreError};

/// How often another process's commits are looked for.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Who waits for commits.
#[derive(Debug)]
pub(super) struct ChangeNotifier {
    changed: watch::Sender<()>,
    /// A connection that reads nothing but the file's version; none for a database that no other process can see.
    watcher: Option<Arc<Mutex<Option<Db>>>>,
}

impl ChangeNotifier {
    /// Waits on commits that `here` is told of, and on those that the connection can see.
    pub(super) fn new(changed: watch::Sender<()>, elsewhere: Option<Db>) -> Self {
        Self { changed, watcher: elsewhere.map(|db| Arc::new(Mutex::new(Some(db)))) }
    }

    /// Waits until something was committed after this call, or `patience` is over.
    pub(super) fn wait(&self, timeout: Duration) -> impl Future<Output = Result<(), StoreError>> + Send + use<> {
        let mut here = self.changed.subscribe();
        let elsewhere = self.watcher.clone();
        let known = elsewhere.as_ref().map(|db| data_version(db));
        async move {
            let deadline = sleep(timeout);
            tokio::pin!(deadline);
            let mut poll = interval(POLL_INTERVAL);
            poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    () = &mut deadline => return Ok(()),
                    _ = here.changed() => return Ok(()),
                    _ = poll.tick(), if elsewhere.is_some() => {
                        if elsewhere.as_ref().map(|db| data_version(db)) != known {
                            return Ok(());
                        }
                    }
                }
            }
        }
    }

    /// Lets go of the file.
    pub(super) fn close(&self) {
        if let Some(db) = &self.watcher {
            db.lock().unwrap_or_else(PoisonError::into_inner).take();
        }
    }
}

/// A number that another connection's commit changes. It stands in shared memory: asking does not wait for the disk.
fn data_version(db: &Mutex<Option<Db>>) -> Option<i64> {
    let db = db.lock().unwrap_or_else(PoisonError::into_inner);
    db.as_ref()?.sql.prepare_cached("PRAGMA data_version").ok()?.query_row([], |row| row.get(0)).ok()
}
