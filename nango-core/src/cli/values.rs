//! Values of options: inline `JSON`, `@file`, or `-` for stdin.
//!
//! An error contains the option and the position in the text, never the text itself, which may be a credential.

use std::{borrow::Cow, fs, io::Read as _};

use serde::de::IgnoredAny;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::CommandError;
use crate::json;

/// Reader of option values. Only one option of a command line can read stdin.
#[derive(Debug, Default)]
pub(crate) struct ValueReader {
    stdin: Option<String>,
}

impl ValueReader {
    /// Reads a JSON value of any type.
    ///
    /// # Errors
    ///
    /// Fails if the file or stdin cannot be read, or is not JSON.
    pub(crate) fn json(&mut self, option: &str, given: &str) -> Result<Value, CommandError> {
        let text = self.text(option, given)?;
        parse(option, &text)
    }

    /// Reads a JSON object.
    ///
    /// # Errors
    ///
    /// Fails like [`ValueReader::json`], and if the value is not an object.
    pub(crate) fn object(&mut self, option: &str, given: &str) -> Result<Map<String, Value>, CommandError> {
        match self.json(option, given)? {
            Value::Object(object) => Ok(object),
            _ => Err(CommandError::usage(format!("{option} must be a JSON object, such as '{{\"owner\": \"acme\"}}'"))),
        }
    }

    /// Reads credentials: JSON, or a bare key or token.
    ///
    /// # Errors
    ///
    /// Fails if the file or stdin cannot be read, or its text starts like JSON but is not valid.
    pub(crate) fn credentials(&mut self, option: &str, given: &str) -> Result<Value, CommandError> {
        let text = self.text(option, given)?;
        match text.trim_start().chars().next() {
            Some('{' | '[' | '"') => parse(option, &text),
            _ if given != "-" && !given.starts_with('@') && std::path::Path::new(given).is_file() => {
                Err(CommandError::usage(format!("{option}: {given} is a file; did you mean @{given}?")))
            }
            _ => Ok(Value::String(text.trim().to_owned())),
        }
    }

    /// Reads the text of a file, or of stdin for `-`, without its final line breaks. For values that must not appear on
    /// the command line.
    ///
    /// # Errors
    ///
    /// Fails if the file or stdin cannot be read.
    pub(crate) fn file(&mut self, option: &str, path: &str) -> Result<String, CommandError> {
        let given = if path == "-" { path.to_owned() } else { format!("@{path}") };
        let mut text = self.text(option, &given)?;
        text.truncate(text.trim_end_matches(['\r', '\n']).len());
        Ok(text)
    }

    fn text(&mut self, option: &str, given: &str) -> Result<String, CommandError> {
        if given == "-" {
            if let Some(reader_option) = &self.stdin {
                return Err(CommandError::usage(format!(
                    "{option}: stdin is already read by {reader_option}; use a file: @PATH"
                )));
            }
            self.stdin = Some(option.to_owned());
            let mut bytes = Vec::new();
            let failed = |reason: String| CommandError::usage(format!("{option}: cannot read stdin: {reason}"));
            std::io::stdin().read_to_end(&mut bytes).map_err(|error| failed(error.to_string()))?;
            return decode_file_text(bytes).map_err(failed);
        }
        match given.strip_prefix('@') {
            Some(path) => {
                let failed = |reason: String| CommandError::usage(format!("{option}: cannot read {path}: {reason}"));
                fs::read(path)
                    .map_err(|error| failed(error.to_string()))
                    .and_then(|bytes| decode_file_text(bytes).map_err(failed))
            }
            None => Ok(given.to_owned()),
        }
    }
}

/// Decodes the text of a file, UTF-8 or UTF-16 with a byte order mark.
fn decode_file_text(bytes: Vec<u8>) -> Result<String, String> {
    let bytes = Zeroizing::new(bytes);
    json::body_text(&bytes, None).map(Cow::into_owned).map_err(|error| error.to_string())
}

fn parse(option: &str, text: &str) -> Result<Value, CommandError> {
    json::decode_str(text).map_err(|error| {
        let Some(error) = serde_json::from_str::<IgnoredAny>(text).err() else {
            return CommandError::usage(format!("{option}: {error}"));
        };
        let position = format!("line {}, column {}", error.line(), error.column());
        CommandError::usage(format!("{option} is not JSON ({position}); pass quoted JSON, @FILE, or - for stdin"))
    })
}

/// Parses `KEY=VALUE`.
///
/// # Errors
///
/// Fails if the text contains no `=`, or the key is empty.
pub(crate) fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("expected KEY=VALUE (the configuration file is given before the command: \
                  `registry --config FILE connection add …`)"
            .to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use serde_json::json;

    use super::*;

    #[test]
    fn value_is_read_inline_or_from_file() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"{\"a\": 1}").unwrap();
        let mut values = ValueReader::default();
        assert_eq!(values.json("--input", "[1]"), Ok(json!([1])));
        let from_file = format!("@{}", file.path().display());
        assert_eq!(values.object("--metadata", &from_file).map(Value::Object), Ok(json!({ "a": 1 })));
    }

    #[track_caller]
    fn check<T: std::fmt::Debug>(result: Result<T, CommandError>, expect: &str) {
        let message = result.unwrap_err().to_string();
        assert!(message.starts_with(expect), "{message}");
        assert!(!message.contains("k3y5"), "{message}");
    }

    #[test]
    fn invalid_json_is_reported_without_content() {
        let mut values = ValueReader::default();
        check(values.json("--input", "k3y5"), "--input is not JSON (line 1, column 1)");
        check(values.credentials("--credentials", "{\"k3y5\""), "--credentials is not JSON (line 1, column 7)");
        check(values.object("--metadata", "[\"k3y5\"]"), "--metadata must be a JSON object");
        check(values.json("--input", "@no-such-file"), "--input: cannot read no-such-file");
    }

    #[test]
    fn bare_credential_becomes_string() {
        let mut values = ValueReader::default();
        assert_eq!(values.credentials("--credentials", " k1\n"), Ok(json!("k1")));
        assert_eq!(values.credentials("--credentials", "{\"apiKey\": \"k\"}"), Ok(json!({ "apiKey": "k" })));
    }

    #[test]
    fn key_value_requires_key() {
        assert_eq!(key_value("a=b=c"), Ok(("a".into(), "b=c".into())));
        assert_eq!(key_value("a="), Ok(("a".into(), String::new())));
        assert!(key_value("nango.toml").unwrap_err().contains("registry --config FILE connection add"));
        assert!(key_value("=x").is_err());
    }
}
