//! Dotted paths such as `data.items` or `results[0].rows`, followed through JSON text.
//!
//! Nothing is built from the text: a value at a path is cut out of it, and any number of paths are followed in one pass.
//! A step that is a number also leads into a list (`results.0.rows`). A key that is there as the rest of the path is
//! written wins over the nested form, at each level: `@odata.nextLink` finds the key with the dot. Of a key that occurs
//! twice the last counts, as in JavaScript.

use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::split;

/// One step of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step<'p> {
    Key(&'p str),
    Index(usize),
}

impl Step<'_> {
    fn is_key(self, key: &str) -> bool {
        matches!(self, Self::Key(name) if name == key)
    }

    fn index(self) -> Option<usize> {
        match self {
            Self::Index(index) => Some(index),
            Self::Key(name) => name.parse().ok(),
        }
    }
}

/// A parsed path: its steps, each with the rest of the path from there on as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Path<'p>(Vec<(Step<'p>, &'p str)>);

impl<'p> Path<'p> {
    /// Parses a path; `None`: the text is none. The empty text is the path to the whole body.
    pub(super) fn parse(text: &'p str) -> Option<Self> {
        let mut steps = Vec::new();
        let mut start = 0;
        if text.is_empty() {
            return Some(Self(steps));
        }
        for part in text.split('.') {
            let rest = &text[start..];
            start += part.len() + 1;
            let (name, mut indices) = part.split_at(part.find('[').unwrap_or(part.len()));
            // A part is a name, with indices or without; a path may begin with an index.
            if !name.is_empty() {
                steps.push((Step::Key(name), rest));
            } else if indices.is_empty() || !steps.is_empty() {
                return None;
            }
            while !indices.is_empty() {
                let (index, after) = indices.strip_prefix('[')?.split_once(']')?;
                steps.push((Step::Index(index.parse().ok()?), ""));
                indices = after;
            }
        }
        Some(Self(steps))
    }

    /// How many steps it has.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it is the path to the whole body.
    pub(super) fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The path without its last steps.
    pub(super) fn prefix(&self, length: usize) -> Self {
        Self(self.0[..length].iter().map(|(step, _)| (*step, "")).collect())
    }

    /// The first steps as they are written in messages.
    pub(super) fn written(&self, length: usize) -> String {
        let mut text = String::new();
        for (step, _) in &self.0[..length] {
            match step {
                Step::Index(index) => text.extend(["[", &index.to_string(), "]"]),
                Step::Key(name) if text.is_empty() => text.push_str(name),
                Step::Key(name) => text.extend([".", name]),
            }
        }
        text
    }
}

/// What a path leads to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Found<T> {
    /// The path leads nowhere.
    #[default]
    Missing,
    /// An object or list on the way is `null`.
    ParentNull,
    /// The value is `null`.
    Null,
    /// The value.
    Value(T),
}

impl<T> Found<T> {
    /// The value, if there is one that is not `null`.
    pub(super) fn value(&self) -> Option<&T> {
        match self {
            Self::Value(value) => Some(value),
            _ => None,
        }
    }
}

/// A list that was cut into its items, or a value that is no list.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Listed<'a> {
    Items(Vec<&'a str>),
    Other,
}

/// What [`read`] found: the list, and the values at the other paths in their order.
#[derive(Debug, Default)]
pub(super) struct Read<'a> {
    pub(super) list: Found<Listed<'a>>,
    pub(super) values: Vec<Found<&'a RawValue>>,
}

/// What `path` leads to in a JSON text, if it leads anywhere.
pub fn dig<'a>(json: &'a str, path: &str) -> Option<&'a RawValue> {
    find(json, &Path::parse(path)?).ok()?
}

/// What a path leads to in a JSON text, `null` included.
pub(super) fn find<'a>(json: &'a str, path: &Path<'_>) -> serde_json::Result<Option<&'a RawValue>> {
    let mut slots = [Slot::new(false)];
    scan(json, Search { targets: vec![Target { slot: 0, depth: 0, steps: &path.0 }], slots: &mut slots })?;
    let [slot] = slots;
    Ok(match slot.found {
        Found::Value(Cut::Value(value)) => Some(value),
        Found::Null => slot.null,
        _ => None,
    })
}

/// Cuts a list into its items and finds more values, in one pass over the text.
pub(super) fn read<'a>(json: &'a str, list: &Path<'_>, values: &[&Path<'_>]) -> serde_json::Result<Read<'a>> {
    if list.is_root()
        && values.is_empty()
        && let Some(items) = split::items(json)
    {
        return Ok(Read { list: Found::Value(Listed::Items(items)), values: Vec::new() });
    }
    let mut slots: Vec<Slot<'a>> = vec![Slot::new(true)];
    slots.extend(values.iter().map(|_| Slot::new(false)));
    let paths = std::iter::once(list).chain(values.iter().copied());
    let targets = paths.enumerate().map(|(slot, path)| Target { slot, depth: 0, steps: &path.0 }).collect();
    scan(json, Search { targets, slots: &mut slots })?;
    let mut slots = slots.into_iter();
    let list = match slots.next().unwrap_or(Slot::new(true)).found {
        Found::Value(Cut::Items(items)) => Found::Value(Listed::Items(items)),
        Found::Value(_) => Found::Value(Listed::Other),
        Found::Null => Found::Null,
        Found::ParentNull => Found::ParentNull,
        Found::Missing => Found::Missing,
    };
    let value = |slot: Slot<'a>| match slot.found {
        Found::Value(Cut::Value(value)) => Found::Value(value),
        Found::Null => Found::Null,
        Found::ParentNull => Found::ParentNull,
        _ => Found::Missing,
    };
    Ok(Read { list, values: slots.map(value).collect() })
}

fn scan<'a>(json: &'a str, search: Search<'_, '_, 'a>) -> serde_json::Result<()> {
    let mut source = serde_json::Deserializer::from_str(json);
    search.deserialize(&mut source)?;
    source.end()
}

/// A value that was cut out of the text.
#[derive(Debug)]
enum Cut<'a> {
    Value(&'a RawValue),
    Items(Vec<&'a str>),
    /// It should be a list and is none.
    Other,
}

/// The result of one path.
#[derive(Debug)]
struct Slot<'a> {
    found: Found<Cut<'a>>,
    /// The text of a `null` that was found.
    null: Option<&'a RawValue>,
    /// Whether the value is cut into items.
    is_list: bool,
    /// The level at which a key as written was found: what a nested form of that level or below leads to does not count.
    whole_at: Option<usize>,
}

impl Slot<'_> {
    fn new(is_list: bool) -> Self {
        Self { found: Found::Missing, null: None, is_list, whole_at: None }
    }

    fn clear(&mut self) {
        self.found = Found::Missing;
        self.null = None;
        self.whole_at = None;
    }
}

/// A path that is being followed: the steps that are left, and how many were taken.
#[derive(Debug, Clone, Copy)]
struct Target<'s> {
    slot: usize,
    depth: usize,
    steps: &'s [(Step<'s>, &'s str)],
}

/// The paths that lead on from a value, and their results.
struct Search<'s, 'f, 'a> {
    targets: Vec<Target<'s>>,
    slots: &'f mut [Slot<'a>],
}

impl<'s, 'a> Search<'s, '_, 'a> {
    /// The targets that a key leads to.
    fn behind_key(&self, key: &str) -> Vec<Target<'s>> {
        let mut behind = Vec::new();
        for target in &self.targets {
            let Some(((first, rest), after)) = target.steps.split_first() else { continue };
            let depth = target.depth + 1;
            if !after.is_empty() && !rest.is_empty() && *rest == key {
                behind.push(Target { slot: target.slot, depth, steps: &[] });
            } else if first.is_key(key) && self.slots[target.slot].whole_at.is_none_or(|at| at > target.depth) {
                behind.push(Target { slot: target.slot, depth, steps: after });
            }
        }
        behind
    }

    fn behind_index(&self, at: usize) -> Vec<Target<'s>> {
        let leads = |target: &&Target<'s>| target.steps.first().is_some_and(|(step, _)| step.index() == Some(at));
        let taken = |target: &Target<'s>| Target { depth: target.depth + 1, steps: &target.steps[1..], ..*target };
        self.targets.iter().filter(leads).map(taken).collect()
    }

    /// The search below a key or an index. An earlier result of the same key does not count any more.
    fn below(&mut self, behind: Vec<Target<'s>>, from: &[Target<'s>]) -> Search<'s, '_, 'a> {
        for target in &behind {
            let slot = &mut self.slots[target.slot];
            slot.clear();
            let left = from.iter().find(|before| before.slot == target.slot).map_or(0, |before| before.steps.len());
            // All the rest of the path was one key.
            slot.whole_at = (target.steps.is_empty() && left > 1).then_some(target.depth - 1);
        }
        Search { targets: behind, slots: &mut *self.slots }
    }
}

impl<'a> DeserializeSeed<'a> for Search<'_, '_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, source: D) -> Result<(), D::Error> {
        match self.targets.as_slice() {
            [target] if target.steps.is_empty() => {
                let slot = &mut self.slots[target.slot];
                if slot.is_list {
                    return source.deserialize_any(Items(slot));
                }
                let value: &'a RawValue = Deserialize::deserialize(source)?;
                if value.get() == "null" {
                    slot.null = Some(value);
                    slot.found = Found::Null;
                } else {
                    slot.found = Found::Value(Cut::Value(value));
                }
                Ok(())
            }
            // One place lies inside the other: the text is read once for each.
            targets if targets.iter().any(|target| target.steps.is_empty()) => {
                let here = <&'a RawValue>::deserialize(source)?.get();
                for target in targets {
                    scan(here, Search { targets: vec![*target], slots: &mut *self.slots }).map_err(D::Error::custom)?;
                }
                Ok(())
            }
            _ => source.deserialize_any(self),
        }
    }
}

/// Finds the targets behind a key, without a copy of it.
struct KeySeed<'v, 's, 'f, 'a>(&'v Search<'s, 'f, 'a>);

impl<'a, 's> DeserializeSeed<'a> for KeySeed<'_, 's, '_, '_> {
    type Value = Vec<Target<'s>>;

    fn deserialize<D: Deserializer<'a>>(self, source: D) -> Result<Self::Value, D::Error> {
        source.deserialize_str(self)
    }
}

impl<'s> Visitor<'_> for KeySeed<'_, 's, '_, '_> {
    type Value = Vec<Target<'s>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.behind_key(key))
    }
}

/// A scalar that a path leads through is nothing; in place of a list it is no list.
macro_rules! visit_scalars {
    ($self:ident, $scalar:expr) => {
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("JSON")
        }

        fn visit_bool<E>($self, _: bool) -> Result<(), E> {
            $scalar;
            Ok(())
        }

        fn visit_i64<E>($self, _: i64) -> Result<(), E> {
            $scalar;
            Ok(())
        }

        fn visit_u64<E>($self, _: u64) -> Result<(), E> {
            $scalar;
            Ok(())
        }

        fn visit_f64<E>($self, _: f64) -> Result<(), E> {
            $scalar;
            Ok(())
        }

        fn visit_str<E>($self, _: &str) -> Result<(), E> {
            $scalar;
            Ok(())
        }
    };
}

impl<'a> Visitor<'a> for Search<'_, '_, 'a> {
    type Value = ();

    visit_scalars!(self, ());

    fn visit_unit<E>(self) -> Result<(), E> {
        for target in &self.targets {
            self.slots[target.slot].found = Found::ParentNull;
        }
        Ok(())
    }

    fn visit_map<M: MapAccess<'a>>(mut self, mut map: M) -> Result<(), M::Error> {
        let from = self.targets.clone();
        while let Some(behind) = map.next_key_seed(KeySeed(&self))? {
            if behind.is_empty() {
                map.next_value::<IgnoredAny>()?;
            } else {
                map.next_value_seed(self.below(behind, &from))?;
            }
        }
        Ok(())
    }

    fn visit_seq<S: SeqAccess<'a>>(mut self, mut items: S) -> Result<(), S::Error> {
        let from = self.targets.clone();
        for at in 0.. {
            let behind = self.behind_index(at);
            let more = if behind.is_empty() {
                items.next_element::<IgnoredAny>()?.is_some()
            } else {
                items.next_element_seed(self.below(behind, &from))?.is_some()
            };
            if !more {
                break;
            }
        }
        Ok(())
    }
}

/// The list itself.
struct Items<'f, 'a>(&'f mut Slot<'a>);

impl<'a> Visitor<'a> for Items<'_, 'a> {
    type Value = ();

    visit_scalars!(self, self.0.found = Found::Value(Cut::Other));

    fn visit_unit<E>(self) -> Result<(), E> {
        self.0.found = Found::Null;
        Ok(())
    }

    fn visit_map<M: MapAccess<'a>>(self, mut map: M) -> Result<(), M::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        self.0.found = Found::Value(Cut::Other);
        Ok(())
    }

    fn visit_seq<S: SeqAccess<'a>>(self, mut items: S) -> Result<(), S::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element::<&'a RawValue>()? {
            list.push(item.get());
        }
        self.0.found = Found::Value(Cut::Items(list));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    const JSON: &str = r#"{"a":{"b":[{"c":1},{"c":[2,3]}],"n":null},"a.b":"flat","d":7,"d":8,"\u00e9":"x"}"#;

    #[track_caller]
    fn check(path: &str, expect: Option<&str>) {
        assert_eq!(dig(JSON, path).map(RawValue::get), expect, "{path}");
    }

    #[test]
    fn a_path_is_followed() {
        check("a.b[0].c", Some("1"));
        check("a.b.1.c[1]", Some("3"));
        check("a.n", Some("null"));
        check("d", Some("8"));
        check("é", Some("\"x\""));
        check("", Some(JSON));
        for path in
            ["b", "a.b.c", "a.b[2]", "a.b[0].c.d", "a.n.x", "d[0]", "a.", ".a", "a..b", "a[", "a[x]", "a[0]b", "a[-1]"]
        {
            check(path, None);
        }
    }

    #[track_caller]
    fn check_read(json: &str, list: &str, value: &str, items: Option<&[&str]>, found: Option<&str>) {
        let (list, value) = (Path::parse(list).unwrap(), Path::parse(value).unwrap());
        let got = read(json, &list, &[&value]).unwrap();
        let got_items = match &got.list {
            Found::Value(Listed::Items(items)) => Some(items.as_slice()),
            _ => None,
        };
        assert_eq!((got_items, got.values[0].value().map(|value| value.get())), (items, found), "{json}");
    }

    #[test]
    fn key_as_written_wins_over_the_nested_form_at_each_level() {
        let check = |json: &str, path: &str, expect: Option<&str>| {
            assert_eq!(dig(json, path).map(RawValue::get), expect, "{path} in {json}");
        };
        check(r#"{"@odata.nextLink":"u"}"#, "@odata.nextLink", Some("\"u\""));
        check(r#"{"a":{"b":1},"a.b":2}"#, "a.b", Some("2"));
        check(r#"{"a.b":2,"a":{"b":1}}"#, "a.b", Some("2"));
        check(r#"{"d":{"a.b":[7]}}"#, "d.a.b", Some("[7]"));
        check(r#"{"d":{"a":{"b":1},"a.b":2}}"#, "d.a.b", Some("2"));
        check(r#"{"d":{"a":{"b":1}},"d.a.b":3,"d.a":{"b":4}}"#, "d.a.b", Some("3"));
        check(r#"{"a.b":null,"a":{"b":1}}"#, "a.b", Some("null"));
        check(r#"{"a":{"b":1},"a":{}}"#, "a.b", None);
        let list = r#"{"x.items":[1,2],"x":{"items":[3]}}"#;
        check_read(list, "x.items", "y", Some(&["1", "2"]), None);
    }

    #[test]
    fn missing_null_and_null_parent_are_different() {
        let state = |json: &str, path: &str| {
            let path = Path::parse(path).unwrap();
            let read = read(json, &Path::parse("none").unwrap(), &[&path]).unwrap();
            match &read.values[0] {
                Found::Missing => "missing",
                Found::ParentNull => "parent null",
                Found::Null => "null",
                Found::Value(_) => "value",
            }
        };
        assert_eq!(state(r#"{"a":{"b":0}}"#, "a.b"), "value");
        assert_eq!(state(r#"{"a":{"b":null}}"#, "a.b"), "null");
        assert_eq!(state(r#"{"a":null}"#, "a.b"), "parent null");
        assert_eq!(state("null", "a.b"), "parent null");
        for missing in [r#"{"a":{}}"#, "{}", r#"{"a":7}"#, "[]"] {
            assert_eq!(state(missing, "a.b"), "missing", "{missing}");
        }
    }

    #[test]
    fn a_page_and_its_cursor_are_read_at_once() {
        check_read(r#"{"next":"x","items":[1, {"a":2}]}"#, "items", "next", Some(&["1", r#"{"a":2}"#]), Some("\"x\""));
        check_read(r#"{"data":{"data":[1],"next":2}}"#, "data.data", "data.next", Some(&["1"]), Some("2"));
        check_read(r#"[{"next":1},2]"#, "", "[0].next", Some(&[r#"{"next":1}"#, "2"]), Some("1"));
        check_read(r#"{"a":[1]}"#, "a", "a[0]", Some(&["1"]), Some("1"));
        check_read(r#"{"a":null}"#, "a", "b", None, None);
        check_read(r#"{"a":{"b":1}}"#, "a", "a", None, Some(r#"{"b":1}"#));
        check_read(r#"{"a":[1],"a":5,"b":1,"b":[]}"#, "a", "b", None, Some("[]"));
        assert!(read("[1,", &Path::default(), &[]).is_err());
        assert!(read("[1] 2", &Path::default(), &[]).is_err());
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[a-c]{0,2}".prop_map(Value::from)
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::btree_map("[a-c]", inner, 0..3)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn it_leads_where_a_pointer_leads(value in json(), steps in proptest::collection::vec("[a-c]|[0-2]", 0..4)) {
            let text = value.to_string();
            let raw: &RawValue = serde_json::from_str(&text).unwrap();
            let pointer: String = steps.iter().flat_map(|step| ["/", step]).collect();
            let found = dig(raw.get(), &steps.join(".")).map(|raw| serde_json::from_str::<Value>(raw.get()).unwrap());
            prop_assert_eq!(found.as_ref(), value.pointer(&pointer));
        }

        #[test]
        fn no_path_and_no_text_panic(path in "[a-c.\\[\\]0-9]{0,12}|.*", text in "[\\[\\]{}:,\"a-c0-9]{0,30}|.*") {
            if let Some(path) = Path::parse(&path) {
                let _ = find(&text, &path);
                let _ = read(&text, &path, &[&path]);
            }
        }
    }
}
