//! Resolution of `alias`: entries that inherit the keys of others.
//!
//! `alias: other` overrides the top-level keys of `other` with those of the entry. Nested keys are not merged: an entry
//! with its own `proxy` inherits nothing of the other's. `facts` is not inherited, because it describes the entry that
//! states it. Each entry is resolved once, from the end of its chain, so that a file of n entries takes n steps.

use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, OnceLock},
};

use serde_json::{Map, Value};

/// The keys of an entry merged with those of its alias, or the reason why the entry is invalid.
pub(in crate::provider) type MergedKeys = Result<Arc<Map<String, Value>>, String>;

/// The keys of an entry as written, or the reason why they cannot be read.
pub(in crate::provider) type RawKeys = Result<Map<String, Value>, String>;

/// Merged keys by name, resolved on first use.
pub(in crate::provider) type ResolvedEntries = BTreeMap<String, OnceLock<MergedKeys>>;

/// Key that is not inherited.
pub(in crate::provider) const FACTS: &str = "facts";

/// Maximum number of keys of an entry, including inherited ones. The format has about 80.
const MAX_KEYS: usize = 500;
/// Maximum number of names of a cycle in an error.
const MAX_NAMES_IN_CYCLE: usize = 6;

/// Resolves an entry and the chain of its aliases. `find` returns the keys of an entry as written. An alias to the own
/// name is a cycle.
pub(in crate::provider) fn resolve<'a>(
    name: &str,
    resolved: &'a ResolvedEntries,
    find: &impl Fn(&str) -> Option<RawKeys>,
) -> Option<&'a MergedKeys> {
    // The chain from the entry to the first one that is resolved or has no alias.
    let mut chain: Vec<(String, RawKeys)> = Vec::new();
    let mut visited: HashSet<String> = HashSet::new();
    let mut next = Some(name.to_owned());
    while let Some(name) = next.take() {
        if resolved.get(&name).is_some_and(|cell| cell.get().is_some()) {
            break;
        }
        if visited.contains(&name) {
            let cycle = chain.iter().map(|(name, _)| name.as_str()).skip_while(|other| *other != name);
            let reason = format!("its `alias` forms a cycle: {}", cycle_text(&cycle.collect::<Vec<_>>()));
            for (_, keys) in &mut chain {
                *keys = Err(reason.clone());
            }
            break;
        }
        let Some(keys) = find(&name) else { break };
        let (keys, target) = match keys.and_then(|keys| Ok((alias_target(&keys)?, keys))) {
            Ok((target, keys)) => (Ok(keys), target),
            Err(reason) => (Err(reason), None),
        };
        visited.insert(name.clone());
        chain.push((name, keys));
        next = target;
    }
    for (name, keys) in chain.into_iter().rev() {
        let merged = keys.and_then(|keys| merge_alias(keys, resolved));
        if let Some(cell) = resolved.get(&name) {
            cell.get_or_init(|| merged);
        }
    }
    resolved.get(name)?.get()
}

/// Merges the keys of an entry with those of its alias, which is already resolved.
fn merge_alias(mut keys: Map<String, Value>, resolved: &ResolvedEntries) -> MergedKeys {
    let target = alias_target(&keys)?;
    keys.shift_remove("alias");
    let Some(target) = target else { return Ok(Arc::new(keys)) };
    let mut merged = match resolved.get(&target).and_then(OnceLock::get) {
        Some(Ok(inherited)) => Map::clone(inherited),
        Some(Err(reason)) if reason.starts_with("its `alias") => return Err(reason.clone()),
        _ => return Err(format!("its `alias: {target}` is not a readable entry")),
    };
    merged.shift_remove(FACTS);
    merged.extend(keys);
    if merged.len() > MAX_KEYS {
        return Err(format!("it has {} keys with those of its `alias`, the limit is {MAX_KEYS}", merged.len()));
    }
    Ok(Arc::new(merged))
}

/// Formats a cycle from its first name to that name. A long cycle is shortened.
fn cycle_text(cycle: &[&str]) -> String {
    let mut names: Vec<&str> = cycle.iter().copied().take(MAX_NAMES_IN_CYCLE).collect();
    if cycle.len() > MAX_NAMES_IN_CYCLE {
        names.push("…");
    }
    names.extend(cycle.first());
    names.join(" → ")
}

/// Returns the name in the `alias` key of an entry.
pub(in crate::provider) fn alias_target(keys: &Map<String, Value>) -> Result<Option<String>, String> {
    match keys.get("alias") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(name)) => Ok(Some(name.clone())),
        Some(_) => Err("its `alias` is not a name".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, time::Instant};

    use super::*;
    use serde_json::json;

    fn cells(all: &Value) -> ResolvedEntries {
        all.as_object().unwrap().keys().map(|name| (name.clone(), OnceLock::new())).collect()
    }

    fn check(name: &str, expect: Result<&Value, &str>) {
        let all = json!({
            "base": { "a": 1, "proxy": { "x": 1, "y": 2 }, "b": 2 },
            "middle": { "alias": "base", "proxy": { "x": 3 } },
            "top": { "alias": "middle", "b": 4, "c": 5 },
            "one": { "alias": "two" },
            "two": { "alias": "one" },
            "into": { "alias": "two" },
            "self": { "alias": "self", "b": 9 },
            "lost": { "alias": "none" },
            "above": { "alias": "lost" },
            "odd": { "alias": [1] },
        });
        let find = |name: &str| all.get(name).and_then(Value::as_object).cloned().map(Ok);
        let known = cells(&all);
        for _ in 0..2 {
            let got = resolve(name, &known, &find).unwrap().clone();
            let got = got.map(|map| Value::from(Map::clone(&map)).to_string());
            assert_eq!(got, expect.map(Value::to_string).map_err(str::to_owned), "{name}");
        }
    }

    #[test]
    fn alias_keys_are_inherited_and_not_deep_merged() {
        check("base", Ok(&json!({ "a": 1, "proxy": { "x": 1, "y": 2 }, "b": 2 })));
        check("middle", Ok(&json!({ "a": 1, "proxy": { "x": 3 }, "b": 2 })));
        check("top", Ok(&json!({ "a": 1, "proxy": { "x": 3 }, "b": 4, "c": 5 })));
    }

    #[test]
    fn alias_cycle_and_unknown_target_are_reported() {
        check("one", Err("its `alias` forms a cycle: one → two → one"));
        check("into", Err("its `alias` forms a cycle: two → one → two"));
        check("self", Err("its `alias` forms a cycle: self → self"));
        check("lost", Err("its `alias: none` is not a readable entry"));
        check("above", Err("its `alias: none` is not a readable entry"));
        check("odd", Err("its `alias` is not a name"));
    }

    /// Resolves n entries, each an alias of the previous one. If `cyclic`, the first is an alias of the last.
    fn chain(n: usize, cyclic: bool) -> (ResolvedEntries, usize) {
        let looked = Cell::new(0);
        let find = |name: &str| {
            looked.set(looked.get() + 1);
            let number: usize = name[1..].parse().unwrap();
            let alias = if number > 0 { Some(number - 1) } else { cyclic.then_some(n - 1) };
            let keys = json!({ "alias": alias.map(|number| format!("e{number}")), "a": number });
            (number < n).then(|| Ok(keys.as_object().unwrap().clone()))
        };
        let known: ResolvedEntries = (0..n).map(|number| (format!("e{number}"), OnceLock::new())).collect();
        for number in (0..n).rev() {
            resolve(&format!("e{number}"), &known, &find);
        }
        (known, looked.get())
    }

    #[test]
    fn long_alias_chain_takes_linear_time() {
        let started = Instant::now();
        let (known, looked) = chain(5_000, false);
        assert_eq!(looked, 5_000);
        assert_eq!(known["e4999"].get().unwrap().as_ref().unwrap()["a"], 4999);
        let (known, looked) = chain(5_000, true);
        assert_eq!(looked, 5_000);
        let error = known["e7"].get().unwrap().clone().unwrap_err();
        assert_eq!(error, "its `alias` forms a cycle: e4999 → e4998 → e4997 → e4996 → e4995 → e4994 → … → e4999");
        assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
    }

    #[test]
    fn inherited_keys_are_limited() {
        let keys = |from: usize| (from..from + 300).map(|n| (n.to_string(), json!(n))).collect::<Map<_, _>>();
        let mut top = keys(1000);
        top.insert("alias".to_owned(), json!("base"));
        let all = json!({ "base": keys(0), "top": top });
        let find = |name: &str| all.get(name).and_then(Value::as_object).cloned().map(Ok);
        let error = resolve("top", &cells(&all), &find).unwrap().clone().unwrap_err();
        assert_eq!(error, "it has 600 keys with those of its `alias`, the limit is 500");
    }
}
