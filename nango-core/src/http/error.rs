//! Errors of requests: the reasons why a request has no usable response.

use std::time::Duration;

use super::{AuthError, TransportError};
use crate::{
    error::{Error, ErrorKind, HttpFailure},
    time::{Timestamp, format_span, rounded_to_seconds},
};

/// Error of a request.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpError {
    /// The API returned a status that the request does not accept.
    #[error(transparent)]
    Status(Box<HttpFailure>),
    /// The API requires a longer wait than a run may sleep.
    #[error(
        "the API requires a wait until {until:.0} ({}), longer than the maximum of {}: {failure}",
        format_wait(*wait),
        format_wait(*max_wait)
    )]
    WaitTooLong {
        /// The response that requires the wait.
        #[source]
        failure: Box<HttpFailure>,
        /// The required wait.
        wait: Duration,
        /// End of the wait by the local clock.
        until: Timestamp,
        /// Maximum wait.
        max_wait: Duration,
    },
    /// The rate limit is exhausted for longer than a run may wait; nothing was sent.
    #[error(
        "{request} was not sent: the rate limit is exhausted until {until:.0} ({}), longer than the maximum wait of {}",
        format_wait(*wait),
        format_wait(*max_wait)
    )]
    RateLimitExhausted {
        /// Method and URL, without its query.
        request: String,
        /// Time until the limit allows another request.
        wait: Duration,
        /// Time at which the limit allows another request by the local clock.
        until: Timestamp,
        /// Maximum wait.
        max_wait: Duration,
    },
    /// No response, or an incomplete one.
    #[error("{request} failed{}: {source}", attempts_suffix(*attempts))]
    Network {
        /// Method and URL, without its query.
        request: String,
        /// Number of attempts that were sent.
        attempts: u32,
        /// The cause.
        source: TransportError,
    },
    /// The response body exceeds the limit of buffered bodies.
    #[error(
        "{request} returned more than {}: read the body with `.stream()`, or request smaller pages",
        format_bytes(*limit)
    )]
    TooLarge {
        /// Method and URL, without its query.
        request: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// Too many redirects, or a redirect that is not followed.
    #[error("{request} {reason}")]
    Redirect {
        /// Method and URL, without its query.
        request: String,
        /// The reason, for the message.
        reason: String,
    },
    /// The endpoint does not result in a valid URL.
    #[error("invalid endpoint `{endpoint}`: {reason}")]
    Endpoint {
        /// The endpoint, without its query.
        endpoint: String,
        /// The reason, for the message.
        reason: String,
    },
    /// The body cannot be sent with the options of the request.
    #[error("the body of `{endpoint}` {reason}")]
    Body {
        /// The endpoint, without its query.
        endpoint: String,
        /// The reason, for the message.
        reason: &'static str,
    },
    /// The credentials could not be added to the request.
    #[error(transparent)]
    Auth(#[from] AuthError),
}

impl HttpError {
    /// Converts this into the error that functions receive. A status failure stays available as [`Error::http`].
    #[must_use]
    pub fn into_error(self) -> Error {
        match self {
            Self::Status(failure) => Error::from(*failure),
            Self::WaitTooLong { failure, wait, until, max_wait: longest } => Error::new(ErrorKind::RateLimit, *failure)
                .context(format!(
                    "the API requires a wait until {until:.0} ({}), longer than the maximum of {}",
                    format_wait(wait),
                    format_wait(longest)
                )),
            other => {
                let kind = match &other {
                    Self::Network { source: TransportError::Unreadable(_), .. } | Self::TooLarge { .. } => {
                        ErrorKind::Decode
                    }
                    Self::Network { source: TransportError::Cancelled, .. } => ErrorKind::Interrupted,
                    // The remedy is in the settings of the operator or of the connection, not in the network.
                    Self::Network { source: TransportError::EgressDenied(_), .. }
                    | Self::Auth(AuthError::Missing(_) | AuthError::Refused(_)) => ErrorKind::Connection,
                    Self::Network { .. } | Self::Auth(AuthError::Network(_) | AuthError::RetryLater { .. }) => {
                        ErrorKind::Network
                    }
                    Self::Auth(AuthError::Store { source, .. }) => source.kind(),
                    Self::Redirect { .. } => ErrorKind::Http,
                    Self::RateLimitExhausted { .. } => ErrorKind::RateLimit,
                    _ => ErrorKind::Internal,
                };
                Error::new(kind, other)
            }
        }
    }
}

fn attempts_suffix(attempts: u32) -> String {
    if attempts > 1 { format!(" after {attempts} attempts") } else { String::new() }
}

fn format_bytes(bytes: u64) -> String {
    const MIB: u64 = 1 << 20;
    if bytes >= MIB && bytes.is_multiple_of(MIB) { format!("{} MiB", bytes / MIB) } else { format!("{bytes} bytes") }
}

/// Formats a wait, rounded to whole seconds.
pub(super) fn format_wait(wait: Duration) -> String {
    format_span(rounded_to_seconds(wait))
}
