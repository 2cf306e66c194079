//! Token that permits the writes of a run. It exists from the start of the run, or from its first write.

use std::sync::Arc;

use tokio::sync::OnceCell;
use uuid::Uuid;

use crate::{declare::BoxFuture, error::Result, store::RunToken};

/// Starts a run in the database at its first write.
pub(crate) trait StartRun: Send + Sync {
    /// Stores the run as active, and returns its token.
    fn start(self: Arc<Self>) -> BoxFuture<Result<RunToken>>;
}

/// Token of a run, see the module.
pub(crate) struct WriteToken {
    run: Uuid,
    token: OnceCell<RunToken>,
    start: Option<Arc<dyn StartRun>>,
}

impl WriteToken {
    /// Creates the token of a run that has started.
    pub(crate) fn started(token: RunToken) -> Self {
        Self { run: token.id, token: OnceCell::new_with(Some(token)), start: None }
    }

    /// Creates the token of a run with this public id that starts with its first write.
    pub(crate) fn deferred(run: Uuid, start: Arc<dyn StartRun>) -> Self {
        Self { run, token: OnceCell::new(), start: Some(start) }
    }

    /// Returns the public id of the run.
    pub(super) fn run_id(&self) -> Uuid {
        self.run
    }

    /// Returns the token, and starts the run if it has not started.
    pub(super) async fn get(&self) -> Result<RunToken> {
        let start = || async {
            match &self.start {
                Some(start) => Arc::clone(start).start().await,
                None => Err(crate::store::StoreError::LeaseLost.into_error()),
            }
        };
        self.token.get_or_try_init(start).await.copied()
    }

    /// Returns the token, or `None` if the run has written nothing.
    pub(super) fn current(&self) -> Option<RunToken> {
        self.token.get().copied()
    }
}
