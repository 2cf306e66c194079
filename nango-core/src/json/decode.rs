//! Decoding of JSON into types, with errors that name the field and never quote the value.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{
    DecodeError,
    exact::deserialize_exact,
    number,
    text::{body_text, body_text_lossy},
};
use crate::redact::without_value;

/// Decodes a value from UTF-8, with or without a byte order mark. The path of an invalid field is determined only after
/// a failure.
///
/// # Errors
///
/// Fails if the bytes are not JSON, or not the JSON of a `T`, or they have a number that a [`Value`] in `T` would
/// round.
pub(crate) fn decode<T: DeserializeOwned>(json: &[u8]) -> Result<T, DecodeError> {
    decode_str(&body_text(json, None)?)
}

/// Decodes a value as [`decode`], from a text without a byte order mark.
///
/// # Errors
///
/// Fails like [`decode`].
pub(crate) fn decode_str<T: DeserializeOwned>(json: &str) -> Result<T, DecodeError> {
    if number::has_inexact(json) {
        return deserialize_exact(json).map_err(|error| mismatch(json, &error));
    }
    serde_json::from_str(json).map_err(|error| locate_error::<T>(json, &error))
}

/// Parses any JSON and rounds long numbers: for responses of which only some fields matter, such as those of token
/// servers and failures.
///
/// # Errors
///
/// Fails if the body is not JSON.
pub(crate) fn parse_rounding(body: &[u8], charset: Option<&str>) -> Result<Value, DecodeError> {
    let text = body_text(body, charset)?;
    serde_json::from_str(&text).map_err(|error| DecodeError::syntax(error.to_string()))
}

/// Parses any JSON. Returns the text as a string if it is not JSON, or if it has a number that a [`Value`] would round.
pub(crate) fn value_or_text(body: &[u8], charset: Option<&str>) -> Value {
    let value = body_text(body, charset).and_then(|text| decode_str(&text));
    value.unwrap_or_else(|_| Value::String(body_text_lossy(body, charset)))
}

/// Decodes a parsed value.
///
/// # Errors
///
/// Fails if the value is not the JSON of a `T`.
pub(crate) fn decode_value<T: DeserializeOwned>(value: &Value) -> Result<T, DecodeError> {
    serde_path_to_error::deserialize(value).map_err(|error| DecodeError {
        path: error.path().to_string(),
        message: without_value(error.inner(), value),
        is_syntax: false,
    })
}

#[cold]
fn locate_error<T: DeserializeOwned>(json: &str, first: &serde_json::Error) -> DecodeError {
    let mut source = serde_json::Deserializer::from_str(json);
    match serde_path_to_error::deserialize::<_, T>(&mut source) {
        Err(error) => mismatch(json, &error),
        // The value is valid; the text after it is not.
        Ok(_) => DecodeError::syntax(first.to_string()),
    }
}

#[cold]
fn mismatch(json: &str, error: &serde_path_to_error::Error<serde_json::Error>) -> DecodeError {
    let whole = serde_json::from_str(json);
    DecodeError {
        path: error.path().to_string(),
        message: without_value(error.inner(), whole.as_ref().unwrap_or(&Value::Null)),
        is_syntax: whole.is_err(),
    }
}

/// Removes the modules from a type name: `alloc::vec::Vec<github::Issue>` becomes `Vec<Issue>`.
pub(crate) fn short_name(type_name: &str) -> String {
    let mut short = String::with_capacity(type_name.len());
    let mut word = 0;
    let mut chars = type_name.chars().peekable();
    while let Some(c) = chars.next() {
        if c == ':' && chars.peek() == Some(&':') {
            chars.next();
            short.truncate(word);
        } else {
            short.push(c);
            if !(c.is_alphanumeric() || c == '_') {
                word = short.len();
            }
        }
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use serde_json::{json, value::RawValue};
    use std::collections::{BTreeMap, HashMap};

    #[test]
    fn decode_error_has_its_path() {
        let error = decode::<HashMap<String, Vec<u8>>>(br#"{"a":[1,2],"b":[3,-4]}"#).unwrap_err();
        assert_eq!((error.path.as_str(), error.is_syntax), ("b[1]", false));
        assert_eq!(error.to_string(), "`b[1]`: invalid value: an integer, expected u8");
        let error = decode::<u8>(b"1 2").unwrap_err();
        assert_eq!((error.to_string().as_str(), error.is_syntax), ("trailing characters at line 1 column 3", true));
        let error = decode_value::<HashMap<String, u8>>(&serde_json::json!({ "a": "hush" })).unwrap_err();
        assert_eq!(error.to_string(), "`a`: invalid type: a string, expected u8");
        assert!(decode::<Value>(b"<html>").unwrap_err().is_syntax);
    }

    #[test]
    fn type_name_is_shown_without_modules() {
        assert_eq!(short_name("demo::github::Issue"), "Issue");
        assert_eq!(short_name("alloc::vec::Vec<a::b::C>"), "Vec<C>");
        assert_eq!(short_name("(a::B, &c::D, [e::F; 2])"), "(B, &D, [F; 2])");
        assert_eq!(short_name("u64"), "u64");
    }

    #[test]
    fn byte_order_mark_is_skipped() {
        assert_eq!(decode("\u{feff} [1]".as_bytes()), Ok(vec![1_u8]));
    }

    #[test]
    fn parse_rounding_rounds_long_numbers() {
        let body = format!("\u{feff}{{\"a\":\"t\",\"id\":{LONG}}}");
        assert_eq!(parse_rounding(body.as_bytes(), None).unwrap()["a"], "t");
        assert_eq!(value_or_text(body.as_bytes(), None), Value::String(body[3..].to_owned()));
        assert!(parse_rounding(b"<html>", None).unwrap_err().is_syntax);
    }

    const LONG: &str = "12345678901234567890123456789";

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(untagged)]
    enum Untagged {
        Number(f64),
        Text(String),
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only whether it can be read matters")]
    enum Tagged {
        Any(Value),
        Both(u8, Value),
        Named { any: Value },
        Float(f64),
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only whether it can be read matters")]
    struct Flat {
        #[serde(flatten)]
        rest: BTreeMap<String, Value>,
    }

    fn assert_refused<T: DeserializeOwned>(json: &str, path: &str) {
        let error = decode_str::<T>(json).map(drop).unwrap_err();
        let expect = "the number would lose digits: declare its field as f64 to round it";
        assert_eq!((error.path.as_str(), error.message.as_str(), error.is_syntax), (path, expect, false), "{json}");
    }

    #[test]
    fn number_that_a_value_would_round_is_refused_at_any_position() {
        assert_refused::<Value>(LONG, ".");
        assert_refused::<Value>(&format!(r#"{{"a":[1,{{"b":{LONG}}}]}}"#), "a[1].b");
        assert_refused::<Option<(u8, Value)>>(&format!("[1,{LONG}]"), "[1]");
        assert_refused::<Flat>(&format!(r#"{{"a":{LONG}}}"#), "a");
        assert_refused::<Tagged>(&format!(r#"{{"Any":{LONG}}}"#), "Any");
        assert_refused::<Tagged>(&format!(r#"{{"Both":[1,{LONG}]}}"#), "Both[1]");
        assert_refused::<Tagged>(&format!(r#"{{"Named":{{"any":{LONG}}}}}"#), "Named.any");
        assert!(decode_str::<Untagged>(LONG).is_err());
    }

    #[test]
    fn number_that_its_field_rounds_or_keeps_is_read() {
        assert_eq!(decode_str::<f64>(LONG).unwrap().to_string(), "12345678901234568000000000000");
        assert_eq!(decode_str::<u128>(LONG).unwrap().to_string(), LONG);
        assert_eq!(decode_str::<Box<RawValue>>(LONG).unwrap().get(), LONG);
        assert!(matches!(decode_str::<Tagged>(&format!(r#"{{"Float":{LONG}}}"#)), Ok(Tagged::Float(_))));
        // Numbers of ignored fields do not matter.
        let pair = decode_str::<BTreeMap<String, Option<Box<RawValue>>>>(&format!(r#"{{"a":{LONG},"b":null}}"#));
        assert_eq!(pair.unwrap()["b"].as_deref().map(RawValue::get), None);
    }

    #[test]
    fn exact_and_fast_deserializers_agree() {
        #[derive(Debug, PartialEq, Deserialize)]
        struct Whole {
            #[serde(default)]
            rounded: f64,
            values: Vec<Option<Value>>,
            nested: BTreeMap<String, (bool, char, String, ())>,
            untagged: Vec<Untagged>,
            newtype: Wrapped,
        }
        #[derive(Debug, PartialEq, Deserialize)]
        struct Wrapped(i64);
        let text = format!(
            r#"{{"rounded":{LONG},"unread":[{LONG}],"values":[1,null,{{"a":"ü\n"}},true,-2.5,[]],
               "nested":{{"x":[true,"c","text",null]}},"untagged":[1.5,"t"],"newtype":-3}}"#
        );
        let slow: Whole = decode_str(&text).unwrap();
        assert_eq!(slow, serde_json::from_str(&text).unwrap());
        assert_eq!(slow.values[2], Some(json!({ "a": "ü\n" })));
        let error = decode_str::<Whole>(&format!("{text} x")).unwrap_err();
        assert!(error.is_syntax, "{error}");
    }
}
