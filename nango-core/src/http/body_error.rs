//! Error of a response body that is not the requested JSON.

use reqwest::header::{CONTENT_TYPE, HeaderMap};

use crate::{
    error::{Error, ErrorKind, register_layer_error},
    json::{self, DecodeError},
    redact::{Redactor, one_line},
};

/// Maximum number of characters of a body that an error shows.
const MAX_SHOWN_CHARS: usize = 80;
/// Number of characters that are kept until redaction: more than are shown, because a text is redacted before it is
/// truncated.
const MAX_BUFFERED_CHARS: usize = 4096;

/// A response whose body is not the requested JSON.
///
/// The message has method and URL without its query, status, content type, the reason, and the first characters of a
/// body that is not JSON. JSON that does not fit the type is not quoted, because it may contain personal data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.message())]
pub struct BodyError(Box<Inner>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Inner {
    /// The request, or the page of a paginated list.
    request: String,
    status: u16,
    content_type: Option<String>,
    /// Name of the requested type, for the message.
    expected: String,
    source: DecodeError,
    /// The first characters of a body that is not JSON.
    excerpt: String,
}

register_layer_error!(BodyError);

impl BodyError {
    /// Converts this into the error that functions receive.
    pub(crate) fn into_error(self) -> Error {
        Error::new(ErrorKind::Decode, self)
    }

    pub(crate) fn new(at: String, status: u16, headers: &HeaderMap, body: &[u8], source: DecodeError) -> Self {
        let content_type =
            headers.get(CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let excerpt = if source.is_syntax {
            let text = json::body_text_lossy(&body[..body.len().min(4 * MAX_BUFFERED_CHARS)], json::charset(headers));
            text.chars().take(MAX_BUFFERED_CHARS).collect()
        } else {
            String::new()
        };
        Self(Box::new(Inner { request: at, status, content_type, expected: "JSON".to_owned(), source, excerpt }))
    }

    /// Sets the name of the requested type, for the message.
    pub(crate) fn with_expected(mut self, name: String) -> Self {
        self.0.expected = name;
        self
    }

    /// Redacts the secrets in what the error quotes of the response.
    pub(crate) fn redacted(mut self, redactor: &Redactor) -> Self {
        self.0.excerpt = redactor.hide(&self.0.excerpt).into_owned();
        self.0.content_type = self.0.content_type.map(|content_type| redactor.hide(&content_type).into_owned());
        self
    }

    fn message(&self) -> String {
        let Inner { request: at, status, content_type, expected, source, excerpt } = &*self.0;
        let content_type = content_type.as_deref().map_or("without a content type".into(), one_line);
        let first: String = one_line(excerpt).chars().take(MAX_SHOWN_CHARS).collect();
        let reason = if !source.is_syntax {
            format!("JSON that does not fit `{expected}`: {source}")
        } else if first.is_empty() {
            "an empty body, which is not JSON".to_owned()
        } else {
            format!("a body that is not JSON: {source}; it begins with `{first}`")
        };
        format!("{at} returned {status} ({content_type}) with {reason}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn error(content_type: Option<&str>, body: &str) -> BodyError {
        let headers =
            content_type.map(|content_type| (CONTENT_TYPE, content_type.parse().unwrap())).into_iter().collect();
        let source = json::decode::<Vec<u8>>(body.as_bytes()).map(|_| Value::Null).unwrap_err();
        BodyError::new("GET https://api.test/a".into(), 200, &headers, body.as_bytes(), source)
    }

    #[test]
    fn error_names_request_status_content_type_and_start() {
        let cases = [
            (
                error(Some("text/html"), "<html>\n<title>Sign in</title>"),
                "(text/html) with a body that is not JSON: expected value at line 1 column 1; it begins with \
                 `<html> <title>Sign in</title>`",
            ),
            (error(None, ""), "(without a content type) with an empty body, which is not JSON"),
            (
                error(Some("application/json"), r#"["personal"]"#).with_expected("Vec<u8>".into()),
                "(application/json) with JSON that does not fit `Vec<u8>`: `[0]`: invalid type: a string, expected u8",
            ),
        ];
        for (error, expect) in cases {
            assert_eq!(error.to_string(), format!("GET https://api.test/a returned 200 {expect}"));
        }
    }

    #[test]
    fn secret_is_hidden_before_the_start_is_cut() {
        let redactor = Redactor::default();
        redactor.add("a-secret-of-the-connection".to_owned().into());
        let body = format!("<p>{} a-secret-of-the-connection</p>", "x".repeat(60));
        let text = error(None, &body).redacted(&redactor).to_string();
        assert!(text.contains("***") && !text.contains("a-secret"), "{text}");
    }
}
