//! Errors of requests without a complete response, in a recording.

use std::{error::Error as StdError, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    error::Chain,
    http::{EgressDenied, TransportError},
};

/// Error of a request in a recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum RecordedError {
    /// The server could not be reached.
    Unreachable { message: String },
    /// The server sent no data within the idle timeout.
    IdleTimeout { message: String },
    /// The response was incomplete at the end of the timeout.
    Timeout { seconds: f64 },
    /// A reused connection had ended.
    StaleConnection { message: String },
    /// The connection was lost.
    Disconnected { message: String },
    /// The response could not be decoded.
    Unreadable { message: String },
    /// The run was cancelled while it waited for the response.
    Cancelled,
    /// The egress policy denied the target.
    EgressDenied { host: String, reason: String },
    /// The request could not be sent.
    InvalidRequest { message: String },
    /// The recorded run did not wait for the response, or did not read the rest of its body.
    Unread,
    /// The rest of the body was too long for the recording.
    TooLong,
}

impl RecordedError {
    /// Creates the form of an error.
    pub(super) fn new(error: &TransportError) -> Self {
        let text = |source: &(dyn StdError + Send + Sync + 'static)| Chain(source).to_string();
        match error {
            TransportError::Unreachable(source) => Self::Unreachable { message: text(&**source) },
            TransportError::IdleTimeout(source) => Self::IdleTimeout { message: text(&**source) },
            TransportError::Timeout(limit) => Self::Timeout { seconds: limit.as_secs_f64() },
            TransportError::StaleConnection(source) => Self::StaleConnection { message: text(&**source) },
            TransportError::Disconnected(source) => Self::Disconnected { message: text(&**source) },
            TransportError::Unreadable(source) => Self::Unreadable { message: text(&**source) },
            TransportError::Cancelled => Self::Cancelled,
            TransportError::EgressDenied(denied) => {
                let (host, reason) = denied.parts();
                Self::EgressDenied { host: host.to_owned(), reason: reason.to_owned() }
            }
            TransportError::InvalidRequest(source) => Self::InvalidRequest { message: text(&**source) },
        }
    }

    /// Returns the error with `change` applied to its texts.
    pub(super) fn map(self, change: impl Fn(&str) -> String) -> Self {
        match self {
            Self::Unreachable { message } => Self::Unreachable { message: change(&message) },
            Self::IdleTimeout { message } => Self::IdleTimeout { message: change(&message) },
            Self::StaleConnection { message } => Self::StaleConnection { message: change(&message) },
            Self::Disconnected { message } => Self::Disconnected { message: change(&message) },
            Self::Unreadable { message } => Self::Unreadable { message: change(&message) },
            Self::EgressDenied { host, reason } => Self::EgressDenied { host: change(&host), reason: change(&reason) },
            Self::InvalidRequest { message } => Self::InvalidRequest { message: change(&message) },
            same @ (Self::Timeout { .. } | Self::Cancelled | Self::Unread | Self::TooLong) => same,
        }
    }

    /// Returns the error that a replay reports.
    pub(super) fn to_transport_error(&self) -> TransportError {
        match self.clone() {
            Self::Unreachable { message } => TransportError::Unreachable(message.into()),
            Self::IdleTimeout { message } => TransportError::IdleTimeout(message.into()),
            Self::Timeout { seconds } => {
                TransportError::Timeout(Duration::try_from_secs_f64(seconds).unwrap_or_default())
            }
            Self::StaleConnection { message } => TransportError::StaleConnection(message.into()),
            Self::Disconnected { message } => TransportError::Disconnected(message.into()),
            Self::Unreadable { message } => TransportError::Unreadable(message.into()),
            Self::Cancelled => TransportError::Cancelled,
            Self::EgressDenied { host, reason } => TransportError::EgressDenied(EgressDenied::new(host, reason)),
            Self::InvalidRequest { message } => TransportError::InvalidRequest(message.into()),
            Self::Unread => TransportError::InvalidRequest(
                "the recording does not have the rest of this response, because the recorded run did not read it"
                    .into(),
            ),
            Self::TooLong => TransportError::InvalidRequest(
                "the recording does not have the rest of this response, because it was too long".into(),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_of_a_replay_has_the_text_of_the_recorded_one() {
        let io = || Box::new(std::io::Error::other("reset"));
        for error in [
            TransportError::Unreachable(io()),
            TransportError::IdleTimeout(io()),
            TransportError::Timeout(Duration::from_millis(1_500)),
            TransportError::StaleConnection(io()),
            TransportError::Disconnected(io()),
            TransportError::Unreadable(io()),
            TransportError::Cancelled,
            TransportError::EgressDenied(EgressDenied::new("h.test".into(), "it is private".into())),
            TransportError::InvalidRequest(io()),
        ] {
            let text = serde_json::to_string(&RecordedError::new(&error)).unwrap();
            let read: RecordedError = serde_json::from_str(&text).unwrap();
            assert_eq!(Chain(&read.to_transport_error()).to_string(), Chain(&error).to_string(), "{text}");
        }
    }
}
