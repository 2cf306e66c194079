//! Errors of requests: the reasons why a request has no usable response.

use std::time::Duration;

use super::{AuthError, TransportError, endpoint_error::EndpointError};
use crate::{
    error::{Error, ErrorKind, HttpFailure, Remedy, register_layer_error},
    time::{Timestamp, format_span, rounded_to_seconds},
};

/// Error of a request.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpError {
    /// The API returned a status that the request does not accept.
    #[error(transparent)]
    Status(Box<HttpFailure>),
    /// The API returned a success status, but the body has a declared error.
    #[error(transparent)]
    Declared(Box<HttpFailure>),
    /// The API requires a longer wait than a run may sleep.
    #[error(
        "the API requires a wait until {until:.0} ({}), longer than the maximum of {}",
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
    #[error("{request} failed{}", attempts_suffix(*attempts))]
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
    #[error("invalid endpoint `{endpoint}`")]
    Endpoint {
        /// The endpoint, without its query.
        endpoint: String,
        /// Cause of the failure.
        source: EndpointError,
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

register_layer_error!(HttpError);

impl HttpError {
    /// Returns the kind of the error that functions receive.
    pub(crate) fn kind(&self) -> ErrorKind {
        match self {
            Self::Status(failure) | Self::Declared(failure) => failure.kind(),
            Self::Network { source, .. } => match source {
                TransportError::Unreadable(_) => ErrorKind::Decode,
                TransportError::Cancelled => ErrorKind::Interrupted,
                // The remedy is in the settings of the operator or of the connection, not in the network.
                TransportError::EgressDenied(_) => ErrorKind::Connection,
                _ => ErrorKind::Network,
            },
            Self::TooLarge { .. } => ErrorKind::Decode,
            Self::Redirect { .. } => ErrorKind::Http,
            Self::WaitTooLong { .. } | Self::RateLimitExhausted { .. } => ErrorKind::RateLimit,
            Self::Endpoint { .. } | Self::Body { .. } => ErrorKind::Internal,
            Self::Auth(error) => error.kind(),
        }
    }

    /// Returns the next step that fixes the cause.
    pub(crate) fn remedy(&self) -> Option<Remedy> {
        if let Self::Auth(error) = self { error.remedy() } else { None }
    }

    /// Converts this into the error that functions receive. A status failure stays available as [`Error::http`].
    #[must_use]
    pub fn into_error(self) -> Error {
        match self {
            Self::Status(failure) | Self::Declared(failure) => Error::from(*failure),
            Self::WaitTooLong { failure, wait, until, max_wait: longest } => Error::new(ErrorKind::RateLimit, *failure)
                .context(format!(
                    "the API requires a wait until {until:.0} ({}), longer than the maximum of {}",
                    format_wait(wait),
                    format_wait(longest)
                )),
            other => {
                let remedy = other.remedy();
                Error::new(other.kind(), other).with_remedy(remedy)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cause_of_a_network_error_is_displayed_once() {
        let request = "GET https://h.test/a".to_owned();
        let source = TransportError::IdleTimeout("no byte arrived".into());
        let error = Error::from(HttpError::Network { request, attempts: 2, source });
        assert_eq!(error.kind(), ErrorKind::Network);
        assert_eq!(
            error.to_string(),
            "GET https://h.test/a failed after 2 attempts: the server sent no data within the idle timeout: no byte \
             arrived"
        );
    }

    #[test]
    fn failed_status_is_found_after_the_question_mark_operator() {
        let failure = HttpFailure::new(
            "GET".into(),
            "https://h.test/a".into(),
            404,
            reqwest::header::HeaderMap::new(),
            bytes::Bytes::new(),
            1,
        );
        let error = Error::from(HttpError::Status(Box::new(failure)));
        assert_eq!((error.kind(), error.http().map(|http| http.status)), (ErrorKind::Http, Some(404)));
    }
}
