//! Authorization of requests: the interface between the HTTP client and credentials.

use std::{
    error::Error as StdError,
    fmt::{self, Debug},
    sync::Arc,
    time::Duration,
};

use futures_util::future::{BoxFuture, ready};

use super::OutgoingRequest;
use crate::error::{ErrorKind, Remedy};

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

/// Error of adding credentials to a request. Its text and its source are those of the cause, an error of the layer
/// above, which chooses the kind; it contains no secret.
#[derive(Debug, Clone)]
pub struct AuthError {
    kind: ErrorKind,
    /// Boxed, because errors of requests are returned at many levels and should stay small.
    remedy: Option<Box<Remedy>>,
    wait: Option<Duration>,
    cause: Arc<dyn StdError + Send + Sync>,
}

impl AuthError {
    /// Creates an error of the kind that functions receive.
    pub fn new(kind: ErrorKind, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { kind, remedy: None, wait: None, cause: Arc::from(cause.into()) }
    }

    /// Sets the time until the next attempt, if a token refresh failed recently and is not retried yet.
    #[must_use]
    pub(crate) fn with_wait(mut self, wait: Option<Duration>) -> Self {
        self.wait = wait;
        self
    }

    /// Sets the next step that fixes the cause.
    #[must_use]
    pub(crate) fn with_remedy(mut self, remedy: Option<Remedy>) -> Self {
        self.remedy = remedy.map(Box::new);
        self
    }

    /// Returns the kind of the error that functions receive.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Returns the time until the next attempt, if a token refresh failed recently and is not retried yet.
    pub fn wait(&self) -> Option<Duration> {
        self.wait
    }

    /// Returns the next step that fixes the cause.
    pub(crate) fn remedy(&self) -> Option<Remedy> {
        self.remedy.as_deref().cloned()
    }
}

impl fmt::Display for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.cause, f)
    }
}

impl StdError for AuthError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause.source()
    }
}

/// An authorizer that adds no credentials.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct NoAuth;

impl Authorize for NoAuth {
    fn authorize<'a>(
        &'a self,
        _request: &'a mut OutgoingRequest,
    ) -> BoxFuture<'a, Result<CredentialsVersion, AuthError>> {
        Box::pin(ready(Ok(CredentialsVersion::default())))
    }
}
