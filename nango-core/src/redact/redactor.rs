//! The redactor of one connection and its app.

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

/// The mark in place of a secret.
const MASK: &str = "***";

/// Hides the secrets of a connection and its app in texts: raw, percent-encoded, as a form, JSON or HTML writes them,
/// in base64 and base64url, alone and as `user:password`.
///
/// Default: no secrets. Clones share the secrets, so that a token that is obtained later is hidden everywhere. Secrets
/// of one or two bytes are not hidden. The forms are made at the first use: a page without errors costs nothing.
#[derive(Clone, Default)]
pub struct Redactor(Arc<RwLock<Secrets>>);

#[derive(Default)]
struct Secrets {
    single: Vec<Zeroizing<String>>,
    pairs: Vec<(String, Zeroizing<String>)>,
    patterns: Option<Arc<[SearchPattern]>>,
}

impl Redactor {
    /// Hides these texts.
    pub fn new(secrets: impl IntoIterator<Item = Zeroizing<String>>) -> Self {
        let redactor = Self::default();
        for secret in secrets {
            redactor.add(secret);
        }
        redactor
    }

    /// Hides one more text.
    pub fn add(&self, secret: Zeroizing<String>) {
        if secret.len() < MIN_SECRET_BYTES || self.with_secrets(|held| held.single.contains(&secret)) {
            return;
        }
        let mut held = self.0.write().unwrap_or_else(PoisonError::into_inner);
        held.single.push(secret);
        held.patterns = None;
    }

    /// Hides what basic authentication makes of a user and a password; the password alone is added with
    /// [`Redactor::add`].
    pub fn add_basic_auth(&self, user: &str, password: Zeroizing<String>) {
        if self.with_secrets(|held| held.pairs.iter().any(|(known, other)| known == user && *other == password)) {
            return;
        }
        let mut held = self.0.write().unwrap_or_else(PoisonError::into_inner);
        held.pairs.push((user.to_owned(), password));
        held.patterns = None;
    }

    /// Hides everything that another redactor hides, too.
    pub fn add_from(&self, other: &Self) {
        if Arc::ptr_eq(&self.0, &other.0) {
            return;
        }
        let (secrets, pairs) = other.with_secrets(|held| (held.single.clone(), held.pairs.clone()));
        for secret in secrets {
            self.add(secret);
        }
        for (user, password) in pairs {
            self.add_basic_auth(&user, password);
        }
    }

    /// A redactor of its own with the same secrets: what is added to it is hidden by it alone.
    #[must_use]
    pub fn detached(&self) -> Self {
        let other = Self::default();
        other.add_from(self);
        other
    }

    /// The text without secrets.
    pub fn hide<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match self.hide_bytes(text.as_bytes()) {
            // Ranges may cut a character only where the text repeats a secret in part of it.
            Some(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
            None => Cow::Borrowed(text),
        }
    }

    /// The text as a message: without secrets, its control characters escaped, at most 4,096 bytes. It is redacted before
    /// it is cut.
    pub(crate) fn message(&self, text: &str) -> String {
        truncated(printable(&self.hide(text)), MAX_MESSAGE_BYTES).into_owned()
    }

    /// The bytes without secrets; `None`: they hold none.
    pub fn hide_bytes(&self, text: &[u8]) -> Option<Vec<u8>> {
        let forms = self.patterns()?;
        let mut ranges = Vec::new();
        find_matches(&forms, text, |range| ranges.push(range));
        for view in successors(DecodedView::decode_layer(text), DecodedView::next_layer).take(views::MAX_LAYERS) {
            find_matches(&forms, &view.bytes, |(from, to)| ranges.push(view.source_range(from, to)));
        }
        (!ranges.is_empty()).then(|| masked(text, ranges))
    }

    /// How many bytes the longest form has: the end of a text that was cut may hold so many of it.
    pub(crate) fn max_pattern_len(&self) -> usize {
        self.patterns().map_or(0, |forms| forms.iter().map(|form| form.bytes.len()).max().unwrap_or(0))
    }

    /// A JSON value without secrets, in texts, names and numbers.
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

    /// Headers without secrets in their values.
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

    /// A URL without secrets. It is asked for with each request, so that only the raw and the percent-encoded forms are
    /// searched for; a text that shows it is redacted again as a whole.
    pub(crate) fn hide_url(&self, mut url: Url) -> Url {
        let contains_secret = self.with_secrets(|held| {
            let decoded = views::decoded(url.as_str().as_bytes());
            let holds = |text: &[u8]| held.single.iter().any(|s| memmem::find(text, s.as_bytes()).is_some());
            holds(url.as_str().as_bytes()) || decoded.is_some_and(|text| holds(&text))
        });
        if !contains_secret {
            return url;
        }
        // Where no URL is left, nothing of it can be shown.
        self.hide(url.as_str()).parse().unwrap_or_else(|_| {
            url.set_path("");
            url.set_query(None);
            let _ = url.set_host(Some("hidden.invalid"));
            url
        })
    }

    fn is_empty(&self) -> bool {
        self.with_secrets(|held| held.single.is_empty() && held.pairs.is_empty())
    }

    fn with_secrets<T>(&self, look: impl FnOnce(&Secrets) -> T) -> T {
        look(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn patterns(&self) -> Option<Arc<[SearchPattern]>> {
        if self.is_empty() {
            return None;
        }
        if let Some(forms) = self.with_secrets(|held| held.patterns.clone()) {
            return Some(forms);
        }
        let mut held = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let secrets = held.single.iter().flat_map(|secret| patterns::secret_patterns(secret));
        let pairs = held.pairs.iter().flat_map(|(user, password)| patterns::basic_auth_patterns(user, password));
        let forms: Arc<[SearchPattern]> = secrets.chain(pairs).collect();
        held.patterns = Some(Arc::clone(&forms));
        Some(forms)
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redactor({})", self.with_secrets(|held| held.single.len()))
    }
}

/// Finds every place of every form.
fn find_matches(forms: &[SearchPattern], text: &[u8], mut found: impl FnMut((usize, usize))) {
    for form in forms {
        for at in memmem::find_iter(text, &form.bytes[..]) {
            let (mut from, mut to) = (at, at + form.bytes.len());
            if form.base64 {
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

/// The text with one mark for each range; ranges that meet are one.
fn masked(text: &[u8], mut ranges: Vec<(usize, usize)>) -> Vec<u8> {
    ranges.sort_unstable();
    let mut left = Vec::with_capacity(text.len());
    let mut shown = 0;
    let mut ranges = ranges.into_iter().peekable();
    while let Some((from, mut to)) = ranges.next() {
        while let Some((_, end)) = ranges.next_if(|(next, _)| *next <= to) {
            to = to.max(end);
        }
        left.extend_from_slice(&text[shown..from]);
        left.extend_from_slice(MASK.as_bytes());
        shown = to;
    }
    left.extend_from_slice(&text[shown..]);
    left
}

#[cfg(test)]
mod tests;
