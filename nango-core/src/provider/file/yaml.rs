//! YAML parser of catalogue files.
//!
//! Values are read as by the authors of the format: `yes`, `on`, `010` and `1_000` are texts. Entries keep their order
//! and locations. A duplicate key makes its entry invalid, and the error contains both lines; the other entries are
//! read.

use std::{
    cell::RefCell,
    collections::HashMap,
    fmt,
    hash::{BuildHasherDefault, DefaultHasher},
};

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use serde_saphyr::{DuplicateKeyPolicy, NonFiniteFloatPolicy, Options, Spanned};

/// A position in a file, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SourceLocation {
    /// Line, from 1.
    pub line: u64,
    /// Column, from 1.
    pub column: u64,
}

/// An entry as written, before its alias is resolved.
#[derive(Debug, Clone)]
pub(in crate::provider) struct RawEntry {
    pub(in crate::provider) name: String,
    pub(in crate::provider) location: SourceLocation,
    /// The keys, or the reason why they cannot be read.
    pub(in crate::provider) keys: Result<Map<String, Value>, String>,
}

/// Error of a text that is not YAML.
#[derive(Debug)]
pub(in crate::provider) struct Unreadable {
    pub(in crate::provider) location: SourceLocation,
    pub(in crate::provider) reason: String,
}

/// Reads the entries of a text.
pub(in crate::provider) fn read(text: &str) -> Result<Vec<RawEntry>, Unreadable> {
    let options = serde_saphyr::options! {
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        // Duplicates are detected by the visitor, which receives both lines.
        duplicate_keys: DuplicateKeyPolicy::LastWins,
        // JSON has no infinity.
        non_finite_float_policy: NonFiniteFloatPolicy::AsString,
        with_snippet: false,
    };
    read_with(text, options).map_err(|error| Unreadable {
        location: error
            .location()
            .map(location)
            .filter(|location| location.line > 0)
            .unwrap_or(SourceLocation { line: 1, column: 1 }),
        reason: error.without_snippet().to_string(),
    })
}

fn read_with(text: &str, options: Options) -> Result<Vec<RawEntry>, serde_saphyr::Error> {
    serde_saphyr::with_deserializer_from_str_with_options(text, options, |deserializer| {
        deserializer.deserialize_any(Entries)
    })
}

fn location(location: serde_saphyr::Location) -> SourceLocation {
    SourceLocation { line: location.line(), column: location.column() }
}

/// Visitor of the document, a map of entries.
struct Entries;

impl<'de> Visitor<'de> for Entries {
    type Value = Vec<RawEntry>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("entries such as `acme:` with their keys below")
    }

    /// An empty text has no entries.
    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries: Vec<RawEntry> = Vec::new();
        let mut positions: HashMap<String, usize> = HashMap::new();
        while let Some(key) = map.next_key::<Spanned<String>>()? {
            let location = location(key.referenced);
            let name = key.value;
            let duplicates = RefCell::new(Vec::new());
            let value = map.next_value_seed(Tree(&duplicates))?;
            let duplicates = duplicates.into_inner();
            let keys = match (value, duplicates.is_empty()) {
                (_, false) => Err(duplicates.join("; ")),
                (Value::Object(keys), true) => Ok(keys),
                (Value::Null, true) => Err("it has no keys".to_owned()),
                (_, true) => Err("it is not a map of keys".to_owned()),
            };
            if let Some(before) = positions.get(&name).and_then(|at| entries.get_mut(*at)) {
                before.keys =
                    Err(format!("duplicate entry in line {} and in line {}", before.location.line, location.line));
                continue;
            }
            positions.insert(name.clone(), entries.len());
            entries.push(RawEntry { name, location, keys });
        }
        Ok(entries)
    }
}

/// Visitor of any value, which records duplicate keys.
#[derive(Clone, Copy)]
struct Tree<'a>(&'a RefCell<Vec<String>>);

impl<'de> DeserializeSeed<'de> for Tree<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Tree<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Value, E> {
        Ok(Value::Bool(truth))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Number::from_f64(number).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut keys: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        let mut lines: HashMap<String, u64, BuildHasherDefault<DefaultHasher>> = HashMap::default();
        while let Some(key) = keys.next_key::<Spanned<String>>()? {
            let line = location(key.referenced).line;
            let key = key.value;
            if let Some(before) = lines.insert(key.clone(), line) {
                self.0.borrow_mut().push(format!("duplicate key `{key}` in line {before} and in line {line}"));
            }
            map.insert(key, keys.next_value_seed(self)?);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entries(text: &str) -> Vec<RawEntry> {
        read(text).map_err(|error| error.reason).unwrap()
    }

    #[track_caller]
    fn check(text: &str, expect: &str) {
        let entries = entries(&format!("a:\n  k: {text}\n"));
        assert_eq!(Value::from(entries[0].keys.clone().unwrap()).to_string(), format!("{{\"k\":{expect}}}"), "{text}");
    }

    #[test]
    fn scalars_are_read_as_format_authors_read_them() {
        check("yes", "\"yes\"");
        check("off", "\"off\"");
        check("true", "true");
        check("010", "\"010\"");
        check("1_000", "\"1_000\"");
        check("1.0", "1.0");
        check("3600000", "3600000");
        check("-1", "-1");
        check("'1'", "\"1\"");
        check("2025-05-05", "\"2025-05-05\"");
        check("~", "null");
        check("", "null");
        check(".inf", "\".inf\"");
        check("[a, {b: 1}]", "[\"a\",{\"b\":1}]");
        check("{ z: 1, a: 2 }", "{\"z\":1,\"a\":2}");
        check("!odd tagged", "\"tagged\"");
        check("\"a\\nb\"", "\"a\\nb\"");
    }

    #[test]
    fn entries_keep_locations_and_order() {
        let entries = entries("# head\nzeta:\n  a: 1\n\nalpha: { <<: { x: 1 }, b: 2 }\nempty:\nlist: [1]\n");
        let locations: Vec<(&str, u64, u64)> =
            entries.iter().map(|entry| (entry.name.as_str(), entry.location.line, entry.location.column)).collect();
        assert_eq!(locations, [("zeta", 2, 1), ("alpha", 5, 1), ("empty", 6, 1), ("list", 7, 1)]);
        assert_eq!(entries[1].keys.as_ref().unwrap().len(), 2);
        assert_eq!(entries[2].keys, Err("it has no keys".into()));
        assert_eq!(entries[3].keys, Err("it is not a map of keys".into()));
        assert!(read("").unwrap().is_empty() && read("# nothing\n").unwrap().is_empty());
    }

    #[test]
    fn duplicate_key_is_reported_with_both_lines() {
        let entries = entries("a:\n  k: 1\n  p:\n    x: 1\n    y: 2\n    x: 3\nb: { k: 1 }\na:\n  k: 2\nc: { k: 1 }\n");
        let names: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!(names, ["a", "b", "c"]);
        assert_eq!(entries[0].keys, Err("duplicate entry in line 1 and in line 8".into()));
        let inside = read("a:\n  p:\n    x: 1\n    y: 2\n    x: 3\n").unwrap();
        assert_eq!(inside[0].keys, Err("duplicate key `x` in line 3 and in line 5".into()));
    }

    #[test]
    fn invalid_yaml_is_reported_with_location() {
        let error = read("a:\n  b: [1, 2\nc: 3\n").unwrap_err();
        assert!(error.location.line >= 2, "{error:?}");
        let error = read("- 1\n").unwrap_err();
        assert!(error.reason.contains("entries such as `acme:`"), "{error:?}");
        assert!(read("a: &x [1]\nb: *y\n").is_err());
    }

    proptest! {
        #[test]
        fn yaml_of_any_text_never_panics(text in "[a-c:{}\\[\\] \n\t&*!'\"#|>-]{0,40}|.*") {
            let _ = read(&text);
        }
    }
}
