//! Configurable responses to token requests.

use std::time::Duration;

use serde_json::{Value, json};

/// How the proxy of the authorization server responds to a token request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenResponse {
    /// The server processes the request at once, and its response is delayed by this duration.
    Delayed(Duration),
    /// The server processes the request, and the connection is closed without a byte: the client never receives the
    /// rotated token.
    Lost,
    /// The server processes the request, and the client receives a truncated body with a matching length.
    Truncated,
    /// The request is not forwarded, and this is the response.
    Replaced {
        /// Status of the response.
        status: u16,
        /// Body of the response, with the content type JSON.
        body: &'static str,
        /// Headers in addition to the content type.
        headers: &'static [(&'static str, &'static str)],
        /// Delay before the response.
        delay: Duration,
    },
}

impl TokenResponse {
    /// The error of RFC 6749 for an invalid refresh token.
    pub const INVALID_GRANT: Self = Self::error(400, r#"{"error":"invalid_grant"}"#);

    /// Creates a response of the proxy itself.
    pub const fn error(status: u16, body: &'static str) -> Self {
        Self::Replaced { status, body, headers: &[], delay: Duration::ZERO }
    }

    /// Returns the same response with an additional delay.
    ///
    /// # Panics
    ///
    /// Panics if the response never arrives or is truncated.
    #[must_use]
    pub fn delayed_by(self, by: Duration) -> Self {
        match self {
            Self::Delayed(delay) => Self::Delayed(delay + by),
            Self::Replaced { status, body, headers, delay } => {
                Self::Replaced { status, body, headers, delay: delay + by }
            }
            Self::Lost | Self::Truncated => panic!("{self:?} cannot be delayed"),
        }
    }

    pub(super) fn control_json(&self) -> Value {
        match self {
            Self::Delayed(delay) => json!({ "delay": millis(*delay) }),
            Self::Lost => json!({ "lost": true }),
            Self::Truncated => json!({ "truncated": true }),
            Self::Replaced { status, body, headers, delay } => {
                let headers: serde_json::Map<String, Value> =
                    headers.iter().map(|&(name, value)| (name.to_owned(), value.into())).collect();
                let replaced = json!({ "status": status, "body": body, "headers": headers });
                json!({ "replaced": replaced, "delay": millis(*delay) })
            }
        }
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).expect("a short duration")
}
