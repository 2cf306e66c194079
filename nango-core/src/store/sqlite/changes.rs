//! Change notification: commits of this process at once, commits of other processes by polling `SQLite`.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::watch,
    time::{MissedTickBehavior, interval, sleep},
};

use super::Db;
use crate::store::StoreError;

/// Interval at which waiters poll for commits of other processes.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Wakes the waiters of [`Store::wait_for_change`](crate::store::Store::wait_for_change) after a commit.
#[derive(Debug)]
pub(super) struct ChangeNotifier {
    changed: watch::Sender<()>,
    /// Connection that reads only the data version of the file; `None` in memory, where there are no other processes.
    watcher: Option<Arc<Mutex<Option<Db>>>>,
}

impl ChangeNotifier {
    /// Creates the notifier of the commits that are sent to `changed`, and of those that the connection can see.
    pub(super) fn new(changed: watch::Sender<()>, watcher: Option<Db>) -> Self {
        Self { changed, watcher: watcher.map(|db| Arc::new(Mutex::new(Some(db)))) }
    }

    /// Waits until a commit after this call, or until `timeout` has elapsed.
    pub(super) fn wait(&self, timeout: Duration) -> impl Future<Output = Result<(), StoreError>> + Send + use<> {
        let mut changed = self.changed.subscribe();
        let watcher = self.watcher.clone();
        let known = watcher.as_ref().map(|db| data_version(db));
        async move {
            let deadline = sleep(timeout);
            tokio::pin!(deadline);
            let mut poll = interval(POLL_INTERVAL);
            poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    () = &mut deadline => return Ok(()),
                    _ = changed.changed() => return Ok(()),
                    _ = poll.tick(), if watcher.is_some() => {
                        if watcher.as_ref().map(|db| data_version(db)) != known {
                            return Ok(());
                        }
                    }
                }
            }
        }
    }

    /// Closes the connection to the file.
    pub(super) fn close(&self) {
        if let Some(db) = &self.watcher {
            db.lock().unwrap_or_else(PoisonError::into_inner).take();
        }
    }
}

/// Returns a number that changes with each commit of another connection. It is in shared memory, so the query does not
/// wait for the disk.
fn data_version(db: &Mutex<Option<Db>>) -> Option<i64> {
    let db = db.lock().unwrap_or_else(PoisonError::into_inner);
    db.as_ref()?.sql.prepare_cached("PRAGMA data_version").ok()?.query_row([], |row| row.get(0)).ok()
}
