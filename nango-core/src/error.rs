//! Error type of annotated functions.
//!
//! [`Error`] is created from any `std::error::Error` by `?`, and exposes what a function may handle: the response of an
//! API ([`Error::http`]), the payload of an action ([`Error::action`]), the class of the error ([`Error::kind`]). The
//! other modules have their own error enums and convert them with [`Error::new`]; only `wire` defines the names that
//! are sent to clients.
//!
//! Like `anyhow::Error`, it does not implement `std::error::Error`, because that would conflict with the conversion by
//! `?`.

use std::{error::Error as StdError, fmt, sync::Arc};

use bytes::Bytes;
use reqwest::header::HeaderMap;
use serde::Serialize;
use serde_json::Value;

use crate::{
    json,
    redact::{Redactor, one_line, without_value},
};

/// Result of an annotated function.
pub type Result<T, E = Error> = core::result::Result<T, E>;

/// Error of a function: a source, its class, and context messages.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    context: Vec<String>,
    /// Removes secrets from the message and from payloads.
    redactor: Option<Redactor>,
    source: Box<dyn StdError + Send + Sync>,
}

/// Class of an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An [`ActionError`]: the function refused the request, with a payload for its caller.
    Action,
    /// An API responded with a status that the request did not accept.
    Http,
    /// An API responded with 429, the wait for its rate limit would be too long, or a token refresh is in backoff.
    RateLimit,
    /// No complete response: name resolution, connection, TLS, timeout, or a truncated body.
    Network,
    /// A response that is not JSON, or does not fit the requested type.
    Decode,
    /// The input of an action or the payload of a webhook does not fit its type.
    Input,
    /// A record that cannot be saved: no id, an id that is too long, or a value that JSON cannot represent.
    Record,
    /// The credentials or the configuration of the connection are incomplete or invalid.
    Connection,
    /// Two writers changed the same checkpoint, or a stored checkpoint no longer fits its type.
    Checkpoint,
    /// The run was cancelled; committed pages are kept.
    Interrupted,
    /// Another process took over the key of the run; its further writes are refused.
    LeaseLost,
    /// A database operation failed.
    Store,
    /// Any other error.
    Internal,
}

impl ErrorKind {
    /// Returns the name that is stored with a run. It never changes.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Action => "Action",
            Self::Http => "Http",
            Self::RateLimit => "RateLimit",
            Self::Network => "Network",
            Self::Decode => "Decode",
            Self::Input => "Input",
            Self::Record => "Record",
            Self::Connection => "Connection",
            Self::Checkpoint => "Checkpoint",
            Self::Interrupted => "Interrupted",
            Self::LeaseLost => "LeaseLost",
            Self::Store => "Store",
            Self::Internal => "Internal",
        }
    }
}

impl Error {
    /// Creates an error of a given class. For the modules of this crate; functions use `?`, [`Error::msg`] or an
    /// [`ActionError`].
    #[cold]
    pub fn new(kind: ErrorKind, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self(Box::new(Inner { kind, context: Vec::new(), redactor: None, source: source.into() }))
    }

    /// Creates an error of class [`ErrorKind::Internal`] from a message.
    #[cold]
    pub fn msg(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, message.into())
    }

    /// Adds a message in front, which describes the operation that failed.
    #[must_use]
    pub fn context(mut self, message: impl Into<String>) -> Self {
        self.0.context.push(message.into());
        self
    }

    /// Removes the secrets of a connection from the message and from the payloads of this error.
    #[must_use]
    pub(crate) fn redacted(mut self, redactor: &Redactor) -> Self {
        match &self.0.redactor {
            // An error of a triggered action may carry the redactor of its own run.
            Some(existing) => existing.add_from(redactor),
            None => self.0.redactor = Some(redactor.clone()),
        }
        self
    }

    /// Removes secrets from a value that is shown with this error.
    pub(crate) fn hide_value(&self, value: Value) -> Value {
        match &self.0.redactor {
            Some(redactor) => redactor.hide_value(value),
            None => value,
        }
    }

    /// Returns the class of the error.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns the response of the API, if it is the cause of the error.
    pub fn http(&self) -> Option<&HttpFailure> {
        self.0.source.downcast_ref()
    }

    /// Returns the payload for the caller, if the function failed with an [`ActionError`].
    pub fn action(&self) -> Option<&ActionError> {
        self.0.source.downcast_ref()
    }

    /// Returns whether a rate limit is the cause.
    pub fn is_rate_limit(&self) -> bool {
        self.0.kind == ErrorKind::RateLimit
    }

    /// Returns the first error of type `E` in the chain of sources, also one that several errors share in an `Arc`.
    pub(crate) fn find<E: StdError + 'static>(&self) -> Option<&E> {
        let mut next: Option<&(dyn StdError + 'static)> = Some(&*self.0.source);
        while let Some(error) = next {
            let shared = error.downcast_ref::<Arc<E>>().map(|shared| &**shared);
            if let Some(found) = error.downcast_ref::<E>().or(shared) {
                return Some(found);
            }
            next = error.source();
        }
        None
    }

    /// Returns the source, if it is of type `E`.
    pub fn downcast_ref<E: StdError + 'static>(&self) -> Option<&E> {
        self.0.source.downcast_ref()
    }
}

impl<E: StdError + Send + Sync + 'static> From<E> for Error {
    #[cold]
    fn from(source: E) -> Self {
        let boxed: Box<dyn StdError + Send + Sync> = Box::new(source);
        let kind = if boxed.is::<ActionError>() {
            ErrorKind::Action
        } else if let Some(failure) = boxed.downcast_ref::<HttpFailure>() {
            failure.kind()
        } else if boxed.is::<serde_json::Error>() {
            ErrorKind::Decode
        } else {
            ErrorKind::Internal
        };
        Self::new(kind, boxed)
    }
}

/// Formats the whole chain of causes. Secrets are `***`, control characters are escaped, and the text has at most 4,096
/// bytes.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let chain = format!("{}", ErrorChain(self));
        match &self.0.redactor {
            Some(redactor) => f.write_str(&redactor.message(&chain)),
            None => f.write_str(&Redactor::default().message(&chain)),
        }
    }
}

/// Formats an error with its context and all its causes.
struct ErrorChain<'e>(&'e Error);

impl fmt::Display for ErrorChain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Error(inner) = self.0;
        for message in inner.context.iter().rev() {
            write!(f, "{message}: ")?;
        }
        match inner.source.downcast_ref::<serde_json::Error>() {
            // If a function parses JSON itself, the parsed value must not be stored with the error.
            Some(error) => f.write_str(&without_value(error, &Value::Null))?,
            None => write!(f, "{}", inner.source)?,
        }
        // Skips a cause whose text its parent already contains, so that it is shown once.
        let mut shown = inner.source.to_string();
        let mut cause = inner.source.source();
        while let Some(error) = cause {
            let text = error.to_string();
            if !shown.contains(&text) {
                write!(f, ": {text}")?;
                shown.push_str(&text);
            }
            cause = error.source();
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {self}", self.0.kind.name())
    }
}

/// Error with a payload for the caller of an action.
///
/// ```
/// use nango_core::prelude::*;
///
/// fn check(title: &str) -> Result<()> {
///     if title.is_empty() {
///         return Err(ActionError::new(json!({ "message": "an issue needs a title" })).into());
///     }
///     Ok(())
/// }
/// assert!(check("").unwrap_err().action().is_some());
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ActionError {
    payload: Value,
}

impl ActionError {
    /// Creates an error; a payload that is not an object or array is sent as `{ "message": payload }`, `null` as `{}`.
    pub fn new(payload: impl Serialize) -> Self {
        let payload = match serde_json::to_value(payload) {
            Ok(payload @ (Value::Object(_) | Value::Array(_))) => payload,
            Ok(Value::Null) => Value::Object(serde_json::Map::new()),
            Ok(message) => serde_json::json!({ "message": message }),
            Err(error) => serde_json::json!({ "message": format!("the payload of this error is not JSON: {error}") }),
        };
        Self { payload }
    }

    /// Returns the payload that the caller receives: an object or an array.
    pub fn payload(&self) -> &Value {
        &self.payload
    }
}

impl fmt::Display for ActionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.payload.get("message").and_then(Value::as_str) {
            Some(message) => f.write_str(message),
            None => write!(f, "{}", self.payload),
        }
    }
}

impl StdError for ActionError {}

/// Response with a status that the request did not accept.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct HttpFailure {
    /// Method of the request, such as `GET` or `POST`.
    pub method: String,
    /// URL of the request without its query, which may contain a key.
    pub url: String,
    /// Status code of the last attempt.
    pub status: u16,
    /// Headers of the last response. Secrets of the connection in them are `***`.
    pub headers: HeaderMap,
    /// Body of the last response, at most its first MiB. Secrets of the connection in it are `***`.
    pub body: Bytes,
    /// Number of attempts, at least 1.
    pub attempts: u32,
    /// Whether a rate limit of the API refused the request, according to its status 429, its headers, or the rule for
    /// its body in the provider's entry.
    pub is_rate_limited: bool,
}

impl HttpFailure {
    /// Creates a failure from a received response.
    pub fn new(method: String, url: String, status: u16, headers: HeaderMap, body: Bytes, attempts: u32) -> Self {
        Self { method, url, status, headers, body, attempts, is_rate_limited: status == 429 }
    }

    /// Returns the body as JSON, or as a string if it is not JSON.
    pub fn json(&self) -> Value {
        let charset = json::charset(&self.headers);
        json::parse_rounding(&self.body, charset)
            .unwrap_or_else(|_| Value::String(json::body_text_lossy(&self.body, charset)))
    }

    fn kind(&self) -> ErrorKind {
        if self.is_rate_limited { ErrorKind::RateLimit } else { ErrorKind::Http }
    }
}

impl fmt::Display for HttpFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} returned {}", self.method, self.url, self.status)?;
        if self.attempts > 1 {
            write!(f, " after {} attempts", self.attempts)?;
        }
        let body = one_line(&json::body_text_lossy(&self.body, json::charset(&self.headers)));
        if !body.is_empty() {
            let short: String = body.chars().take(300).collect();
            let dots = if short.len() < body.len() { " …" } else { "" };
            write!(f, ": {short}{dots}")?;
        }
        Ok(())
    }
}

impl StdError for HttpFailure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_name_of_every_kind_is_frozen() {
        let names = [
            (ErrorKind::Action, "Action"),
            (ErrorKind::Http, "Http"),
            (ErrorKind::RateLimit, "RateLimit"),
            (ErrorKind::Network, "Network"),
            (ErrorKind::Decode, "Decode"),
            (ErrorKind::Input, "Input"),
            (ErrorKind::Record, "Record"),
            (ErrorKind::Connection, "Connection"),
            (ErrorKind::Checkpoint, "Checkpoint"),
            (ErrorKind::Interrupted, "Interrupted"),
            (ErrorKind::LeaseLost, "LeaseLost"),
            (ErrorKind::Store, "Store"),
            (ErrorKind::Internal, "Internal"),
        ];
        for (kind, name) in names {
            assert_eq!(kind.name(), name);
        }
    }

    #[test]
    fn action_error_keeps_its_payload_through_the_question_mark_operator() {
        let fail = || -> Result<()> { Err(ActionError::new("no title"))? };
        let error = fail().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Action);
        assert_eq!(error.action().unwrap().payload(), &serde_json::json!({ "message": "no title" }));
        assert_eq!(error.context("creating an issue").to_string(), "creating an issue: no title");
    }

    #[test]
    fn status_429_is_a_rate_limit() {
        let failure = |status| {
            Error::from(HttpFailure::new("GET".into(), "http://h/p".into(), status, HeaderMap::new(), Bytes::new(), 1))
        };
        assert!(failure(429).is_rate_limit());
        assert_eq!(failure(500).kind(), ErrorKind::Http);
        assert_eq!(failure(500).http().map(|http| http.status), Some(500));
    }

    #[test]
    fn repeated_cause_is_displayed_once() {
        #[derive(Debug, thiserror::Error)]
        #[error("outer: {0}")]
        struct Outer(#[source] std::num::ParseIntError);
        let cause = "x".parse::<u8>().unwrap_err();
        assert_eq!(Error::from(Outer(cause)).to_string(), "outer: invalid digit found in string");
    }
}
