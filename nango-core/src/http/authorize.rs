//! The door between the pipeline and credentials.

use std::{fmt::Debug, time::Duration};

use futures_util::future::{BoxFuture, ready};

use super::OutgoingRequest;

/// Puts credentials into requests to the origin of a connection's base URL.
///
/// A future, so that an implementation can refresh a token first.
pub trait Authorize: Send + Sync + Debug {
    /// Adds what is missing; what the caller set stays. Gives the version of the credentials that were put in.
    fn authorize<'a>(
        &'a self,
        request: &'a mut OutgoingRequest,
    ) -> BoxFuture<'a, Result<CredentialsVersion, AuthError>>;

    /// The API answered 401 to a request with the credentials of this version. `true`: there are others now, and the
    /// request is worth sending once more. An error takes the place of the answer, because it says what to do.
    fn refused(&self, used: CredentialsVersion) -> BoxFuture<'_, Result<bool, AuthError>> {
        let _ = used;
        Box::pin(ready(Ok(false)))
    }
}

/// A version of a connection's credentials; 0 for those that do not change.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CredentialsVersion(pub u64);

/// Why a request could not be given its credentials. The text names what is missing and where it is set, or what
/// happened; it holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// A value of the configuration is missing or cannot be used.
    #[error("{0}")]
    Missing(String),
    /// The API took the credentials back: the connection must be made again.
    #[error("{0}")]
    Refused(String),
    /// New credentials could not be had a moment ago, and are asked for again only later.
    #[error("{message}")]
    RetryLater {
        /// What happened, and when the next attempt is.
        message: String,
        /// How long it is until then.
        wait: Duration,
    },
    /// The server that gives credentials could not be reached, or answered nonsense.
    #[error("{0}")]
    Network(String),
}

/// No credentials.
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
