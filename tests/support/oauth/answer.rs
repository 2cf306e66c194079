//! What may happen to a token request.

use std::time::Duration;

use serde_json::{Value, json};

/// What happens to a token request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The server does its work at once, and its answer comes so much later.
    Slow(Duration),
    /// The server does its work, and the connection ends without a byte: a rotated token reaches nobody.
    Lost,
    /// The server does its work, and what arrives is the beginning of its answer, complete by its length.
    Garbled,
    /// The server is not asked, and this is the answer.
    Instead {
        /// The status.
        status: u16,
        /// The body, called JSON.
        body: &'static str,
        /// Headers beside the content type.
        headers: &'static [(&'static str, &'static str)],
        /// How late it comes.
        late: Duration,
    },
}

impl Answer {
    /// The refusal of RFC 6749 for a refresh token that is no good.
    pub const INVALID_GRANT: Self = Self::refused(400, r#"{"error":"invalid_grant"}"#);

    /// An answer of the front's own.
    pub const fn refused(status: u16, body: &'static str) -> Self {
        Self::Instead { status, body, headers: &[], late: Duration::ZERO }
    }

    /// The same answer, so much later.
    ///
    /// # Panics
    ///
    /// It never comes.
    #[must_use]
    pub fn later(self, by: Duration) -> Self {
        match self {
            Self::Slow(late) => Self::Slow(late + by),
            Self::Instead { status, body, headers, late } => Self::Instead { status, body, headers, late: late + by },
            Self::Lost | Self::Garbled => panic!("{self:?} has no time"),
        }
    }

    pub(super) fn plan(&self) -> Value {
        match self {
            Self::Slow(late) => json!({ "delay": millis(*late) }),
            Self::Lost => json!({ "lost": true }),
            Self::Garbled => json!({ "garbled": true }),
            Self::Instead { status, body, headers, late } => {
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
