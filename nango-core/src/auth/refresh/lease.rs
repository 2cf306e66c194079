//! Holding a turn, and waiting for one that another process holds.
//!
//! Must stay true: both are measured by a clock that cannot be set, and a wait has an end.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::RefreshError;
use crate::{
    http::WaitObserver,
    store::{RefreshClaim, SharedStore},
};

/// How often the process that holds a turn extends it. A database that is busy for a while delays some of them.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(3);
/// How long the turn of another process is waited for: longer than one that lives takes to ask and to store.
const MAX_WAIT: Duration = Duration::from_secs(90);
/// A wait that takes longer is reported.
const REPORT_AFTER: Duration = Duration::from_secs(1);

/// A wait for the turn of another process.
pub(super) struct LeaseWait {
    connection: String,
    observer: Option<Arc<dyn WaitObserver>>,
    since: Option<Instant>,
    reported: bool,
}

impl LeaseWait {
    /// A wait that has not begun, for the token of a connection.
    pub(super) fn new(connection: String, observer: Option<Arc<dyn WaitObserver>>) -> Self {
        Self { connection, observer, since: None, reported: false }
    }

    /// Reports the wait once it is long, and ends it when it is too long.
    pub(super) fn check(&mut self) -> Result<(), RefreshError> {
        let waited = self.since.get_or_insert_with(Instant::now).elapsed();
        if waited >= MAX_WAIT {
            let reason = format!("another process has been renewing it for {} s", MAX_WAIT.as_secs());
            return Err(RefreshError::RetryLater { of: self.connection.clone(), reason, wait: Duration::ZERO });
        }
        if waited >= REPORT_AFTER && !self.reported {
            self.reported = true;
            if let Some(watch) = &self.observer {
                let most = MAX_WAIT.as_secs();
                let text = format!(
                    "waiting at most {most} s for another process that renews the token of {}",
                    self.connection
                );
                watch.on_wait(&text);
            }
        }
        Ok(())
    }
}

/// Extends a turn until it is dropped.
pub(super) struct LeaseHeartbeat(tokio::task::JoinHandle<()>);

impl LeaseHeartbeat {
    /// Begins to extend it.
    pub(super) fn start(store: SharedStore, claim: RefreshClaim) -> Self {
        Self(tokio::spawn(async move {
            loop {
                tokio::time::sleep(HEARTBEAT_INTERVAL).await;
                // A database that does not answer now may do so for the next one. A turn that was taken over meanwhile is
                // extended by its new holder; what this one brings is stored if it is the first.
                if let Ok(false) = store.extend_refresh(claim).await {
                    return;
                }
            }
        }))
    }
}

impl Drop for LeaseHeartbeat {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lease_wait_ends_with_an_error_naming_the_connection() {
        let mut waiting = LeaseWait::new("connection `ann` of `shop`".to_owned(), None);
        waiting.check().unwrap();
        waiting.since = Instant::now().checked_sub(MAX_WAIT);
        let error = waiting.check().unwrap_err().to_string();
        let expect = "the token of connection `ann` of `shop` could not be renewed: another process has been renewing it \
                      for 90 s; the next attempt is in 1 s";
        assert_eq!(error, expect);
    }
}
