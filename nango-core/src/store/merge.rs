//! Merge of a patch into a stored payload, and comparison of payloads.
//!
//! Both work on raw JSON and parse one level at a time: fields that a patch does not change keep their bytes, so that a
//! number that no Rust type can represent stays exact. Keys keep their order; a new key is appended, although a fully
//! saved record may have it elsewhere. [`same_json`] therefore ignores the order of keys.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::{Map, Value, value::RawValue};

/// The fields of an object in source order.
struct Fields<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
                let mut fields = Vec::with_capacity(map.size_hint().unwrap_or(16));
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

/// Appends the object `stored` with `patch` merged in to `out`: objects are merged recursively, all other values
/// replaced.
pub(super) fn merge(stored: &str, patch: &Map<String, Value>, out: &mut Vec<u8>) -> serde_json::Result<()> {
    let Fields(stored) = serde_json::from_str(stored)?;
    out.push(b'{');
    let mut first = true;
    let mut key = |name: &str, out: &mut Vec<u8>| {
        if !std::mem::take(&mut first) {
            out.push(b',');
        }
        serde_json::to_writer(&mut *out, name)?;
        out.push(b':');
        serde_json::Result::Ok(())
    };
    for (name, raw) in &stored {
        key(name, out)?;
        match patch.get(name) {
            None => out.extend_from_slice(raw.get().as_bytes()),
            Some(Value::Object(fields)) if raw.get().starts_with('{') => merge(raw.get(), fields, out)?,
            Some(value) => serde_json::to_writer(&mut *out, value)?,
        }
    }
    for (name, value) in patch {
        if stored.iter().all(|(known, _)| known != name) {
            key(name, out)?;
            serde_json::to_writer(&mut *out, value)?;
        }
    }
    out.push(b'}');
    Ok(())
}

/// Returns whether two compact texts are equal JSON, apart from the order of keys.
pub(super) fn same_json(a: &str, b: &str) -> bool {
    if a == b {
        return true;
    }
    match (a.as_bytes().first(), b.as_bytes().first()) {
        (Some(b'{'), Some(b'{')) => {
            let (Ok(Fields(mut a)), Ok(Fields(mut b))) = (serde_json::from_str(a), serde_json::from_str(b)) else {
                return false;
            };
            a.sort_by(|x, y| x.0.cmp(&y.0));
            b.sort_by(|x, y| x.0.cmp(&y.0));
            a.len() == b.len() && a.iter().zip(&b).all(|(x, y)| x.0 == y.0 && same_json(x.1.get(), y.1.get()))
        }
        (Some(b'['), Some(b'[')) => {
            let (Ok(a), Ok(b)) = (items(a), items(b)) else { return false };
            a.len() == b.len() && a.iter().zip(&b).all(|(x, y)| same_json(x.get(), y.get()))
        }
        _ => false,
    }
}

fn items(text: &str) -> serde_json::Result<Vec<&RawValue>> {
    serde_json::from_str(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn merge_recurses_and_keeps_untouched_fields() {
        #[track_caller]
        fn check(stored: &str, patch: Value, expect: &str) {
            let Value::Object(patch) = patch else { panic!("a patch is an object") };
            let mut out = Vec::new();
            merge(stored, &patch, &mut out).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), expect);
        }
        check(r#"{"id":1,"b":2,"a":3}"#, json!({}), r#"{"id":1,"b":2,"a":3}"#);
        check(r#"{"id":1,"b":2,"a":3}"#, json!({ "a": 4 }), r#"{"id":1,"b":2,"a":4}"#);
        check(
            r#"{"o":{"x":1,"y":{"z":[1]}}}"#,
            json!({ "o": { "y": { "z": [2, 3] } } }),
            r#"{"o":{"x":1,"y":{"z":[2,3]}}}"#,
        );
        check(r#"{"o":{"x":1}}"#, json!({ "o": null }), r#"{"o":null}"#);
        check(r#"{"o":null}"#, json!({ "o": { "x": {} } }), r#"{"o":{"x":{}}}"#);
        check(r#"{"o":[{"x":1}]}"#, json!({ "o": [] }), r#"{"o":[]}"#);
        check("{}", json!({ "n": 1 }), r#"{"n":1}"#);
        check(r#"{"a":1}"#, json!({ "é\"": "\u{0}" }), r#"{"a":1,"é\"":"\u0000"}"#);
        // Untouched numbers keep their text, however large.
        let big = r#"{"n":340282366920938463463374607431768211455,"f":1e400,"t":1}"#;
        check(big, json!({ "t": 2 }), &big.replace("\"t\":1", "\"t\":2"));
        assert!(merge("[1]", &Map::new(), &mut Vec::new()).is_err());
    }

    #[test]
    fn same_json_ignores_only_key_order() {
        for (a, b, expect) in [
            (r#"{"a":1,"b":{"c":2,"d":3}}"#, r#"{"b":{"d":3,"c":2},"a":1}"#, true),
            (r#"[{"a":1,"b":2}]"#, r#"[{"b":2,"a":1}]"#, true),
            ("[1,2]", "[2,1]", false),
            (r#"{"a":1}"#, r#"{"a":1,"b":2}"#, false),
            (r#"{"a":1}"#, r#"{"b":1}"#, false),
            (r#"{"a":1}"#, r#"{"a":1.0}"#, false),
            ("340282366920938463463374607431768211455", "340282366920938463463374607431768211454", false),
            ("{}", "[]", false),
            ("", "{}", false),
        ] {
            assert_eq!(same_json(a, b), expect, "{a} {b}");
            assert_eq!(same_json(b, a), expect, "{b} {a}");
        }
    }
}
