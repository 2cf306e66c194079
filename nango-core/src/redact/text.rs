//! Safe texts for terminals and stored messages: escaped, on one line, bounded in length.

use std::{borrow::Cow, fmt::Write as _};

use serde_json::{Map, Value};

/// Maximum length of a message, in bytes.
pub(crate) const MAX_MESSAGE_BYTES: usize = 4096;
/// Suffix of a truncated text.
const ELLIPSIS: &str = " …";

/// Escapes control characters except line breaks and tabs, and characters that are invisible or change the direction of
/// the text around them, as `\u{1b}`.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unprintable) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_unprintable(c) {
            _ = write!(shown, "\\u{{{:x}}}", u32::from(c));
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// Applies [`printable`] to the strings and names of a JSON value.
pub(crate) fn printable_value(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(printable(&text).into_owned()),
        Value::Array(list) => list.into_iter().map(printable_value).collect(),
        Value::Object(object) => {
            let shown = object.into_iter().map(|(name, value)| (printable(&name).into_owned(), printable_value(value)));
            Value::Object(shown.collect::<Map<_, _>>())
        }
        other => other,
    }
}

/// Escapes in JSON text the characters that [`printable`] escapes, as JSON escapes, which change no value.
pub(crate) fn printable_json(json: &str) -> Cow<'_, str> {
    // Line breaks occur only between values; within strings they are escaped already.
    if !json.contains(is_unprintable) {
        return Cow::Borrowed(json);
    }
    let mut shown = String::with_capacity(json.len() + 16);
    let mut units = [0; 2];
    for c in json.chars() {
        if is_unprintable(c) {
            for unit in c.encode_utf16(&mut units) {
                _ = write!(shown, "\\u{unit:04x}");
            }
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// Returns the text on one line: white space with a line break becomes one space, the rest is [`printable`].
pub(crate) fn one_line(text: &str) -> String {
    let lines = text.split(['\r', '\n']).map(str::trim).filter(|line| !line.is_empty());
    printable(&lines.collect::<Vec<_>>().join(" ")).into_owned()
}

/// Truncates the text to at most `limit` bytes.
pub(crate) fn truncated(text: Cow<'_, str>, limit: usize) -> Cow<'_, str> {
    if text.len() <= limit {
        return text;
    }
    let end = text.floor_char_boundary(limit.saturating_sub(ELLIPSIS.len()));
    Cow::Owned(format!("{}{ELLIPSIS}", &text[..end]))
}

/// Returns whether a character is invisible or changes how others are shown.
fn is_unprintable(c: char) -> bool {
    (c.is_control() && !matches!(c, '\n' | '\t'))
        || matches!(
            u32::from(c),
            // Direction marks and overrides, line separators, the byte order mark, invisible tags.
            0x061c | 0x200e | 0x200f | 0x2028..=0x202e | 0x2066..=0x2069 | 0xfeff | 0xe_0000..=0xe_007f
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_and_direction_marks_are_escaped() {
        assert_eq!(printable("a\n\tb é 漢 😀"), "a\n\tb é 漢 😀");
        assert_eq!(
            printable("\x1b]52;c;eA==\x07\u{9b}2J\u{202e}x\r\0"),
            "\\u{1b}]52;c;eA==\\u{7}\\u{9b}2J\\u{202e}x\\u{d}\\u{0}"
        );
        assert_eq!(one_line("{\r\n  \"a\": 1,\n\n  \"b\": \"\x1b[2J\"\n}\n"), "{ \"a\": 1, \"b\": \"\\u{1b}[2J\" }");
    }

    #[test]
    fn escaped_json_has_the_same_values() {
        let value = serde_json::json!({ "a\u{202e}": "\x7f\u{9b}2J \u{e0041} é" });
        let text = serde_json::to_string_pretty(&value).unwrap();
        let shown = printable_json(&text);
        assert!(
            !shown.contains(is_unprintable) && shown.contains("\\u202e") && shown.contains("\\udb40\\udc41"),
            "{shown}"
        );
        assert_eq!(serde_json::from_str::<Value>(&shown).unwrap(), value);
    }

    #[test]
    fn long_text_is_cut_at_a_character() {
        assert_eq!(truncated("abc".into(), 3), "abc");
        assert_eq!(truncated("ééééé".into(), 9), "éé …");
        assert!(truncated("é".repeat(5000).into(), MAX_MESSAGE_BYTES).len() <= MAX_MESSAGE_BYTES);
    }
}
