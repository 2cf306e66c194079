//! Why a call has no usable answer.

use std::time::Duration;

use jiff::Timestamp;

use super::{AuthError, TransportError};
use crate::error::{Error, ErrorKind, HttpFailure};

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpError {
    /// The API answered with a status that the call does not accept.
    #[error(transparent)]
    Status(Box<HttpFailure>),
    /// The API asks for a longer wait than a run may sleep.
    #[error("the API asks to wait until {until} ({}), longer than the {} that a run waits: {failure}", format_wait(*wait), format_wait(*max_wait))]
    WaitTooLong {
        /// The answer that asks for it.
        #[source]
        failure: Box<HttpFailure>,
        /// How long it asks to wait.
        wait: Duration,
        /// When the wait would be over, as `2026-11-22T12:00:00Z`.
        until: String,
        /// The longest wait that is allowed.
        max_wait: Duration,
    },
    /// What the API allows is used up for longer than a run may wait; nothing was sent.
    #[error("{sent} was not sent: what the API allows is used up until {until} ({}), longer than the {} that a run waits", format_wait(*wait), format_wait(*max_wait))]
    RateLimitExhausted {
        /// Method and URL, without its query.
        sent: String,
        /// How long it is until then.
        wait: Duration,
        /// When there is more, as `2026-11-22T12:00:00Z`.
        until: String,
        /// The longest wait that is allowed.
        max_wait: Duration,
    },
    /// No answer, or only a part of one.
    #[error("{sent} failed{}: {source}", attempts_suffix(*attempts))]
    Network {
        /// Method and URL, without its query.
        sent: String,
        /// How often it was sent.
        attempts: u32,
        /// What happened.
        source: TransportError,
    },
    /// The body is larger than the client holds in memory.
    #[error("{sent} answered with more than {}: read it with `.stream()`, or ask for smaller pages", format_bytes(*limit))]
    TooLarge {
        /// Method and URL, without its query.
        sent: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// Redirects without end, or to a place that cannot be asked.
    #[error("{sent} {reason}")]
    Redirect {
        /// Method and URL, without its query.
        sent: String,
        /// What is wrong.
        reason: String,
    },
    /// The endpoint does not make a URL.
    #[error("`{endpoint}` is no endpoint: {reason}")]
    Endpoint {
        /// The endpoint, without its query.
        endpoint: String,
        /// What is wrong.
        reason: String,
    },
    /// The body cannot be sent as the call asks.
    #[error("the body of `{endpoint}` {reason}")]
    Body {
        /// The endpoint, without its query.
        endpoint: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// The request could not be given its credentials.
    #[error(transparent)]
    Auth(#[from] AuthError),
}

impl HttpError {
    /// The error that functions see. A status failure stays reachable by [`Error::http`].
    #[must_use]
    pub fn into_error(self) -> Error {
        match self {
            Self::Status(failure) => Error::from(*failure),
            Self::WaitTooLong { failure, wait, until, max_wait: longest } => Error::new(ErrorKind::RateLimit, *failure)
                .context(format!(
                    "the API asks to wait until {until} ({}), longer than the {} that a run waits",
                    format_wait(wait),
                    format_wait(longest)
                )),
            other => {
                let kind = match &other {
                    Self::Network { source: TransportError::Unreadable(_), .. } | Self::TooLarge { .. } => {
                        ErrorKind::Decode
                    }
                    Self::Network { source: TransportError::Cancelled, .. } => ErrorKind::Interrupted,
                    // The settings of the instance or of the connection have to change, not the network.
                    Self::Network { source: TransportError::EgressDenied(_), .. }
                    | Self::Auth(AuthError::Missing(_) | AuthError::Refused(_)) => ErrorKind::Connection,
                    Self::Network { .. } | Self::Auth(AuthError::Network(_) | AuthError::RetryLater { .. }) => {
                        ErrorKind::Network
                    }
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

/// The moment so long after `now`, as `2026-11-22T12:00:00Z`.
pub(super) fn format_time_after(now: i64, wait: Duration) -> String {
    let micros = i64::try_from(wait.as_micros()).unwrap_or(i64::MAX);
    let time = Timestamp::from_microsecond(now.saturating_add(micros)).unwrap_or(Timestamp::MAX);
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A wait for people, in whole seconds: `12 s`, `3 min 20 s`, `1 h 0 min`.
pub(super) fn format_wait(wait: Duration) -> String {
    // Half of a second more is a second more.
    let seconds = wait.saturating_add(Duration::from_millis(500)).as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, 0) => format!("{minutes} min"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}
