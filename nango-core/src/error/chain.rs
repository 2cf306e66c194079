//! Text of an error with its causes.

use std::{error::Error as StdError, fmt};

use serde_json::Value;

use crate::redact::without_value;

/// Formats an error and all its causes, separated by `: `. No error of this crate repeats the text of its cause.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chain<'e>(pub(crate) &'e (dyn StdError + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut next = Some(self.0);
        let mut separator = "";
        while let Some(error) = next {
            f.write_str(separator)?;
            match error.downcast_ref::<serde_json::Error>() {
                // If a function parses JSON itself, the parsed value must not be stored with the error.
                Some(error) => f.write_str(&without_value(error, &Value::Null))?,
                None => write!(f, "{error}")?,
            }
            separator = ": ";
            next = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] std::num::ParseIntError);

    #[test]
    fn causes_follow_their_error() {
        let error = Outer("x".parse::<u8>().unwrap_err());
        assert_eq!(Chain(&error).to_string(), "outer: invalid digit found in string");
    }

    #[test]
    fn value_of_a_json_error_is_not_displayed() {
        let error = serde_json::from_str::<u8>("\"secret\"").unwrap_err();
        assert!(!Chain(&error).to_string().contains("secret"), "{}", Chain(&error));
    }
}
