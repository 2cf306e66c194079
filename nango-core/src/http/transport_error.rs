//! Errors of a request without a complete response.

use std::{error::Error as StdError, time::Duration};

use super::EgressDenied;

type Source = Box<dyn StdError + Send + Sync>;

/// Error of a request without a response, or with an incomplete one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// The server could not be reached (name resolution, connection, TLS); the request had no side effect.
    #[error("the server could not be reached")]
    Unreachable(#[source] Source),
    /// The server sent no data within the idle timeout. The request may have had a side effect.
    #[error("the server sent no data within the idle timeout")]
    IdleTimeout(#[source] Source),
    /// The response was incomplete at the end of the request's timeout. The request may have had a side effect.
    #[error("the response was incomplete after {} s", .0.as_secs_f64())]
    Timeout(Duration),
    /// A reused connection ended before the response began, most likely because the server had closed it. The request
    /// may have had a side effect.
    #[error("the connection was lost")]
    StaleConnection(#[source] Source),
    /// The connection was lost during the exchange. The request may have had a side effect.
    #[error("the connection was lost")]
    Disconnected(#[source] Source),
    /// The response cannot be decoded, for example because its compression is damaged.
    #[error("the response cannot be decoded")]
    Unreadable(#[source] Source),
    /// The run was cancelled.
    #[error("the run was cancelled")]
    Cancelled,
    /// The egress policy denies the target; nothing was sent.
    #[error("the request was not sent")]
    EgressDenied(#[source] EgressDenied),
    /// The request is invalid and cannot be sent.
    #[error("the request cannot be sent")]
    InvalidRequest(#[source] Source),
}

impl TransportError {
    /// Returns whether the request certainly had no side effect.
    pub fn had_no_side_effect(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::InvalidRequest(_) | Self::EgressDenied(_))
    }

    /// Returns whether another attempt may succeed.
    pub fn is_transient(&self) -> bool {
        !matches!(self, Self::InvalidRequest(_) | Self::EgressDenied(_) | Self::Cancelled)
    }
}
