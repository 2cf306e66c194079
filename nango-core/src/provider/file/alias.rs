//! Entries that take over the keys of others.
//!
//! `alias: other` puts the entry's own keys over those of `other`, key by key and not deeper: an entry that writes its own
//! `proxy` has nothing of the other's.

use serde_json::{Map, Value};

/// The keys of an entry with those of its alias below. `find` gives the keys of an entry by name; an entry that refers to
/// its own name refers to the one that it replaces (`replaced`).
pub(in crate::provider) fn resolve(
    name: &str,
    own: Map<String, Value>,
    replaced: Option<Map<String, Value>>,
    find: &impl Fn(&str) -> Option<Map<String, Value>>,
) -> Result<Map<String, Value>, String> {
    let mut path = vec![name.to_owned()];
    let mut layers: Vec<Map<String, Value>> = Vec::new();
    let mut next = target(&own)?;
    let mut below = replaced;
    while let Some(other) = next {
        let keys = if other == name && path.len() == 1 && below.is_some() {
            below.take()
        } else if path.contains(&other) {
            path.push(other);
            return Err(format!("its `alias` leads in a circle: {}", path.join(" → ")));
        } else {
            find(&other)
        };
        let Some(keys) = keys else {
            return Err(format!("its `alias: {other}` is no entry that can be read"));
        };
        next = target(&keys)?;
        layers.push(keys);
        path.push(other);
    }
    let mut merged = Map::new();
    for layer in layers.into_iter().rev().chain([own]) {
        merged.extend(layer);
    }
    merged.shift_remove("alias");
    Ok(merged)
}

fn target(keys: &Map<String, Value>) -> Result<Option<String>, String> {
    match keys.get("alias") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(name)) => Ok(Some(name.clone())),
        Some(_) => Err("its `alias` is no name".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(name: &str, replaced: Option<&Value>, expect: Result<&Value, &str>) {
        let all = json!({
            "base": { "a": 1, "proxy": { "x": 1, "y": 2 }, "b": 2 },
            "middle": { "alias": "base", "proxy": { "x": 3 } },
            "top": { "alias": "middle", "b": 4, "c": 5 },
            "one": { "alias": "two" },
            "two": { "alias": "one" },
            "self": { "alias": "self", "b": 9 },
            "lost": { "alias": "nobody" },
            "odd": { "alias": [1] },
        });
        let find = |name: &str| all.get(name).and_then(Value::as_object).cloned();
        let replaced = replaced.and_then(Value::as_object).cloned();
        let got = resolve(name, find(name).unwrap(), replaced, &find);
        let expect = expect.map(Value::to_string).map_err(str::to_owned);
        assert_eq!(got.map(|map| Value::from(map).to_string()), expect, "{name}");
    }

    #[test]
    fn keys_are_taken_over_and_not_merged() {
        check("base", None, Ok(&json!({ "a": 1, "proxy": { "x": 1, "y": 2 }, "b": 2 })));
        check("middle", None, Ok(&json!({ "a": 1, "proxy": { "x": 3 }, "b": 2 })));
        check("top", None, Ok(&json!({ "a": 1, "proxy": { "x": 3 }, "b": 4, "c": 5 })));
    }

    #[test]
    fn an_entry_may_go_over_the_one_of_its_name() {
        check("self", Some(&json!({ "a": 1, "b": 2 })), Ok(&json!({ "a": 1, "b": 9 })));
        check(
            "self",
            Some(&json!({ "alias": "base", "z": 0 })),
            Ok(&json!({ "a": 1, "proxy": { "x": 1, "y": 2 }, "b": 9, "z": 0 })),
        );
    }

    #[test]
    fn circles_and_unknown_targets_are_told() {
        check("one", None, Err("its `alias` leads in a circle: one → two → one"));
        check("self", None, Err("its `alias` leads in a circle: self → self"));
        check("lost", None, Err("its `alias: nobody` is no entry that can be read"));
        check("odd", None, Err("its `alias` is no name"));
    }
}
