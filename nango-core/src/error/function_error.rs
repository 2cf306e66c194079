//! The opaque error of functions, and its conversion from other errors.

use std::{error::Error as StdError, fmt, sync::Arc};

use serde_json::Value;

use super::{
    chain::Chain,
    kind::ErrorKind,
    payload::{ActionError, HttpFailure},
    remedy::Remedy,
};
use crate::redact::Redactor;

/// Result of an annotated function.
pub type Result<T, E = Error> = core::result::Result<T, E>;

/// Error of a function: a source, its class, and context messages.
pub struct Error(Box<Inner>);

type Source = Box<dyn StdError + Send + Sync>;

struct Inner {
    kind: ErrorKind,
    context: Vec<String>,
    remedy: Option<Remedy>,
    /// Removes secrets from the message and from payloads.
    redactor: Option<Redactor>,
    source: Source,
}

/// Conversion of the errors of one layer of this crate, registered with [`register_layer_error`].
pub(crate) struct LayerConversion(fn(Source) -> Result<Error, Source>);

inventory::collect!(LayerConversion);

impl LayerConversion {
    /// Creates the conversion from a function that returns errors of other types unchanged.
    pub(crate) const fn new(convert: fn(Source) -> Result<Error, Source>) -> Self {
        Self(convert)
    }
}

/// Registers the `into_error` of an error type, so that `?` uses it.
macro_rules! register_layer_error {
    ($error:ty) => {
        inventory::submit! {
            $crate::error::LayerConversion::new(|source| Ok(<$error>::into_error(*source.downcast::<$error>()?)))
        }
    };
}
pub(crate) use register_layer_error;

impl Error {
    /// Creates an error of a given class. For the modules of this crate; functions use `?`, [`Error::msg`] or an
    /// [`ActionError`].
    #[cold]
    pub fn new(kind: ErrorKind, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self(Box::new(Inner { kind, context: Vec::new(), remedy: None, redactor: None, source: source.into() }))
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

    /// Sets the next step that fixes the cause, unless one is set: that of the cause is more specific.
    #[must_use]
    pub(crate) fn with_remedy(mut self, remedy: impl Into<Option<Remedy>>) -> Self {
        self.0.remedy = self.0.remedy.or_else(|| remedy.into());
        self
    }

    /// Returns the next step that fixes the cause, if there is one.
    pub(crate) fn remedy(&self) -> Option<&Remedy> {
        self.0.remedy.as_ref()
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

    /// Removes secrets and control characters from a text that is shown with this error.
    pub(crate) fn hide_text(&self, text: &str) -> String {
        self.0.redactor.as_ref().map_or_else(|| Redactor::default().message(text), |redactor| redactor.message(text))
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

/// An error that `?` converts: every `std::error::Error` without borrowed data.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not convert to `nango_core::Error`",
    label = "does not implement `std::error::Error`",
    note = "for an error with a text write `bail!(\"text\")`, or `Err(Error::msg(text))`",
    note = "`anyhow::Error` and `Box<dyn Error>` convert by `.map_err(|error| Error::msg(error.to_string()))`; a function \
            with an attribute returns `nango_core::Result<T>`",
    note = "see docs/first-integration.md#an-action in the repository"
)]
pub trait SourceError: StdError + Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<E: StdError + Send + Sync + 'static> SourceError for E {}

impl<E: SourceError> From<E> for Error {
    #[cold]
    fn from(source: E) -> Self {
        let mut source: Source = Box::new(source);
        for LayerConversion(convert) in inventory::iter::<LayerConversion> {
            match convert(source) {
                Ok(error) => return error,
                Err(other) => source = other,
            }
        }
        Self::new(foreign_kind(&*source), source)
    }
}

/// Returns the class of an error that is not of a layer of this crate.
fn foreign_kind(source: &(dyn StdError + 'static)) -> ErrorKind {
    if source.is::<ActionError>() {
        ErrorKind::Action
    } else if let Some(failure) = source.downcast_ref::<HttpFailure>() {
        failure.kind()
    } else if source.downcast_ref::<serde_json::Error>().is_some_and(is_read_error) {
        ErrorKind::Decode
    } else {
        ErrorKind::Internal
    }
}

/// Returns whether JSON was read, and not written. Errors of a text have a line, and errors of its syntax without a
/// line are those of a key that is not a string, or of a number that is too large to be written. A [`Value`] that does
/// not fit a type cannot be distinguished from a type that refuses to be written; only the first is common.
fn is_read_error(error: &serde_json::Error) -> bool {
    error.line() > 0 || error.is_eof() || error.is_data()
}

/// Formats the whole chain of causes. Secrets are `***`, control characters are escaped, and the text has at most 4,096
/// bytes.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        for message in self.0.context.iter().rev() {
            text.push_str(message);
            text.push_str(": ");
        }
        text.push_str(&Chain(&*self.0.source).to_string());
        f.write_str(&self.hide_text(&text))
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {self}", self.0.kind.name())
    }
}

#[cfg(test)]
mod tests;
