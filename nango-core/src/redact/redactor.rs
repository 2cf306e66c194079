//! Redactor: replaces the secrets of one connection and its app.

use std::{
    borrow::Cow,
    fmt,
    iter::successors,
    sync::{Arc, PoisonError, RwLock},
};

use memchr::memmem;
use reqwest::header::{HeaderMap, HeaderValue};
use serde_json::{Map, Value};
use url::Url;
use zeroize::Zeroizing;

use super::{
    patterns::{self, MIN_SECRET_BYTES, SearchPattern},
    text::{MAX_MESSAGE_BYTES, printable, truncated},
    views::{self, DecodedView},
};

/// The replacement of a secret.
const MASK: &str = "***";

/// Redacts the secrets of a connection and its app in texts: raw, percent-encoded, escaped as in forms, JSON or HTML,
/// in base64 and base64url, alone and as `user:password`.
///
/// Default: no secrets. Clones share the secrets, so that a token that is obtained later is redacted everywhere.
/// Secrets of one or two bytes are not redacted. The search patterns are built on first use, so that work without
/// errors does not pay for them.
#[derive(Clone, Default)]
pub struct Redactor(Arc<RwLock<Secrets>>);

#[derive(Default)]
struct Secrets {
    single: Vec<Zeroizing<String>>,
    pairs: Vec<(String, Zeroizing<String>)>,
    patterns: Option<Arc<[SearchPattern]>>,
}

impl Redactor {
    /// Creates a redactor of these secrets.
    pub fn new(secrets: impl IntoIterator<Item = Zeroizing<String>>) -> Self {
        let redactor = Self::default();
        for secret in secrets {
            redactor.add(secret);
        }
        redactor
    }

    /// Adds a secret; shorter ones than three bytes are ignored.
    pub fn add(&self, secret: Zeroizing<String>) {
        if secret.len() < MIN_SECRET_BYTES || self.with_secrets(|secrets| secrets.single.contains(&secret)) {
            return;
        }
        let mut secrets = self.0.write().unwrap_or_else(PoisonError::into_inner);
        secrets.single.push(secret);
        secrets.patterns = None;
    }

    /// Adds the encoded form of a user and a password in HTTP basic authentication. The password alone is added with
    /// [`Redactor::add`].
    pub fn add_basic_auth(&self, user: &str, password: Zeroizing<String>) {
        if self.with_secrets(|secrets| secrets.pairs.iter().any(|(known, other)| known == user && *other == password)) {
            return;
        }
        let mut secrets = self.0.write().unwrap_or_else(PoisonError::into_inner);
        secrets.pairs.push((user.to_owned(), password));
        secrets.patterns = None;
    }

    /// Adds all secrets of another redactor.
    pub fn add_from(&self, other: &Self) {
        if Arc::ptr_eq(&self.0, &other.0) {
            return;
        }
        let (single, pairs) = other.with_secrets(|secrets| (secrets.single.clone(), secrets.pairs.clone()));
        for secret in single {
            self.add(secret);
        }
        for (user, password) in pairs {
            self.add_basic_auth(&user, password);
        }
    }

    /// Returns an independent redactor with the same secrets: secrets that are added later are not shared.
    #[must_use]
    pub fn detached(&self) -> Self {
        let other = Self::default();
        other.add_from(self);
        other
    }

    /// Returns the text without secrets.
    pub fn hide<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match self.hide_bytes(text.as_bytes()) {
            // A range can split a character only where an encoded secret ends within it.
            Some(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
            None => Cow::Borrowed(text),
        }
    }

    /// Returns the text as a message: without secrets, with escaped control characters, at most 4,096 bytes. The text
    /// is redacted before it is truncated.
    pub(crate) fn message(&self, text: &str) -> String {
        truncated(printable(&self.hide(text)), MAX_MESSAGE_BYTES).into_owned()
    }

    /// Returns the bytes without secrets; `None` if they contain none.
    pub fn hide_bytes(&self, text: &[u8]) -> Option<Vec<u8>> {
        self.replace_bytes(text, |_| MASK.as_bytes().to_vec())
    }

    /// Returns the bytes with a replacement of each secret; `None` if they contain none. `replacement` receives the
    /// secret as it is encoded in the text.
    pub(crate) fn replace_bytes(&self, text: &[u8], replacement: impl FnMut(&[u8]) -> Vec<u8>) -> Option<Vec<u8>> {
        let patterns = self.patterns()?;
        let mut ranges = Vec::new();
        find_matches(&patterns, text, |range| ranges.push(range));
        for view in successors(DecodedView::decode_layer(text), DecodedView::next_layer).take(views::MAX_LAYERS) {
            find_matches(&patterns, &view.bytes, |(from, to)| ranges.push(view.source_range(from, to)));
        }
        (!ranges.is_empty()).then(|| replaced(text, ranges, replacement))
    }

    /// Returns the length of the longest pattern in bytes: at most this part of a truncated text may be an incomplete
    /// secret.
    pub(crate) fn max_pattern_len(&self) -> usize {
        self.patterns().map_or(0, |patterns| patterns.iter().map(|pattern| pattern.bytes.len()).max().unwrap_or(0))
    }

    /// Returns a JSON value without secrets in strings, names and numbers.
    #[must_use]
    pub fn hide_value(&self, value: Value) -> Value {
        if self.is_empty() { value } else { self.redacted_value(value) }
    }

    fn redacted_value(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.hide(&text).into_owned()),
            Value::Number(number) => match self.hide(&number.to_string()) {
                Cow::Borrowed(_) => Value::Number(number),
                Cow::Owned(text) => Value::String(text),
            },
            Value::Array(list) => list.into_iter().map(|value| self.redacted_value(value)).collect(),
            Value::Object(object) => Value::Object(
                object
                    .into_iter()
                    .map(|(name, value)| (self.hide(&name).into_owned(), self.redacted_value(value)))
                    .collect::<Map<_, _>>(),
            ),
            other => other,
        }
    }

    /// Returns headers without secrets in their values.
    pub(crate) fn hide_headers(&self, headers: HeaderMap) -> HeaderMap {
        if self.is_empty() {
            return headers;
        }
        let mut headers = headers;
        for value in headers.values_mut() {
            if let Some(hidden) = self.hide_bytes(value.as_bytes()) {
                *value = HeaderValue::from_bytes(&hidden).unwrap_or(HeaderValue::from_static(MASK));
            }
        }
        headers
    }

    /// Returns a URL without secrets. It runs for each request, so that only raw and percent-encoded secrets are
    /// detected; texts that contain the URL are redacted again as a whole.
    pub(crate) fn hide_url(&self, mut url: Url) -> Url {
        let contains_secret = self.with_secrets(|secrets| {
            let decoded = views::decoded(url.as_str().as_bytes());
            let contains = |text: &[u8]| secrets.single.iter().any(|s| memmem::find(text, s.as_bytes()).is_some());
            contains(url.as_str().as_bytes()) || decoded.is_some_and(|text| contains(&text))
        });
        if !contains_secret {
            return url;
        }
        // If the redacted text is not a URL, nothing of it is shown.
        self.hide(url.as_str()).parse().unwrap_or_else(|_| {
            url.set_path("");
            url.set_query(None);
            let _ = url.set_host(Some("hidden.invalid"));
            url
        })
    }

    fn is_empty(&self) -> bool {
        self.with_secrets(|secrets| secrets.single.is_empty() && secrets.pairs.is_empty())
    }

    fn with_secrets<T>(&self, read: impl FnOnce(&Secrets) -> T) -> T {
        read(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn patterns(&self) -> Option<Arc<[SearchPattern]>> {
        if self.is_empty() {
            return None;
        }
        if let Some(patterns) = self.with_secrets(|secrets| secrets.patterns.clone()) {
            return Some(patterns);
        }
        let mut secrets = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let single = secrets.single.iter().flat_map(|secret| patterns::secret_patterns(secret));
        let pairs = secrets.pairs.iter().flat_map(|(user, password)| patterns::basic_auth_patterns(user, password));
        let patterns: Arc<[SearchPattern]> = single.chain(pairs).collect();
        secrets.patterns = Some(Arc::clone(&patterns));
        Some(patterns)
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redactor({})", self.with_secrets(|secrets| secrets.single.len()))
    }
}

/// Finds every match of every pattern.
fn find_matches(patterns: &[SearchPattern], text: &[u8], mut found: impl FnMut((usize, usize))) {
    for pattern in patterns {
        for at in memmem::find_iter(text, &pattern.bytes[..]) {
            let (mut from, mut to) = (at, at + pattern.bytes.len());
            if pattern.base64 {
                while from > 0 && is_base64(text[from - 1]) {
                    from -= 1;
                }
                while to < text.len() && (is_base64(text[to]) || text[to] == b'=') {
                    to += 1;
                }
            }
            found((from, to));
        }
    }
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/-_".contains(&byte)
}

/// Replaces each range; adjacent and overlapping ranges become one.
fn replaced(text: &[u8], mut ranges: Vec<(usize, usize)>, mut replacement: impl FnMut(&[u8]) -> Vec<u8>) -> Vec<u8> {
    ranges.sort_unstable();
    let mut redacted = Vec::with_capacity(text.len());
    let mut shown = 0;
    let mut ranges = ranges.into_iter().peekable();
    while let Some((from, mut to)) = ranges.next() {
        while let Some((_, end)) = ranges.next_if(|(next, _)| *next <= to) {
            to = to.max(end);
        }
        redacted.extend_from_slice(&text[shown..from]);
        redacted.extend_from_slice(&replacement(&text[from..to]));
        shown = to;
    }
    redacted.extend_from_slice(&text[shown..]);
    redacted
}

#[cfg(test)]
mod tests;
