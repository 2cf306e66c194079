//! Decoding errors without the rejected value: records contain personal data, and errors are stored and shown.

use serde_json::{Value, error::Category};

/// Message for a number that would lose digits in a type that does not declare rounding.
pub(crate) const INEXACT: &str = "the number would lose digits: declare its field as f64 to round it";

/// Returns the message of a decoding error without the value: `invalid type: a string, expected u64`. `whole` is the
/// decoded JSON.
pub(crate) fn without_value(error: &serde_json::Error, whole: &Value) -> String {
    let text = error.to_string();
    if error.classify() != Category::Data {
        return text;
    }
    // The position is useless, because the text is not shown.
    let position = format!(" at line {} column {}", error.line(), error.column());
    let text = text.strip_suffix(&position).unwrap_or(&text);
    for start in ["invalid type: ", "invalid value: "] {
        if let Some(rest) = text.strip_prefix(start)
            && let Some((found, expected)) = rest.rsplit_once(", expected ")
        {
            return format!("{start}{}, expected {expected}", value_kind(found));
        }
    }
    if let Some(rest) = text.strip_prefix("unknown variant `") {
        let allowed = rest.rsplit_once("`, ").map_or("", |(_, allowed)| allowed);
        return format!("unknown variant, {allowed}");
    }
    let named =
        ["missing field ", "duplicate field ", "unknown field ", "invalid length ", "data did not match any", INEXACT];
    if named.iter().any(|start| text.starts_with(start)) {
        return text.to_owned();
    }
    // The message of a type's own validation may quote the value or a part of it.
    let mut leaves = Vec::new();
    collect_leaves(whole, &mut leaves);
    leaves.sort_by_key(|leaf| std::cmp::Reverse(leaf.len()));
    leaves.iter().fold(mask_quoted(text), |text, leaf| replace_word(&text, leaf))
}

/// Returns the type of a value from the text of serde's `Unexpected`, which quotes the value.
fn value_kind(found: &str) -> &str {
    let kinds = [
        ("string ", "a string"),
        ("integer ", "an integer"),
        ("floating point ", "a number"),
        ("boolean ", "a boolean"),
        ("character ", "a character"),
        ("byte array", "bytes"),
        ("map", "an object"),
        ("sequence", "a list"),
        ("number", "a number"),
    ];
    let plain = ["null", "unit value", "Option value", "newtype struct", "enum"];
    kinds
        .iter()
        .find(|(start, _)| found.starts_with(start))
        .map_or_else(|| if plain.contains(&found) { found } else { "another value" }, |(_, kind)| kind)
}

/// Replaces everything in quotation marks with `…`.
fn mask_quoted(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['"', '`', '\'']) {
        let mark = &rest[at..=at];
        shown.push_str(&rest[..at]);
        if let Some(end) = rest[at + 1..].rfind(mark) {
            shown.push('…');
            rest = &rest[at + 1 + end + 1..];
        } else {
            shown.push_str(mark);
            rest = &rest[at + 1..];
        }
    }
    shown + rest
}

/// Collects the strings and numbers of a value.
fn collect_leaves(value: &Value, leaves: &mut Vec<String>) {
    match value {
        Value::String(text) if !text.is_empty() => leaves.push(text.clone()),
        Value::Number(number) => leaves.push(number.to_string()),
        Value::Array(list) => list.iter().for_each(|value| collect_leaves(value, leaves)),
        Value::Object(object) => object.values().for_each(|value| collect_leaves(value, leaves)),
        _ => {}
    }
}

/// Replaces every occurrence of a leaf with `…`; a short leaf only where it is a whole word.
fn replace_word(text: &str, leaf: &str) -> String {
    const SHORT: usize = 3;
    if leaf.len() >= SHORT {
        return text.replace(leaf, "…");
    }
    let words = text.split_inclusive(|c: char| !c.is_alphanumeric());
    words
        .map(|word| {
            let bare = word.trim_end_matches(|c: char| !c.is_alphanumeric());
            if bare == leaf { format!("…{}", &word[bare.len()..]) } else { word.to_owned() }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::{fmt, net::IpAddr};

    use proptest::prelude::*;
    use serde::{Deserialize, Deserializer, de::DeserializeOwned};
    use serde_json::json;

    use super::*;
    use crate::json::decode_value;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Colour {
        Red,
        Blue,
    }

    #[derive(Debug, Deserialize)]
    #[serde(untagged)]
    #[expect(dead_code, reason = "only read")]
    enum Either {
        Number(u64),
        Flag(bool),
    }

    /// A type whose own validation quotes the value without quotation marks.
    #[derive(Debug)]
    struct Strict;

    impl<'de> Deserialize<'de> for Strict {
        fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            let text = String::deserialize(from)?;
            Err(serde::de::Error::custom(format_args!("no code: {text}, nor {text:?}, see `{text}`")))
        }
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only read")]
    struct Issue {
        id: u64,
        #[serde(flatten)]
        rest: Rest,
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only read")]
    struct Rest {
        strict: Option<Strict>,
    }

    #[track_caller]
    fn check<T: DeserializeOwned + fmt::Debug>(value: &Value, expect: &str) {
        assert_eq!(decode_value::<T>(value).unwrap_err().to_string(), expect);
    }

    #[test]
    fn mismatch_names_types_and_never_the_value() {
        check::<u64>(&json!("hush \", expected u8"), "invalid type: a string, expected u64");
        check::<u8>(&json!(-4711), "invalid value: an integer, expected u8");
        check::<u8>(&json!(47.11), "invalid type: a number, expected u8");
        check::<String>(&json!(true), "invalid type: a boolean, expected a string");
        check::<String>(&json!({ "a": 1 }), "invalid type: an object, expected a string");
        check::<u8>(&json!(null), "invalid type: null, expected u8");
        check::<Colour>(&json!("hush`, x"), "unknown variant, expected `red` or `blue`");
        check::<Either>(&json!("hush"), "data did not match any variant of untagged enum Either");
        check::<Strict>(&json!("hush-1"), "no code: …, nor …, see …");
        check::<Strict>(&json!("a"), "no code: …, nor …, see …");
        check::<Issue>(&json!({ "id": 1, "strict": "hush" }), "no code: …, nor …, see …");
        check::<IpAddr>(&json!("hush"), "invalid IP address syntax");
    }

    proptest! {
        #[test]
        fn mismatch_of_any_value_quotes_none(text in "[A-Za-z0-9@. \"`,'-]{6,40}", number in 100_000_i64..) {
            let strict = decode_value::<Vec<Strict>>(&json!([text])).unwrap_err().to_string();
            prop_assert!(!strict.contains(text.trim()) || text.trim().len() < 3, "{strict}");
            let other = decode_value::<Vec<u8>>(&json!([text])).unwrap_err().to_string();
            prop_assert_eq!(other, "`[0]`: invalid type: a string, expected u8");
            let other = decode_value::<Vec<u8>>(&json!([number])).unwrap_err().to_string();
            prop_assert!(!other.contains(&number.to_string()));
        }
    }
}
