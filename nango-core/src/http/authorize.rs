//! Authorization of requests: the interface between the HTTP client and credentials.

use std::{fmt::Debug, sync::Arc, time::Duration};

use futures_util::future::{BoxFuture, ready};

use super::OutgoingRequest;
use crate::store::StoreError;

/// Adds credentials to requests to the origin of a connection's base URL.
///
/// The methods return futures, so that an implementation can refresh a token first.
pub trait Authorize: Send + Sync + Debug {
    /// Adds the credentials, keeps headers and parameters that the caller set, and returns the version of the
    /// credentials.
    fn authorize<'a>(
        &'a self,
        request: &'a mut OutgoingRequest,
    ) -> BoxFuture<'a, Result<CredentialsVersion, AuthError>>;

    /// Called when the API responds 401 to a request with the credentials of version `used`. Returns `true` if there
    /// are newer credentials, so that the request is sent once more. An error replaces the response, because it names
    /// the remedy.
    fn on_unauthorized(&self, used: CredentialsVersion) -> BoxFuture<'_, Result<bool, AuthError>> {
        let _ = used;
        Box::pin(ready(Ok(false)))
    }
}

/// A version of a connection's credentials; 0 for those that do not change.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CredentialsVersion(pub u64);

/// Reason why credentials could not be added to a request. The message names what is missing and where it is set, or
/// what happened; it contains no secret.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// A value of the configuration is missing or cannot be used.
    #[error("{0}")]
    Missing(String),
    /// The provider revoked the credentials: the connection must be created again.
    #[error("{0}")]
    Refused(String),
    /// A token refresh failed recently and is not retried yet.
    #[error("{message}")]
    RetryLater {
        /// The failure, and the time of the next attempt.
        message: String,
        /// Time until the next attempt.
        wait: Duration,
    },
    /// The token server could not be reached, or its response is invalid.
    #[error("{0}")]
    Network(String),
    /// The token refresh ended early.
    #[error("{0}")]
    Aborted(String),
    /// The stored credentials could not be read or written.
    #[error("{message}")]
    Store {
        /// The operation that failed.
        message: String,
        /// Cause of the failure.
        #[source]
        source: Arc<StoreError>,
    },
}

/// An authorizer that adds no credentials.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoAuth;

impl Authorize for NoAuth {
    fn authorize<'a>(
        &'a self,
        _request: &'a mut OutgoingRequest,
    ) -> BoxFuture<'a, Result<CredentialsVersion, AuthError>> {
        Box::pin(ready(Ok(CredentialsVersion::default())))
    }
}
