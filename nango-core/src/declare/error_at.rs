//! Errors in successful responses: `error(…)` of a mapper, `error_at(…)` of a request, and `proxy.error` of a
//! provider's entry.

use std::borrow::Cow;

type Text = Cow<'static, str>;

/// Error that an API reports in a response with a success status: where it is, and where its message is.
///
/// ```
/// use nango_core::prelude::ErrorAt;
///
/// // {"ok": false, "error": "invalid_auth"}
/// let flag = ErrorAt::when("ok", false).message("error");
/// // GraphQL: {"errors": [{"message": "…"}], "data": {…}}; the data of the response is kept.
/// let list = ErrorAt::path("errors[0].message").partial();
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorAt {
    /// Path of the value that indicates the error.
    pub path: Text,
    /// Value at `path` that means an error; `None` if any value does, except `null`, `false`, 0, an empty value, and an
    /// object whose `code` means success.
    pub is: Option<ErrorValue>,
    /// Path of the provider's message; `None` if the value at `path` is the message.
    pub message: Option<Text>,
    /// Whether the response has data beside the error, which is kept. A walk with such a page is incomplete.
    pub partial: bool,
    /// Messages of errors that always fail the run, while other errors skip the parent of a mapper with `each`.
    pub fatal: Cow<'static, [Text]>,
}

/// Value that means an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ErrorValue {
    /// A boolean.
    Bool(bool),
    /// An integer.
    Number(i64),
    /// A string.
    Text(Text),
}

impl ErrorAt {
    /// Declares an error where the value at a path equals `is`: `ErrorAt::when("ok", false)`.
    pub fn when(path: impl Into<Text>, is: impl Into<ErrorValue>) -> Self {
        Self { path: path.into(), is: Some(is.into()), message: None, partial: false, fatal: Cow::Borrowed(&[]) }
    }

    /// Declares an error where a path has a value: `ErrorAt::path("errors[0].message")`.
    pub fn path(path: impl Into<Text>) -> Self {
        Self { path: path.into(), is: None, message: None, partial: false, fatal: Cow::Borrowed(&[]) }
    }

    /// Sets the path of the provider's message.
    #[must_use]
    pub fn message(mut self, path: impl Into<Text>) -> Self {
        self.message = Some(path.into());
        self
    }

    /// Keeps the data beside the error: pages are saved, and the walk is incomplete, so it deletes nothing and does not
    /// advance `since`; for a single request, the error is logged.
    #[must_use]
    pub fn partial(mut self) -> Self {
        self.partial = true;
        self
    }

    /// Sets the messages of errors that always fail the run: `.fatal(["invalid_auth", "token_revoked"])`. Any other
    /// declared error skips the parent of a mapper with `each`, which is wrong for an error about the credentials.
    #[must_use]
    pub fn fatal<T: Into<Text>>(mut self, messages: impl IntoIterator<Item = T>) -> Self {
        self.fatal = messages.into_iter().map(Into::into).collect();
        self
    }

    /// Returns the paths of the declaration.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&*self.path).chain(self.message.as_deref())
    }
}

macro_rules! error_values {
    ($($variant:ident($into:ty): $($from:ty)*;)*) => {
        $($(impl From<$from> for ErrorValue {
            fn from(value: $from) -> Self {
                Self::$variant(<$into>::from(value))
            }
        })*)*
    };
}
error_values!(Bool(bool): bool; Number(i64): i32 u32 i64; Text(Text): &'static str String Text;);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn value_that_means_an_error_is_a_scalar() {
        assert_eq!(ErrorAt::when("ok", false).is, Some(ErrorValue::Bool(false)));
        assert_eq!(ErrorAt::when("code", -1).is, Some(ErrorValue::Number(-1)));
        assert_eq!(ErrorAt::when("status", "failed".to_owned()).is, Some(ErrorValue::Text("failed".into())));
        let declared = ErrorAt::path("errors").message("errors[0].message").partial();
        assert_eq!((declared.is.as_ref(), declared.partial), (None, true));
        assert!(declared.fatal.is_empty());
        assert_eq!(declared.clone().fatal(["revoked"]).fatal[..], ["revoked"]);
        assert_eq!(declared.paths().collect::<Vec<_>>(), ["errors", "errors[0].message"]);
    }
}
