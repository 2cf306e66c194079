//! Errors of obtaining a token.

use std::time::Duration;

use crate::{
    error::{Error, ErrorKind, Remedy, register_layer_error},
    provider::{ResolveError, sign::SignError},
    redact::{MAX_MESSAGE_BYTES, Redactor, one_line, truncated},
};

/// Reasons why no token was obtained.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ObtainError {
    /// A setting is missing or invalid; no request was sent.
    #[error("{0}")]
    Setup(String),
    /// A template value is missing or invalid; no request was sent.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// The request cannot be signed; no request was sent.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// The random number generator of the system failed; no request was sent.
    #[error("the random number generator of the system failed")]
    NoRandomness(#[source] getrandom::Error),
    /// The provider rejected the credentials.
    #[error("{0}")]
    Refused(String),
    /// There was no usable response. The provider may have issued a token nevertheless. The message is a text, because
    /// secrets are removed from it, and it is stored with the connection.
    #[error("{message}")]
    Failed {
        /// The problem.
        message: String,
        /// Wait that the provider requested.
        wait: Option<Duration>,
        /// Whether the token server responded, with something other than a temporary error.
        responded: bool,
    },
}

register_layer_error!(ObtainError);

impl ObtainError {
    /// Returns the next step that fixes the cause.
    pub(crate) fn remedy(&self) -> Option<Remedy> {
        if let Self::Resolve(error) = self { error.remedy() } else { None }
    }

    /// Converts this into the error that functions receive.
    pub(crate) fn into_error(self) -> Error {
        let remedy = self.remedy();
        Error::new(ErrorKind::Connection, self).with_remedy(remedy)
    }

    /// Returns the error without secrets, on one line of at most 4,096 bytes, because it is stored with the connection.
    pub(super) fn redacted(self, redactor: &Redactor) -> Self {
        let hide = |text: String| truncated(one_line(&redactor.hide(&text)).into(), MAX_MESSAGE_BYTES).into_owned();
        match self {
            Self::Setup(text) => Self::Setup(hide(text)),
            Self::Refused(text) => Self::Refused(hide(text)),
            Self::Failed { message, wait, responded } => Self::Failed { message: hide(message), wait, responded },
            error @ (Self::Resolve(_) | Self::Sign(_) | Self::NoRandomness(_)) => error,
        }
    }
}
