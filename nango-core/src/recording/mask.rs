//! Placeholders of secrets in a recording.
//!
//! A secret becomes `REDACTED_1_`: letters, digits and underscores only, so that URLs, forms, headers and JSON keep it
//! as it is. Its number is that of the secret without its encoding, so that a secret in a `Link` header has the same
//! placeholder as in the URL of the next request.

use std::{
    borrow::Cow,
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use reqwest::header::HeaderMap;
use serde_json::{Map, Value};
use url::Url;
use zeroize::Zeroizing;

use crate::redact::{Redactor, fully_decoded, is_secret_name};

/// Beginning of a placeholder, before its number.
pub(super) const PREFIX: &str = "REDACTED_";
/// Headers that are never recorded.
const DROPPED_HEADERS: [&str; 5] = ["authorization", "proxy-authorization", "cookie", "set-cookie", "user-agent"];
/// Minimum length of the value of a secret header from which it is a secret everywhere else too, in bytes.
const MIN_HEADER_SECRET: usize = 12;

/// Replaces secrets by placeholders.
#[derive(Debug, Default)]
pub(super) struct Masker {
    redactor: Redactor,
    numbers: Mutex<HashMap<[u8; 32], usize>>,
}

impl Masker {
    /// Adds the secrets of a redactor.
    pub(super) fn add_from(&self, redactor: &Redactor) {
        self.redactor.add_from(redactor);
    }

    /// Adds a secret that must not be recorded.
    pub(super) fn add(&self, secret: &str) {
        self.redactor.add(Zeroizing::new(secret.to_owned()));
    }

    /// Returns the placeholder of a secret, in any encoding.
    pub(super) fn placeholder(&self, secret: &[u8]) -> String {
        let mut plain = fully_decoded(secret);
        plain.iter_mut().filter(|byte| **byte == b'+').for_each(|byte| *byte = b' ');
        while plain.last() == Some(&b'=') {
            plain.pop();
        }
        let mut numbers = self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
        let next = numbers.len() + 1;
        let number = *numbers.entry(*blake3::hash(&plain).as_bytes()).or_insert(next);
        format!("{PREFIX}{number}_")
    }

    /// Returns bytes without the secrets of the connection and those of one request. JSON stays JSON.
    pub(super) fn bytes<'t>(&self, text: &'t [u8], of_request: &Redactor) -> Cow<'t, [u8]> {
        let replace = |text: &[u8], replacement: &mut dyn FnMut(&[u8]) -> Vec<u8>| {
            let first = self.redactor.replace_bytes(text, &mut *replacement);
            let second = of_request.replace_bytes(first.as_deref().unwrap_or(text), replacement);
            second.or(first)
        };
        let Some(masked) = replace(text, &mut |secret| self.placeholder(secret).into_bytes()) else {
            return Cow::Borrowed(text);
        };
        if !is_json(text) || is_json(&masked) {
            return Cow::Owned(masked);
        }
        // A secret of digits is a number here, where a placeholder is no JSON.
        let with_digits = replace(text, &mut |secret| match digits(secret) {
            Some(digits) => digits,
            None => self.placeholder(secret).into_bytes(),
        });
        Cow::Owned(with_digits.unwrap_or(masked))
    }

    /// Returns a text without secrets.
    pub(super) fn text(&self, text: &str) -> String {
        let masked = self.redactor.replace_bytes(text.as_bytes(), |secret| self.placeholder(secret).into_bytes());
        masked.map_or_else(|| text.to_owned(), |masked| String::from_utf8_lossy(&masked).into_owned())
    }

    /// Returns a JSON value without secrets in names, texts and numbers.
    pub(super) fn value(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(&text)),
            Value::Number(number) => {
                let text = number.to_string();
                match self.redactor.replace_bytes(text.as_bytes(), |secret| digits(secret).unwrap_or_default()) {
                    Some(masked) => serde_json::from_slice(&masked).unwrap_or(Value::Null),
                    None => Value::Number(number),
                }
            }
            Value::Array(list) => list.into_iter().map(|value| self.value(value)).collect(),
            Value::Object(object) => Value::Object(self.object(object)),
            other => other,
        }
    }

    /// Returns a JSON object without secrets.
    pub(super) fn object(&self, object: Map<String, Value>) -> Map<String, Value> {
        object.into_iter().map(|(name, value)| (self.text(&name), self.value(value))).collect()
    }

    /// Returns a URL without user information, known secrets, and the values of parameters whose names are secret.
    pub(super) fn url(&self, url: &Url, of_request: &Redactor) -> String {
        let mut shown = url.clone();
        // Both setters refuse only URLs that have no host, and those carry no user.
        let _ = shown.set_username("");
        let _ = shown.set_password(None);
        if url.query_pairs().any(|(name, _)| is_secret_name(&name)) {
            let pairs = url.query_pairs().map(|(name, value)| self.parameter(name, value));
            shown.query_pairs_mut().clear().extend_pairs(pairs);
        }
        String::from_utf8_lossy(&self.bytes(shown.as_str().as_bytes(), of_request)).into_owned()
    }

    /// Returns the fields of a form without known secrets and the values of fields whose names are secret.
    pub(super) fn form(&self, body: &[u8]) -> String {
        let pairs = url::form_urlencoded::parse(body).map(|(name, value)| self.parameter(name, value));
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
    }

    /// Returns a parameter, with a placeholder for its value if its name is secret.
    fn parameter<'a>(&self, name: Cow<'a, str>, value: Cow<'a, str>) -> (Cow<'a, str>, Cow<'a, str>) {
        if is_secret_name(&name) { (name, self.placeholder(value.as_bytes()).into()) } else { (name, value) }
    }

    /// Returns the headers of a request: those that are not secret, by name and value.
    pub(super) fn request_headers(&self, headers: &HeaderMap, of_request: &Redactor) -> Vec<(String, String)> {
        let shown = headers.iter().filter(|(name, value)| {
            !is_dropped(name.as_str()) && !value.is_sensitive() && !is_secret_name(name.as_str())
        });
        shown.map(|(name, value)| (name.to_string(), self.header(value.as_bytes(), of_request))).collect()
    }

    /// Returns the headers of a response. The value of a header whose name is secret becomes a placeholder, also where
    /// it is sent later.
    pub(super) fn response_headers(&self, headers: &HeaderMap, of_request: &Redactor) -> Vec<(String, String)> {
        let shown = headers.iter().filter(|(name, _)| !is_dropped(name.as_str()));
        let shown = shown.map(|(name, value)| {
            let bytes = value.as_bytes();
            if !is_secret_name(name.as_str()) {
                return (name.to_string(), self.header(bytes, of_request));
            }
            if let Some(secret) = value.to_str().ok().filter(|secret| secret.len() >= MIN_HEADER_SECRET) {
                self.add(secret);
            }
            (name.to_string(), self.placeholder(bytes))
        });
        shown.collect()
    }

    fn header(&self, value: &[u8], of_request: &Redactor) -> String {
        String::from_utf8_lossy(&self.bytes(value, of_request)).into_owned()
    }
}

/// Returns whether a header is never recorded.
pub(super) fn is_dropped(name: &str) -> bool {
    DROPPED_HEADERS.contains(&name)
}

fn is_json(text: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(text).is_ok()
}

/// Returns other digits in place of a secret of digits, as many as it has.
fn digits(secret: &[u8]) -> Option<Vec<u8>> {
    let digit = if secret.iter().all(|byte| *byte == b'9') { b'8' } else { b'9' };
    secret.iter().all(u8::is_ascii_digit).then(|| vec![digit; secret.len()])
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;
    use serde_json::json;

    use super::*;

    fn masker(secrets: &[&str]) -> Masker {
        let masker = Masker::default();
        for secret in secrets {
            masker.add(secret);
        }
        masker
    }

    fn masked(masker: &Masker, text: &str) -> String {
        String::from_utf8(masker.bytes(text.as_bytes(), &Redactor::default()).into_owned()).unwrap()
    }

    #[test]
    fn secret_has_the_same_placeholder_in_every_encoding() {
        let masker = masker(&["hush/1 x", "other-secret"]);
        for (text, expect) in [
            ("?k=hush%2F1%20x&a=1", "?k=REDACTED_1_&a=1"),
            ("?k=hush%2F1+x", "?k=REDACTED_1_"),
            (r#"{"next":"https:\/\/h.test\/hush\/1 x"}"#, r#"{"next":"https:\/\/h.test\/REDACTED_1_"}"#),
            ("other-secret, hush/1 x", "REDACTED_2_, REDACTED_1_"),
            ("nothing", "nothing"),
        ] {
            assert_eq!(masked(&masker, text), expect);
        }
    }

    #[test]
    fn different_texts_with_a_secret_in_base64_stay_different() {
        use base64::{Engine, engine::general_purpose::STANDARD};
        let masker = masker(&["the-secret-token"]);
        let cursor = |page: u32| STANDARD.encode(format!("{{\"page\":{page},\"token\":\"the-secret-token\"}}"));
        let (one, two) = (masked(&masker, &cursor(1)), masked(&masker, &cursor(2)));
        assert!(one != two && one.starts_with(PREFIX) && two.starts_with(PREFIX), "{one} {two}");
        assert_eq!(masked(&masker, &cursor(1)), one);
    }

    #[test]
    fn json_with_a_secret_number_stays_json() {
        let masker = masker(&["123456", "999"]);
        assert_eq!(masked(&masker, r#"{"pin":123456,"n":999}"#), r#"{"pin":999999,"n":888}"#);
        assert_eq!(masked(&masker, r#"{"pin":"123456"}"#), r#"{"pin":"REDACTED_1_"}"#);
        assert_eq!(
            masker.value(json!({ "pin": 123_456, "a": ["x123456"] })),
            json!({ "pin": 999_999, "a": ["xREDACTED_1_"] })
        );
    }

    #[test]
    fn secret_names_are_masked_in_urls_forms_and_headers() {
        let masker = masker(&[]);
        let of_request = Redactor::default();
        let url = "https://u:p@h.test/a?api_key=k1&page=2".parse().unwrap();
        assert_eq!(masker.url(&url, &of_request), "https://h.test/a?api_key=REDACTED_1_&page=2");
        assert_eq!(masker.form(b"password=k1&name=a+b"), "password=REDACTED_1_&name=a+b");
        let headers = [
            ("authorization", "Bearer k1"),
            ("set-cookie", "s=1"),
            ("x-session-token", "a-long-session-token"),
            ("etag", "e"),
        ];
        let headers: HeaderMap =
            headers.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(masker.request_headers(&headers, &of_request), [pair("etag", "e")]);
        let expect = [pair("x-session-token", "REDACTED_2_"), pair("etag", "e")];
        assert_eq!(masker.response_headers(&headers, &of_request), expect);
        assert_eq!(masked(&masker, "{\"s\":\"a-long-session-token\"}"), "{\"s\":\"REDACTED_2_\"}");
    }
}
