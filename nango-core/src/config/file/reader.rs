//! Reader of values of the file, whose errors have a line and quote no value.

use std::{collections::BTreeMap, path::Path};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::entries::entries;
use crate::{config::ConfigError, declare::suggest};

/// Text of a file, and its path for messages.
pub(super) struct Reader<'a> {
    pub(super) path: &'a Path,
    pub(super) text: &'a str,
}

impl Reader<'_> {
    /// Returns the entries of a table of texts.
    pub(super) fn string_map(&self, path: &str, table: &DeTable<'_>) -> Result<BTreeMap<String, String>, ConfigError> {
        entries(table)
            .map(|(key, at, value)| Ok((key.to_owned(), self.string_of(&format!("{path}.{key}"), at, value)?)))
            .collect()
    }

    /// Returns a value that must be a text.
    pub(super) fn string_of(&self, key: &str, at: usize, value: &Spanned<DeValue<'_>>) -> Result<String, ConfigError> {
        let value = value.get_ref();
        value.as_str().map(str::to_owned).ok_or_else(|| {
            let kind = value.type_str();
            self.value_error(at, key, format!("must be a quoted string, found {kind}"))
        })
    }

    /// Returns a value that must be a list of texts.
    pub(super) fn string_list_of(
        &self,
        key: &str,
        at: usize,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<Vec<String>, ConfigError> {
        let list = value.get_ref().as_array().ok_or_else(|| {
            let kind = value.get_ref().type_str();
            self.value_error(at, key, format!("must be a list of strings such as [\"a\", \"b\"], found {kind}"))
        })?;
        list.iter().map(|value| self.string_of(key, value.span().start, value)).collect()
    }

    /// Returns a value that must be true or false.
    pub(super) fn bool_of(&self, key: &str, at: usize, value: &Spanned<DeValue<'_>>) -> Result<bool, ConfigError> {
        let value = value.get_ref();
        value.as_bool().ok_or_else(|| {
            let kind = value.type_str();
            self.value_error(at, key, format!("must be true or false, found {kind}"))
        })
    }

    /// Returns a value that must be a table.
    pub(super) fn table_of<'a, 'i>(
        &self,
        key: &str,
        at: usize,
        value: &'a Spanned<DeValue<'i>>,
    ) -> Result<&'a DeTable<'i>, ConfigError> {
        let value = value.get_ref();
        value.as_table().ok_or_else(|| {
            let kind = value.type_str();
            self.value_error(at, key, format!("must be a table, found {kind}: write `[{key}]` on a line of its own"))
        })
    }

    /// Returns the error of an unknown key, with the available ones.
    pub(super) fn unknown_key(&self, at: usize, key: &str, table: Option<&str>, known: &[&str]) -> ConfigError {
        let hint = if key.contains("key") || key.contains("secret") || key.contains("password") {
            "; secrets are not read from this file: set `NANGO_ENCRYPTION_KEY` in the environment and pass credentials \
             to `connection add`"
                .to_owned()
        } else {
            suggest::hint(suggest::nearest(key, known.iter().copied()))
        };
        let table = table.map_or_else(|| "the file".to_owned(), |table| format!("[{table}]"));
        let available = suggest::list(known.iter().copied());
        self.error(at, format!("unknown key `{key}` in {table}; available: {available}{hint}"))
    }

    /// Returns the error of the value of a key, which is not quoted.
    pub(super) fn value_error(&self, at: usize, key: &str, expected: impl AsRef<str>) -> ConfigError {
        self.error(at, format!("`{key}` {}", expected.as_ref()))
    }

    /// Returns an error at a byte offset of the file.
    pub(super) fn error(&self, at: usize, message: String) -> ConfigError {
        ConfigError { path: self.path.to_owned(), line: self.line(at), message }
    }

    fn line(&self, at: usize) -> usize {
        1 + self.text.bytes().take(at).filter(|byte| *byte == b'\n').count()
    }
}
