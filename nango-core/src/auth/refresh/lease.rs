//! Refresh leases: extending an acquired one, and waiting for one of another process.
//!
//! Invariants: both are measured by a monotonic clock, and a wait is bounded by [`MAX_WAIT`].

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::error::RefreshError;
use crate::{
    http::WaitObserver,
    store::{RefreshClaim, SharedStore},
};

/// Interval at which an acquired lease is extended. It is short, because a busy database delays some extensions.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(3);
/// Maximum wait for the lease of another process: more than a running process needs to request and store a token.
const MAX_WAIT: Duration = Duration::from_secs(90);
/// Duration after which a wait is reported.
const REPORT_AFTER: Duration = Duration::from_secs(1);

/// A wait for the lease of another process.
pub(super) struct LeaseWait {
    connection: String,
    observer: Option<Arc<dyn WaitObserver>>,
    since: Option<Instant>,
    reported: bool,
}

impl LeaseWait {
    /// Creates a wait, which starts at the first [`LeaseWait::check`]. `connection` describes the connection in
    /// messages.
    pub(super) fn new(connection: String, observer: Option<Arc<dyn WaitObserver>>) -> Self {
        Self { connection, observer, since: None, reported: false }
    }

    /// Checks the wait at the monotonic time `now`: reports it once it exceeds [`REPORT_AFTER`], and fails if it
    /// exceeds [`MAX_WAIT`].
    pub(super) fn check(&mut self, now: Instant) -> Result<(), RefreshError> {
        let waited = now.saturating_duration_since(*self.since.get_or_insert(now));
        if waited >= MAX_WAIT {
            let reason = format!("another process has been refreshing it for {} s", MAX_WAIT.as_secs());
            return Err(RefreshError::RetryLater { connection: self.connection.clone(), reason, wait: Duration::ZERO });
        }
        if waited >= REPORT_AFTER && !self.reported {
            self.reported = true;
            if let Some(observer) = &self.observer {
                let most = MAX_WAIT.as_secs();
                let text = format!(
                    "waiting at most {most} s for another process that refreshes the token of {}",
                    self.connection
                );
                observer.on_wait(&text);
            }
        }
        Ok(())
    }
}

/// Extends a refresh lease until it is dropped.
pub(super) struct LeaseHeartbeat(tokio::task::JoinHandle<()>);

impl LeaseHeartbeat {
    /// Starts a task that extends the lease every [`HEARTBEAT_INTERVAL`].
    pub(super) fn start(store: SharedStore, claim: RefreshClaim) -> Self {
        Self(tokio::spawn(async move {
            loop {
                tokio::time::sleep(HEARTBEAT_INTERVAL).await;
                // A database that fails now may respond to the next extension. A lease that was taken over is extended
                // by its new holder; the token of this process is stored if it is the first one.
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
        let began = Instant::now();
        waiting.check(began).unwrap();
        let error = waiting.check(began + MAX_WAIT).unwrap_err().to_string();
        let expect = "could not refresh the token of connection `ann` of `shop`: another process has been refreshing \
                      it for 90 s; next attempt in 1 s";
        assert_eq!(error, expect);
    }
}
