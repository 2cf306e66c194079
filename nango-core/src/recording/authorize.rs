//! Authorizer of a recorded run.

use std::sync::Arc;

use super::journal::Journal;
use crate::http::{AuthError, Authorize, BoxFuture, CredentialsVersion, OutgoingRequest};

/// Authorizer that keeps each request as it is before credentials are added.
#[derive(Debug)]
pub(super) struct RecordingAuthorize {
    pub(super) journal: Arc<Journal>,
    pub(super) inner: Arc<dyn Authorize>,
}

impl Authorize for RecordingAuthorize {
    fn authorize<'a>(
        &'a self,
        request: &'a mut OutgoingRequest,
    ) -> BoxFuture<'a, Result<CredentialsVersion, AuthError>> {
        request.unauthorized = Some(Arc::new(request.to_unauthorized()));
        Box::pin(async {
            let used = self.inner.authorize(request).await;
            if let Err(error) = &used {
                self.journal.record_unusable(error);
            }
            used
        })
    }

    fn on_unauthorized(&self, used: CredentialsVersion) -> BoxFuture<'_, Result<bool, AuthError>> {
        Box::pin(async move {
            let outcome = self.inner.on_unauthorized(used).await;
            self.journal.record_unauthorized(&outcome);
            outcome
        })
    }
}
