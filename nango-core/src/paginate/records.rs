//! Records of a page: byte ranges of its body, or texts of their own if the key of each record is added.

use std::{borrow::Cow, ops::Range};

use serde_json::Value;

use super::path::{self, Path};

/// Records of a page.
pub(super) enum PageRecords {
    /// Byte ranges in the body.
    Ranges(Vec<Range<usize>>),
    /// Texts of the values of an object, each with its key.
    Keyed(Vec<Box<str>>),
}

impl PageRecords {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Ranges(ranges) => ranges.len(),
            Self::Keyed(records) => records.len(),
        }
    }
}

/// Adds the key of an entry (JSON text) to its record as the field `field`. A record that has the field, or is not an
/// object, stays as it is.
pub(super) fn with_key<'a>(record: &'a str, field: &str, key: &str) -> Cow<'a, str> {
    let Some(fields) = record.strip_prefix('{') else { return Cow::Borrowed(record) };
    if !matches!(path::find(record, &Path::key(field)), Ok(None)) {
        return Cow::Borrowed(record);
    }
    let comma = if fields.trim_start().starts_with('}') { "" } else { "," };
    Cow::Owned(format!("{{{}:{key}{comma}{fields}", Value::from(field)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_is_added_to_an_object_that_lacks_the_field() {
        for (record, expect) in [
            (r#"{"a":1}"#, r#"{"id":"k\n","a":1}"#),
            ("{ }", r#"{"id":"k\n" }"#),
            (r#"{"a":{"id":2}}"#, r#"{"id":"k\n","a":{"id":2}}"#),
            (r#"{"id":7}"#, r#"{"id":7}"#),
            (r#"{"id":null}"#, r#"{"id":null}"#),
            ("5", "5"),
            ("[1]", "[1]"),
            ("null", "null"),
        ] {
            assert_eq!(with_key(record, "id", r#""k\n""#), expect, "{record}");
        }
        assert_eq!(with_key("{}", "a\"b", "\"k\""), r#"{"a\"b":"k"}"#);
    }
}
