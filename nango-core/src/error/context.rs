//! Messages in front of an error, which describe the operation that failed.

use super::{Error, Result};

/// Adds a message to the error of a result, or makes a missing value an error:
///
/// ```
/// use nango_core::prelude::*;
///
/// fn page(text: Option<&str>) -> Result<u32> {
///     let text = text.context("the response has no page")?;
///     text.parse::<u32>().with_context(|| format!("reading the page `{text}`"))
/// }
///
/// assert_eq!(page(None).unwrap_err().to_string(), "the response has no page");
/// let error = page(Some("x")).unwrap_err();
/// assert_eq!(error.to_string(), "reading the page `x`: invalid digit found in string");
/// ```
///
/// The class of the error ([`Error::kind`]) and its cause are unchanged.
pub trait Context<T> {
    /// Adds a message in front of the error.
    ///
    /// # Errors
    ///
    /// The error of the result with the message, or the message alone for `None`.
    fn context(self, message: impl Into<String>) -> Result<T>;

    /// Adds a message in front of the error. The message is built only if there is an error.
    ///
    /// # Errors
    ///
    /// The error of the result with the message, or the message alone for `None`.
    fn with_context<M: Into<String>>(self, message: impl FnOnce() -> M) -> Result<T>;
}

impl<T, E: Into<Error>> Context<T> for Result<T, E> {
    fn context(self, message: impl Into<String>) -> Result<T> {
        self.map_err(|error| error.into().context(message))
    }

    fn with_context<M: Into<String>>(self, message: impl FnOnce() -> M) -> Result<T> {
        self.map_err(|error| error.into().context(message()))
    }
}

impl<T> Context<T> for Option<T> {
    fn context(self, message: impl Into<String>) -> Result<T> {
        self.ok_or_else(|| Error::msg(message))
    }

    fn with_context<M: Into<String>>(self, message: impl FnOnce() -> M) -> Result<T> {
        self.ok_or_else(|| Error::msg(message()))
    }
}

/// Returns from a function with an error: a message with values as in [`format!`], or an error such as an
/// [`ActionError`](crate::ActionError).
///
/// ```
/// use nango_core::prelude::*;
///
/// fn check(state: &str) -> Result<()> {
///     match state {
///         "open" => Ok(()),
///         "locked" => bail!(ActionError::new("the issue is locked")),
///         other => bail!("unknown state `{other}`"),
///     }
/// }
///
/// assert_eq!(check("new").unwrap_err().to_string(), "unknown state `new`");
/// assert!(check("locked").unwrap_err().action().is_some());
/// ```
#[macro_export]
macro_rules! bail {
    ($message:literal $(,)?) => {
        return ::core::result::Result::Err($crate::Error::msg(::std::format!($message)))
    };
    ($error:expr $(,)?) => {
        return ::core::result::Result::Err($crate::Error::from($error))
    };
    ($format:literal, $($values:tt)*) => {
        return ::core::result::Result::Err($crate::Error::msg(::std::format!($format, $($values)*)))
    };
}

/// Returns from a function with an error, as [`bail!`], unless a condition holds:
///
/// ```
/// use nango_core::prelude::*;
///
/// fn check(title: &str) -> Result<()> {
///     ensure!(!title.is_empty(), "an issue needs a title");
///     Ok(())
/// }
///
/// assert!(check("Plan").is_ok());
/// assert_eq!(check("").unwrap_err().to_string(), "an issue needs a title");
/// ```
#[macro_export]
macro_rules! ensure {
    ($condition:expr, $($message:tt)+) => {
        if !$condition {
            $crate::bail!($($message)+);
        }
    };
    ($condition:expr $(,)?) => {
        if !$condition {
            $crate::bail!("the condition `{}` does not hold", ::core::stringify!($condition));
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{ActionError, ErrorKind};

    #[test]
    fn context_keeps_class_and_cause_of_an_error() {
        let failed: Result<(), ActionError> = Err(ActionError::new("closed"));
        let error = failed.context("closing the issue").unwrap_err();
        assert_eq!((error.kind(), error.action().is_some()), (ErrorKind::Action, true));
        assert_eq!(error.to_string(), "closing the issue: closed");
        let outer = Err::<(), _>(error).with_context(|| "first step").unwrap_err();
        assert_eq!(outer.to_string(), "first step: closing the issue: closed");
    }

    #[test]
    fn context_is_built_only_for_an_error() {
        let never = || -> String { panic!("built without an error") };
        assert_eq!(Ok::<_, Error>(1).with_context(never).unwrap(), 1);
        assert_eq!(Some(1).with_context(never).unwrap(), 1);
        assert_eq!(None::<u8>.with_context(|| "no value").unwrap_err().to_string(), "no value");
    }

    #[test]
    fn ensure_without_message_names_the_condition() {
        fn check(count: u8) -> Result<u8> {
            ensure!(count > 1);
            ensure!(count < 9, "{count} is too many, at most {}", 8);
            Ok(count)
        }
        assert_eq!(check(1).unwrap_err().to_string(), "the condition `count > 1` does not hold");
        assert_eq!(check(9).unwrap_err().to_string(), "9 is too many, at most 8");
        assert_eq!(check(2).unwrap(), 2);
    }
}
