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
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Who waits for commits.
#[derive(Debug)]
pub(super) struct Changes {
    here: watch::Sender<()>,
    /// A connection that reads nothing but the file's version; none for a database that no other process can see.
    elsewhere: Option<Arc<Mutex<Option<Db>>>>,
}

impl Changes {
    /// Waits on commits that `here` is told of, and on those that the connection can see.
    pub(super) fn new(here: watch::Sender<()>, elsewhere: Option<Db>) -> Self {
        Self { here, elsewhere: elsewhere.map(|db| Arc::new(Mutex::new(Some(db)))) }
    }

    /// Waits until something was committed after this call, or `patience` is over.
    pub(super) fn wait(&self, patience: Duration) -> impl Future<Output = Result<(), StoreError>> + Send + use<> {
        let mut here = self.here.subscribe();
        let elsewhere = self.elsewhere.clone();
        let known = elsewhere.as_ref().map(|db| version(db));
        async move {
            let over = sleep(patience);
            tokio::pin!(over);
            let mut look = interval(LOOK_EVERY);
            look.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    () = &mut over => return Ok(()),
                    _ = here.changed() => return Ok(()),
                    _ = look.tick(), if elsewhere.is_some() => {
                        if elsewhere.as_ref().map(|db| version(db)) != known {
                            return Ok(());
                        }
                    }
                }
            }
        }
    }

    /// Lets go of the file.
    pub(super) fn close(&self) {
        if let Some(db) = &self.elsewhere {
            db.lock().unwrap_or_else(PoisonError::into_inner).take();
        }
    }
}

/// A number that another connection's commit changes. It stands in shared memory: asking does not wait for the disk.
fn version(db: &Mutex<Option<Db>>) -> Option<i64> {
    let db = db.lock().unwrap_or_else(PoisonError::into_inner);
    db.as_ref()?.sql.prepare_cached("PRAGMA data_version").ok()?.query_row([], |row| row.get(0)).ok()
}
