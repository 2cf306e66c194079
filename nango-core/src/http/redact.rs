//! Redacted views of requests: URL and headers without secrets, for logs and errors.

use std::fmt;

use reqwest::{
    Method,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use url::Url;
use zeroize::Zeroizing;

use crate::redact::{Redactor, is_secret_name};

/// A request whose secrets are replaced by `***`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RedactedRequest {
    /// The HTTP method.
    pub method: Method,
    /// The URL, without user and password; the values of secret parameters are `***`.
    pub url: Url,
    /// The headers; the values of secret ones are `***`.
    pub headers: HeaderMap,
}

impl RedactedRequest {
    pub(super) fn new(method: &Method, url: &Url, headers: &HeaderMap, redactor: &Redactor) -> Self {
        Self { method: method.clone(), url: redactor.hide_url(redact_url(url)), headers: redact_headers(headers) }
    }
}

impl fmt::Display for RedactedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.url)
    }
}

/// Returns a URL without user and password, and with `***` for the values of secret parameters.
pub(super) fn redact_url(url: &Url) -> Url {
    let mut shown = url.clone();
    // Both setters refuse only URLs that have no host, and those carry no user.
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    if url.query_pairs().any(|(name, _)| is_secret_name(&name)) {
        shown.query_pairs_mut().clear().extend_pairs(url.query_pairs().map(|(name, value)| {
            let value = if is_secret_name(&name) { "***".into() } else { value };
            (name, value)
        }));
    }
    shown
}

/// Formats a URL for an error: without user, password, query and fragment.
pub(crate) fn redacted_url(url: &Url) -> String {
    let mut shown = url.clone();
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    shown.set_query(None);
    shown.set_fragment(None);
    shown.into()
}

fn is_secret_header(name: &HeaderName, value: &HeaderValue) -> bool {
    value.is_sensitive() || is_secret_name(name.as_str())
}

/// Returns the headers whose values are not secret.
pub(super) fn non_secret_headers(headers: &HeaderMap) -> HeaderMap {
    let plain = headers.iter().filter(|(name, value)| !is_secret_header(name, value));
    plain.map(|(name, value)| (name.clone(), value.clone())).collect()
}

pub(super) fn redact_headers(headers: &HeaderMap) -> HeaderMap {
    headers
        .iter()
        .map(|(name, value)| {
            let shown = if is_secret_header(name, value) { HeaderValue::from_static("***") } else { value.clone() };
            (name.clone(), shown)
        })
        .collect()
}

/// Returns the secrets of one request, from the connection, a signature or the caller: the values of its secret
/// headers, with and without their scheme, and of its secret parameters.
pub(crate) fn request_secrets(url: &Url, headers: &HeaderMap) -> Vec<Zeroizing<String>> {
    let mut secrets = Vec::new();
    for (_, value) in headers.iter().filter(|(name, value)| is_secret_header(name, value)) {
        let Ok(text) = value.to_str() else { continue };
        secrets.push(Zeroizing::new(text.to_owned()));
        if let Some((_, rest)) = text.split_once(' ') {
            secrets.push(Zeroizing::new(rest.to_owned()));
        }
    }
    let parameters = url.query_pairs().filter(|(name, _)| is_secret_name(name));
    secrets.extend(parameters.map(|(_, value)| Zeroizing::new(value.into_owned())));
    secrets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_is_redacted() {
        let check = |url: &str, expect: &str| assert_eq!(redact_url(&url.parse().unwrap()).as_str(), expect);
        check("https://u:p@h.test/a?b=1", "https://h.test/a?b=1");
        check("https://h.test/a?b=%20x&api_key=s3cret", "https://h.test/a?b=+x&api_key=***");
        check("https://h.test/a?b=%20x", "https://h.test/a?b=%20x");
        assert_eq!(redacted_url(&"https://u:p@h.test/a?k=1#f".parse().unwrap()), "https://h.test/a");
    }

    #[test]
    fn secrets_of_a_request_are_those_of_its_headers_and_parameters() {
        let headers = HeaderMap::from_iter([
            (reqwest::header::AUTHORIZATION, HeaderValue::from_static("Bearer hush-1")),
            (reqwest::header::ACCEPT, HeaderValue::from_static("text/plain")),
        ]);
        let secrets = request_secrets(&"https://h.test/?api_key=hush%2F2&page=1".parse().unwrap(), &headers);
        let secrets: Vec<&str> = secrets.iter().map(|secret| secret.as_str()).collect();
        assert_eq!(secrets, ["Bearer hush-1", "hush-1", "hush/2"]);
    }
}
