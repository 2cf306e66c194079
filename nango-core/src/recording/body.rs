//! Bodies in a recording: text as it is, other bytes in base64.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// A body in a recording.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct RecordedBody {
    /// A body in UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    /// Another body, in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    body_base64: Option<String>,
    /// Whether the body of a request is a stream, whose content is not recorded.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    body_stream: bool,
}

impl RecordedBody {
    /// Creates the form of these bytes.
    pub(super) fn new(bytes: &[u8]) -> Self {
        match str::from_utf8(bytes) {
            Ok("") => Self::default(),
            Ok(text) => Self { body: Some(text.to_owned()), ..Self::default() },
            Err(_) => Self { body_base64: Some(STANDARD.encode(bytes)), ..Self::default() },
        }
    }

    /// Creates the form of a stream.
    pub(super) fn stream() -> Self {
        Self { body_stream: true, ..Self::default() }
    }

    /// Returns the bytes; `None` if the base64 is invalid.
    pub(super) fn bytes(&self) -> Option<Bytes> {
        match (&self.body, &self.body_base64) {
            (Some(text), _) => Some(Bytes::copy_from_slice(text.as_bytes())),
            (None, Some(encoded)) => STANDARD.decode(encoded).ok().map(Bytes::from),
            (None, None) => Some(Bytes::new()),
        }
    }

    /// Returns the text of a body in UTF-8.
    pub(super) fn text(&self) -> Option<&str> {
        self.body.as_deref()
    }

    /// Returns a short description of a body that is not text.
    pub(super) fn shown(&self) -> String {
        match (&self.body, &self.body_base64) {
            (Some(text), _) => text.clone(),
            (None, Some(encoded)) => format!("{} characters of base64", encoded.len()),
            (None, None) if self.body_stream => "a stream".to_owned(),
            (None, None) => "no body".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_the_same_after_recording() {
        for bytes in [&b""[..], b"{\"a\":1}\n", "é\u{0}".as_bytes(), b"\xff\xfe\x00"] {
            let recorded = RecordedBody::new(bytes);
            let read: RecordedBody = serde_json::from_str(&serde_json::to_string(&recorded).unwrap()).unwrap();
            assert_eq!((read.bytes().as_deref(), &read), (Some(bytes), &recorded));
        }
        assert_eq!(serde_json::to_string(&RecordedBody::new(b"a")).unwrap(), r#"{"body":"a"}"#);
        let damaged = RecordedBody { body_base64: Some("?".into()), ..RecordedBody::default() };
        assert_eq!(damaged.bytes(), None);
        assert_eq!(RecordedBody::stream().shown(), "a stream");
    }
}
