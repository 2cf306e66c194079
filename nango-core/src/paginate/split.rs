//! Splitting of a JSON list into its items, without parsing them.
//!
//! Each item is parsed strictly afterwards, and validating the text twice would cost a tenth of the time of an
//! unchanged sync. Therefore only brackets, strings and commas are examined. Invariant: for a valid list, the items are
//! exactly those that a parser finds; for an invalid list, either an item is not JSON, or the result is `None` and a
//! parser reports the error.

use memchr::memchr2;

/// Returns the items of a text that is one list, or `None` if it is not a list or not JSON.
pub(super) fn items(json: &str) -> Option<Vec<&str>> {
    let text = json.as_bytes();
    let mut at = skip_space(text, 0);
    if text.get(at) != Some(&b'[') {
        return None;
    }
    at = skip_space(text, at + 1);
    let mut items = Vec::new();
    if text.get(at) == Some(&b']') {
        return (skip_space(text, at + 1) == text.len()).then_some(items);
    }
    loop {
        let end = skip_value(text, at)?;
        items.push(json.get(at..end)?);
        at = skip_space(text, end);
        match text.get(at)? {
            b',' => at = skip_space(text, at + 1),
            b']' => return (skip_space(text, at + 1) == text.len()).then_some(items),
            _ => return None,
        }
    }
}

fn skip_space(text: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\r' | b'\t') = text.get(at) {
        at += 1;
    }
    at
}

fn skip_value(text: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    match text.get(at)? {
        b'"' => skip_string(text, at + 1),
        b'{' | b'[' => {
            let mut depth = 0_usize;
            loop {
                match text.get(at)? {
                    b'"' => {
                        at = skip_string(text, at + 1)?;
                        continue;
                    }
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => {
                        depth -= 1;
                        if depth == 0 {
                            return Some(at + 1);
                        }
                    }
                    _ => {}
                }
                at += 1;
            }
        }
        _ => {
            while !matches!(text.get(at)?, b',' | b']' | b'}' | b' ' | b'\n' | b'\r' | b'\t') {
                at += 1;
            }
            (at > start).then_some(at)
        }
    }
}

fn skip_string(text: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += memchr2(b'"', b'\\', text.get(at..)?)?;
        if text[at] == b'"' {
            return Some(at + 1);
        }
        at += 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, value::RawValue};

    #[test]
    fn list_is_split_into_its_items() {
        for (json, expect) in [
            ("[]", Some(vec![])),
            (" [ ]\n", Some(vec![])),
            ("[1]", Some(vec!["1"])),
            (
                r#"[{"a":"]}\"\\"},[[]],"x,y", null ,-1e3]"#,
                Some(vec![r#"{"a":"]}\"\\"}"#, "[[]]", "\"x,y\"", "null", "-1e3"]),
            ),
            ("", None),
            ("[", None),
            ("[1", None),
            ("[1,]", None),
            ("[,1]", None),
            ("[1 2]", None),
            ("[1]]", None),
            ("[\"a", None),
            ("[\"a\\", None),
            ("[{]", None),
            ("{\"a\":[1]}", None),
            ("null", None),
        ] {
            assert_eq!(items(json), expect, "{json}");
        }
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            "[\\[\\]{},\"\\\\: ]{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec(("[\"\\\\{}]{0,4}", inner), 0..4)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn list_is_split_like_a_parser_splits_it(list in prop::collection::vec(json(), 0..6), pretty: bool) {
            let list = Value::from(list);
            let text = if pretty { format!("{list:#}") } else { list.to_string() };
            let parsed: Vec<&RawValue> = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(items(&text), Some(parsed.into_iter().map(RawValue::get).collect()));
        }

        #[test]
        fn text_that_is_not_json_yields_an_item_that_is_not_json(text in "[\\[\\]{},\"\\\\:a1 -]{0,16}") {
            let parsed = serde_json::from_str::<Vec<&RawValue>>(&text);
            if let Some(items) = items(&text) {
                let all = items.iter().all(|item| serde_json::from_str::<&RawValue>(item).is_ok());
                prop_assert_eq!(all, parsed.is_ok(), "{}", text);
            } else {
                prop_assert!(parsed.is_err(), "{}", text);
            }
        }
    }
}
