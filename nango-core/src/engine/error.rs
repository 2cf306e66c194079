//! Errors of the dispatcher.

#[cfg(feature = "server")]
use std::time::Duration;

use crate::{
    declare::Registry,
    error::{Error, ErrorKind, register_layer_error},
    store::StoreError,
};

/// Error of a request to the dispatcher.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum EngineError {
    /// The program declares no such sync.
    #[error("{}", unknown_sync(.integration, .sync, .known))]
    UnknownSync {
        /// Unique key of the integration.
        integration: String,
        /// Name of the sync.
        sync: String,
        /// Names of the declared syncs.
        known: Vec<String>,
    },
    /// The connection does not exist.
    #[error("the connection `{connection}` of `{integration}` does not exist")]
    UnknownConnection {
        /// Unique key of the integration.
        integration: String,
        /// Id of the connection.
        connection: String,
    },
    /// The variant of the sync does not exist.
    #[error("the sync `{sync}` of connection `{connection}` has no variant `{variant}`; create it first")]
    UnknownVariant {
        /// Name of the sync.
        sync: String,
        /// Id of the connection.
        connection: String,
        /// Name of the variant.
        variant: String,
    },
    /// The variant exists.
    #[error("the sync `{sync}` of connection `{connection}` has a variant `{variant}` already")]
    #[cfg(feature = "server")]
    VariantExists {
        /// Name of the sync.
        sync: String,
        /// Id of the connection.
        connection: String,
        /// Name of the variant.
        variant: String,
    },
    /// The name cannot be that of a variant.
    #[error(
        "`{variant}` cannot be the name of a variant: use 1 to 255 bytes without `::` and control characters, other \
         than `base`"
    )]
    #[cfg(feature = "server")]
    VariantName {
        /// Given name.
        variant: String,
    },
    /// The sync has as many variants as it may have.
    #[error("the sync `{sync}` of connection `{connection}` has {limit} variants, which is the limit")]
    #[cfg(feature = "server")]
    TooManyVariants {
        /// Name of the sync.
        sync: String,
        /// Id of the connection.
        connection: String,
        /// Maximum number.
        limit: usize,
    },
    /// No action can start within the time that a caller waits.
    #[error(
        "no action could start within {} s: {limit} are running, which is the limit of this process; try again later, \
         or raise `actions` under `[limits]` in nango.toml",
        waited.as_secs()
    )]
    #[cfg(feature = "server")]
    Busy {
        /// Maximum number of running actions.
        limit: u32,
        /// Time that the caller waited.
        waited: Duration,
    },
    /// The process stops and starts nothing.
    #[error("the server is stopping and starts no runs: send the request again")]
    #[cfg(feature = "server")]
    Stopping,
    /// No process serves the database any more, and the run was not started.
    #[error("the process that served the database has ended, and the run was not started")]
    NotServed,
    /// The run does not exist.
    #[error("the run {0} does not exist: it was cancelled before it started, or its connection was removed")]
    NoRun(uuid::Uuid),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

register_layer_error!(EngineError);

impl EngineError {
    /// Converts this into the error that functions receive.
    pub(crate) fn into_error(self) -> Error {
        match self {
            Self::Store(error) => error.into_error(),
            Self::UnknownConnection { .. } => Error::new(ErrorKind::Connection, self),
            #[cfg(feature = "server")]
            Self::Busy { .. } => Error::new(ErrorKind::RateLimit, self),
            #[cfg(feature = "server")]
            Self::Stopping => Error::new(ErrorKind::Interrupted, self),
            Self::NotServed | Self::NoRun(_) => Error::new(ErrorKind::Interrupted, self),
            other => Error::new(ErrorKind::Input, other),
        }
    }
}

fn unknown_sync(integration: &str, sync: &str, known: &[String]) -> String {
    Registry::unknown_message(&format!("sync of `{integration}` named"), sync, known)
}
