//! Cancellation of a run by a signal, a lost lease or its caller.

use std::sync::Arc;

use tokio::sync::watch;

use crate::error::{Error, ErrorKind};

/// Cancellation signal of a run. After it, the next call of a handle fails; committed pages are kept.
#[derive(Debug, Clone)]
pub struct Cancellation(Arc<watch::Sender<bool>>);

impl Default for Cancellation {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

impl Cancellation {
    /// Cancels the run. Further calls have no effect.
    pub fn cancel(&self) {
        self.0.send_replace(true);
    }

    /// Returns whether the run was cancelled.
    pub fn is_cancelled(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until the run is cancelled.
    pub async fn cancelled(&self) {
        let mut receiver = self.0.subscribe();
        // `self` owns the sender, so waiting cannot fail.
        let _ = receiver.wait_for(|cancelled| *cancelled).await;
    }
}

/// Returns the error of a cancelled run.
pub(crate) fn interrupted() -> Error {
    Error::new(ErrorKind::Interrupted, "the run was cancelled; committed pages are kept, and the next run resumes")
}
