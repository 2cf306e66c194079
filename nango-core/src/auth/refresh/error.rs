//! Errors of token refresh, and their conversion to errors of requests and of functions.

use std::{sync::Arc, time::Duration};

use crate::{
    auth::{InjectError, KeyError, ObtainError},
    error::{Error, ErrorKind, Remedy, register_layer_error},
    http::AuthError,
    provider::ResolveError,
    store::StoreError,
};

/// Reasons why a token could not be refreshed.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum RefreshError {
    /// A setting is missing or invalid; no request was sent.
    #[error("cannot refresh the token of {connection}")]
    Setup {
        /// Description of the connection, for messages.
        connection: String,
        /// Cause of the failure; shared, because all callers of a refresh receive its error.
        #[source]
        source: Arc<SetupError>,
    },
    /// The provider rejected the credentials. The refresh is not retried until they are replaced.
    #[error(
        "connection `{connection}` of `{integration}` must be connected again: the provider rejected its credentials: \
         {reason}"
    )]
    Refused {
        /// Unique key of the integration.
        integration: String,
        /// Id of the connection.
        connection: String,
        /// Message of the provider, redacted.
        reason: String,
    },
    /// The provider issued no token. Further attempts fail with this error until `wait` has passed.
    #[error("could not refresh the token of {connection}: {reason}; next attempt in {} s", wait.as_secs().max(1))]
    RetryLater {
        /// Description of the connection, for messages.
        connection: String,
        /// The problem.
        reason: String,
        /// Time until the next attempt.
        wait: Duration,
    },
    /// The credentials cannot be decrypted.
    #[error("cannot decrypt the credentials of {connection}")]
    Sealed {
        /// Description of the connection, for messages.
        connection: String,
        /// Cause of the failure.
        #[source]
        source: KeyError,
    },
    /// The database failed, or the connection was removed ([`StoreError::NoConnection`]).
    #[error("cannot load or store the credentials of {connection}")]
    Store {
        /// Description of the connection, for messages.
        connection: String,
        /// Cause of the failure; shared, because all callers of a refresh receive its error.
        #[source]
        source: Arc<StoreError>,
    },
    /// The refresh itself ended early: it panicked, or the process is shutting down.
    #[error("the token refresh of {connection} was aborted: {reason}")]
    Aborted {
        /// Description of the connection, for messages.
        connection: String,
        /// The problem.
        reason: &'static str,
    },
}

/// Reasons why a token cannot be requested, or used, with the current settings.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// No token can be requested.
    #[error(transparent)]
    Obtain(#[from] ObtainError),
    /// The base URL cannot be resolved with the new credentials.
    #[error(transparent)]
    BaseUrl(#[from] ResolveError),
    /// The new credentials cannot be added to requests.
    #[error(transparent)]
    Inject(#[from] InjectError),
    /// The new credentials belong to another host.
    #[error("its base URL points to another host since the run started; start another run")]
    HostChanged,
}

impl SetupError {
    /// Returns the next step that fixes the cause.
    fn remedy(&self) -> Option<Remedy> {
        match self {
            Self::Obtain(error) => error.remedy(),
            Self::BaseUrl(error) => error.remedy(),
            Self::Inject(error) => error.remedy(),
            Self::HostChanged => None,
        }
    }
}

register_layer_error!(RefreshError);

impl RefreshError {
    /// Returns the kind of the error that functions receive. It follows the remedy: other credentials or settings, or
    /// another attempt later if the provider did not respond.
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Setup { .. } | Self::Refused { .. } | Self::Sealed { .. } => ErrorKind::Connection,
            Self::RetryLater { .. } => ErrorKind::Network,
            Self::Store { source, .. } => source.kind(),
            Self::Aborted { .. } => ErrorKind::Internal,
        }
    }

    /// Returns the next step that fixes the cause.
    pub(crate) fn remedy(&self) -> Option<Remedy> {
        match self {
            Self::Setup { source, .. } => source.remedy(),
            Self::Refused { integration, connection, .. } => Some(Remedy::ReplaceCredentials {
                integration: integration.clone(),
                connection: Some(connection.clone()),
            }),
            Self::Store { source, .. } => source.remedy(),
            Self::RetryLater { .. } | Self::Sealed { .. } | Self::Aborted { .. } => None,
        }
    }

    /// Converts this into the error that functions receive. The [`KeyError`] and the [`StoreError`] stay in the chain
    /// of sources, because the code on the wire and the exit code depend on them.
    pub(crate) fn into_error(self) -> Error {
        let remedy = self.remedy();
        Error::new(self.kind(), self).with_remedy(remedy)
    }
}

impl From<RefreshError> for AuthError {
    fn from(error: RefreshError) -> Self {
        let wait = if let RefreshError::RetryLater { wait, .. } = &error { Some(*wait) } else { None };
        let (kind, remedy) = (error.kind(), error.remedy());
        Self::new(kind, error).with_wait(wait).with_remedy(remedy)
    }
}
