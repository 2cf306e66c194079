//! Observation of the database, so that requests are refused while it is down.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::access_log::ServerLog;
use crate::{error::Chain, http::Clock, run::RunListener, store::SharedStore};

/// Interval of checks while the database is available.
const CALM: Duration = Duration::from_secs(2);
/// Interval of checks while it is down.
const DOWN: Duration = Duration::from_millis(500);
/// Time after which a check without a response counts as failed.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Name of a stored value that is read for a check. It does not exist.
const PROBE: &str = "server_check";

/// Whether the database responds.
#[derive(Debug, Default)]
pub(crate) struct DatabaseHealth {
    is_down: AtomicBool,
    suspected: Notify,
}

impl DatabaseHealth {
    /// Returns whether the database responded to the last check.
    pub(crate) fn is_available(&self) -> bool {
        !self.is_down.load(Ordering::Relaxed)
    }

    /// Requests a check at once, because a request failed.
    pub(super) fn suspect(&self) {
        self.suspected.notify_one();
    }

    /// Checks the database at intervals until the token is cancelled. Changes are logged.
    pub(super) async fn observe(
        self: Arc<Self>,
        store: SharedStore,
        clock: Arc<dyn Clock>,
        log: Arc<dyn ServerLog>,
        listener: Arc<dyn RunListener>,
        end: CancellationToken,
    ) {
        loop {
            let pause = if self.is_available() { CALM } else { DOWN };
            tokio::select! {
                () = end.cancelled() => return,
                () = self.suspected.notified() => {}
                () = clock.sleep(pause) => {}
            }
            let failure = match tokio::time::timeout(TIMEOUT, store.meta_value(PROBE)).await {
                Ok(Ok(_)) => None,
                Ok(Err(error)) => Some(Chain(&error).to_string()),
                Err(_) => Some(format!("the database did not respond within {} seconds", TIMEOUT.as_secs())),
            };
            if failure.is_some() {
                listener.on_database_error();
            }
            match failure {
                None if self.is_down.swap(false, Ordering::Relaxed) => {
                    log.on_event("database_available", "the database responds again");
                }
                Some(reason) if !self.is_down.swap(true, Ordering::Relaxed) => {
                    log.on_event("database_unavailable", &reason);
                }
                _ => {}
            }
        }
    }
}
