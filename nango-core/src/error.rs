//! The one error that functions see.
//!
//! [`Error`] takes any `std::error::Error` by `?`, and gives back what a function may want to act on: the answer of an
//! API ([`Error::http`]), the payload of an action ([`Error::action`]), the class of the fault ([`Error::kind`]). The
//! floors keep enums of their own and enter through [`Error::new`]; the names that travel on the wire are given by
//! `wire` alone.
//!
//! Like `anyhow::Error`, it does not implement `std::error::Error` itself: that is the price of the `?` above.

use std::{error::Error as StdError, fmt};

use bytes::Bytes;
use reqwest::header::HeaderMap;
use serde::Serialize;
use serde_json::Value;

use crate::{
    json,
    redact::{Redactor, one_line, without_value},
};

/// The result of every annotated function.
pub type Result<T, E = Error> = core::result::Result<T, E>;

/// What went wrong in a function, in one opaque value.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    context: Vec<String>,
    /// Hides secrets in the message and in payloads.
    redactor: Option<Redactor>,
    source: Box<dyn StdError + Send + Sync>,
}

/// The class of an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An [`ActionError`]: the function refused, with a payload for its caller.
    Action,
    /// An API answered with a status that the request did not accept.
    Http,
    /// An API answered 429, a wait for its limit would be too long, or new credentials are asked for again only later.
    RateLimit,
    /// No answer: name resolution, connection, TLS, timeout, or a body that broke off.
    Network,
    /// An answer that is not JSON, or has another shape than the type that was asked for.
    Decode,
    /// The input of an action does not fit its type.
    Input,
    /// A record that cannot be saved: no id, an id that is too long, a value that JSON cannot hold.
    Record,
    /// The credentials or the configuration of the connection do not suffice.
    Connection,
    /// Two writers changed one checkpoint, or a stored one no longer fits its type.
    Checkpoint,
    /// The run was asked to stop; what was committed stays.
    Interrupted,
    /// Another process took over the run: nothing it writes counts any more.
    LeaseLost,
    /// The database failed.
    Store,
    /// Anything else.
    Internal,
}

impl ErrorKind {
    /// The name under which the kind is stored with a run. It never changes.
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
    /// An error of a known class. Floors use it; functions write `?`, [`Error::msg`] or an [`ActionError`].
    #[cold]
    pub fn new(kind: ErrorKind, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self(Box::new(Inner { kind, context: Vec::new(), redactor: None, source: source.into() }))
    }

    /// An error that is only a sentence.
    #[cold]
    pub fn msg(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, message.into())
    }

    /// Puts a sentence in front: what was being done.
    #[must_use]
    pub fn context(mut self, message: impl Into<String>) -> Self {
        self.0.context.push(message.into());
        self
    }

    /// Hides the secrets of a connection in the message, and in the payloads that are made of this error.
    #[must_use]
    pub(crate) fn redacted(mut self, redactor: &Redactor) -> Self {
        match &self.0.redactor {
            // An error of a triggered action may carry the redactor of its own run.
            Some(known) => known.add_from(redactor),
            None => self.0.redactor = Some(redactor.clone()),
        }
        self
    }

    /// A value that goes out with this error, without secrets.
    pub(crate) fn hide_value(&self, value: Value) -> Value {
        match &self.0.redactor {
            Some(redactor) => redactor.hide_value(value),
            None => value,
        }
    }

    /// The class of the fault.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The API's answer, if that is what went wrong.
    pub fn http(&self) -> Option<&HttpFailure> {
        self.0.source.downcast_ref()
    }

    /// The payload for the caller, if the function refused with an [`ActionError`].
    pub fn action(&self) -> Option<&ActionError> {
        self.0.source.downcast_ref()
    }

    /// Whether an API's limit is the cause.
    pub fn is_rate_limit(&self) -> bool {
        self.0.kind == ErrorKind::RateLimit
    }

    /// The error of type `E` that this one carries, if it does.
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

/// Secrets are `***`, control characters are escaped, and the text has at most 4,096 bytes.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let chain = format!("{}", ErrorChain(self));
        match &self.0.redactor {
            Some(redactor) => f.write_str(&redactor.message(&chain)),
            None => f.write_str(&Redactor::default().message(&chain)),
        }
    }
}

/// The whole chain of an error.
struct ErrorChain<'e>(&'e Error);

impl fmt::Display for ErrorChain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Error(inner) = self.0;
        for message in inner.context.iter().rev() {
            write!(f, "{message}: ")?;
        }
        match inner.source.downcast_ref::<serde_json::Error>() {
            // A function that reads JSON itself must not store what it read.
            Some(error) => f.write_str(&without_value(error, &Value::Null))?,
            None => write!(f, "{}", inner.source)?,
        }
        // A cause whose text its parent already holds would be said twice.
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

/// A refusal with a payload for whoever called the action.
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
    /// A refusal; a payload that is not an object or array travels as `{ "message": payload }`.
    pub fn new(payload: impl Serialize) -> Self {
        let payload = match serde_json::to_value(payload) {
            Ok(payload @ (Value::Object(_) | Value::Array(_))) => payload,
            Ok(Value::Null) => Value::Object(serde_json::Map::new()),
            Ok(message) => serde_json::json!({ "message": message }),
            Err(error) => serde_json::json!({ "message": format!("the payload of this error is not JSON: {error}") }),
        };
        Self { payload }
    }

    /// What the caller receives: an object or an array.
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

/// An answer with a status that the request did not accept.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct HttpFailure {
    /// `GET`, `POST`, …
    pub method: String,
    /// Where the request went, without its query (it may carry a key).
    pub url: String,
    /// The status code of the last attempt.
    pub status: u16,
    /// The headers of the last answer. Secrets of the connection in them are `***`.
    pub headers: HeaderMap,
    /// The body of the last answer, its first MiB. Secrets of the connection in it are `***`.
    pub body: Bytes,
    /// How often the request was sent, at least 1.
    pub attempts: u32,
    /// Whether a limit of the API refused the request: by its status 429, its headers, or what the provider's entry says of
    /// its body.
    pub is_rate_limited: bool,
}

impl HttpFailure {
    /// An answer as the pipeline received it.
    pub fn new(method: String, url: String, status: u16, headers: HeaderMap, body: Bytes, attempts: u32) -> Self {
        Self { method, url, status, headers, body, attempts, is_rate_limited: status == 429 }
    }

    /// The body as JSON, or as a string where it is none.
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
        write!(f, "{} {} answered {}", self.method, self.url, self.status)?;
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
    fn a_status_of_429_is_a_rate_limit() {
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
