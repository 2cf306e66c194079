//! The request to stop a run.

use std::sync::Arc;

use tokio::sync::watch;

use crate::error::{Error, ErrorKind};

/// Asks a run to stop: its next call fails, what was committed stays.
#[derive(Debug, Clone)]
pub struct Stop(Arc<watch::Sender<bool>>);

impl Default for Stop {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

impl Stop {
    /// Asks for it. Asking again changes nothing.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }

    /// Whether it was asked for.
    pub fn is_stopped(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it is asked for.
    pub async fn stopped(&self) {
        let mut asked = self.0.subscribe();
        // The sender is held by `self`, so waiting cannot fail.
        let _ = asked.wait_for(|stopped| *stopped).await;
    }
}

/// The error of a run that was asked to stop.
pub(crate) fn interrupted() -> Error {
    Error::new(ErrorKind::Interrupted, "the run was asked to stop; what it committed stays, and the next run goes on")
}
