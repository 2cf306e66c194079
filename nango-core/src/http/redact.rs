//! What may be shown of a request.

use std::{
    fmt::{self, Write as _},
    sync::Arc,
};

use reqwest::{
    Method,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use url::Url;
use zeroize::Zeroizing;

/// Parts of names whose values are secrets, in lower case.
const SECRET_PARTS: [&str; 10] =
    ["auth", "token", "secret", "password", "passwd", "credential", "signature", "session", "cookie", "jwt"];
/// Names that end in `key`, and are none.
const PLAIN_KEYS: [&str; 5] = ["idempotency-key", "sec-websocket-key", "surrogate-key", "sort_key", "sortkey"];
/// Query parameters whose names sound like a secret, and are places in a list.
const PLAIN_TOKENS: [&str; 8] = [
    "page_token",
    "pagetoken",
    "next_token",
    "nexttoken",
    "next_page_token",
    "nextpagetoken",
    "continuation_token",
    "sync_token",
];

/// Whether a header or parameter of this name is taken for a secret.
///
/// Names only hint: too much is hidden rather than too little.
pub fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    if PLAIN_TOKENS.contains(&name.as_str()) || PLAIN_KEYS.contains(&name.as_str()) {
        return false;
    }
    // An author is no authorisation.
    let name = if name.contains("authori") { name } else { name.replace("author", "") };
    name.ends_with("key") || name == "sig" || SECRET_PARTS.iter().any(|part| name.contains(part))
}

/// A request as it may be shown: secrets are `***`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Sent {
    /// The method.
    pub method: Method,
    /// The URL, without user and password; the values of secret parameters are `***`.
    pub url: Url,
    /// The headers; the values of secret ones are `***`.
    pub headers: HeaderMap,
}

impl Sent {
    pub(super) fn of(method: &Method, url: &Url, headers: &HeaderMap, veil: &Veil) -> Self {
        Self { method: method.clone(), url: veil.over(redact_url(url)), headers: redact_headers(headers) }
    }
}

impl fmt::Display for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.url)
    }
}

/// What must not be seen of URLs although no name says so: keys that a provider wants in the path, or in a parameter of
/// an innocent name. Default: nothing. Cheap to clone.
#[derive(Clone, Default)]
pub struct Veil(Arc<[Zeroizing<String>]>);

impl Veil {
    /// A veil over these texts, also where they are encoded. One or two characters are no secret.
    pub fn new(secrets: impl IntoIterator<Item = Zeroizing<String>>) -> Self {
        let mut all = Vec::new();
        for secret in secrets.into_iter().filter(|secret| secret.len() > 2) {
            let mut encoded = Zeroizing::new(String::new());
            for byte in secret.bytes() {
                if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
                    encoded.push(char::from(byte));
                } else {
                    let _ = write!(encoded, "%{byte:02X}");
                }
            }
            all.extend([encoded, secret]);
        }
        Self(all.into())
    }

    /// The URL as it may be shown.
    pub(crate) fn over(&self, mut url: Url) -> Url {
        if !self.0.iter().any(|secret| url.as_str().contains(secret.as_str())) {
            return url;
        }
        let shown = self.0.iter().fold(url.as_str().to_owned(), |text, secret| text.replace(secret.as_str(), "***"));
        // What is left when the secret was part of the address: nothing that could be shown.
        shown.parse().unwrap_or_else(|_| {
            url.set_path("");
            url.set_query(None);
            url
        })
    }
}

impl fmt::Debug for Veil {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Veil({})", self.0.len())
    }
}

/// A URL that may be shown.
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

/// A URL for an error: no user, no password, no query at all.
pub(crate) fn place(url: &Url) -> String {
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

/// The headers that are no secrets.
pub(super) fn plain_headers(headers: &HeaderMap) -> HeaderMap {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets() {
        for name in
            ["Authorization", "X-Api-Key", "cookie", "private-token", "apiKey", "access_token", "dd-api-key", "sig"]
        {
            assert!(is_secret_name(name), "{name}");
        }
        for name in
            ["accept", "user-agent", "page_token", "Idempotency-Key", "per_page", "keyword", "author", "authored_by"]
        {
            assert!(!is_secret_name(name), "{name}");
        }
    }

    #[test]
    fn a_key_in_a_path_is_hidden() {
        let veil = Veil::new(["hush/1", "ab"].map(|text| Zeroizing::new(text.to_owned())));
        let check = |url: &str, expect: &str| assert_eq!(veil.over(url.parse().unwrap()).as_str(), expect);
        check("https://h.test/bothush%2F1/x?api=hush/1", "https://h.test/bot***/x?api=***");
        check("https://ab.test/ab", "https://ab.test/ab");
        assert!(!format!("{veil:?}").contains("hush"));
    }

    #[test]
    fn a_url_is_shown_without_its_secrets() {
        let check = |url: &str, expect: &str| assert_eq!(redact_url(&url.parse().unwrap()).as_str(), expect);
        check("https://u:p@h.test/a?b=1", "https://h.test/a?b=1");
        check("https://h.test/a?b=%20x&api_key=s3cret", "https://h.test/a?b=+x&api_key=***");
        check("https://h.test/a?b=%20x", "https://h.test/a?b=%20x");
        assert_eq!(place(&"https://u:p@h.test/a?k=1#f".parse().unwrap()), "https://h.test/a");
    }
}
