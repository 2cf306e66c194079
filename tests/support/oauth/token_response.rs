//! What may happen to a token request.

use std::time::Duration;

use serde_json::{Value, json};

/// What happens to a token request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenResponse {
    /// The server does its work at once, and its answer comes so much later.
    Delayed(Duration),
    /// The server does its work, and the connection ends without a byte: a rotated token reaches nobody.
    Lost,
    /// The server does its work, and what arrives is the beginning of its answer, complete by its length.
    Truncated,
    /// The server is not asked, and this is the answer.
    Replaced {
        /// The status.
        status: u16,
        /// The body, called JSON.
        body: &'static str,
        /// Headers beside the content type.
        headers: &'static [(&'static str, &'static str)],
        /// How late it comes.
        delay: Duration,
    },
}

impl TokenResponse {
    /// The refusal of RFC 6749 for a refresh token that is no good.
    pub const INVALID_GRANT: Self = Self::error(400, r#"{"error":"invalid_grant"}"#);

    /// An answer of the front's own.
    pub const fn error(status: u16, body: &'static str) -> Self {
        Self::Replaced { status, body, headers: &[], delay: Duration::ZERO }
    }

    /// The same answer, so much later.
    ///
    /// # Panics
    ///
    /// It never comes.
    #[must_use]
    pub fn delayed_by(self, by: Duration) -> Self {
        match self {
            Self::Delayed(late) => Self::Delayed(late + by),
            Self::Replaced { status, body, headers, delay: late } => {
                Self::Replaced { status, body, headers, delay: late + by }
            }
            Self::Lost | Self::Truncated => panic!("{self:?} has no time"),
        }
    }

    pub(super) fn control_json(&self) -> Value {
        match self {
            Self::Delayed(late) => json!({ "delay": millis(*late) }),
            Self::Lost => json!({ "lost": true }),
            Self::Truncated => json!({ "garbled": true }),
            Self::Replaced { status, body, headers, delay: late } => {
                let headers: serde_json::Map<String, Value> =
                    headers.iter().map(|&(name, value)| (name.to_owned(), value.into())).collect();
                let instead = json!({ "status": status, "body": body, "headers": headers });
                json!({ "instead": instead, "delay": millis(*late) })
            }
        }
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).expect("a short while")
}
