//! Dotted paths such as `data.items` or `results[0].rows`, followed through JSON text.
//!
//! The text is not parsed into a tree: values are returned as slices of it, and any number of paths are followed in one
//! pass. A step that is a number also matches a list index (`results.0.rows`). At each level, a key that equals the
//! rest of the path takes precedence over the nested form: `@odata.nextLink` finds the key with the dot. If a key
//! occurs twice, the last value is used, as in JavaScript.

use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::split;

/// Step of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Segment<'p> {
    Key(&'p str),
    Index(usize),
}

impl Segment<'_> {
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

/// Parsed path: its steps, each with the original text of the path from this step on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Path<'p>(Vec<(Segment<'p>, &'p str)>);

impl<'p> Path<'p> {
    /// Parses a path. Returns `None` if the text is not a path. The empty text is the path of the whole body.
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
            // A part is a name with or without indices; the first part may consist of indices only.
            if !name.is_empty() {
                steps.push((Segment::Key(name), rest));
            } else if indices.is_empty() || !steps.is_empty() {
                return None;
            }
            while !indices.is_empty() {
                let (index, after) = indices.strip_prefix('[')?.split_once(']')?;
                steps.push((Segment::Index(index.parse().ok()?), ""));
                indices = after;
            }
        }
        Some(Self(steps))
    }

    /// Returns the number of steps.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether it is the path of the whole body.
    pub(super) fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the path of the first `length` steps.
    pub(super) fn prefix(&self, length: usize) -> Self {
        Self(self.0[..length].iter().map(|(step, _)| (*step, "")).collect())
    }

    /// Formats the first `length` steps for messages.
    pub(super) fn written(&self, length: usize) -> String {
        let mut text = String::new();
        for (step, _) in &self.0[..length] {
            match step {
                Segment::Index(index) => text.extend(["[", &index.to_string(), "]"]),
                Segment::Key(name) if text.is_empty() => text.push_str(name),
                Segment::Key(name) => text.extend([".", name]),
            }
        }
        text
    }
}

/// Result of following a path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Found<T> {
    /// The path does not exist.
    #[default]
    Missing,
    /// An object or list on the path is `null`.
    ParentNull,
    /// The value is `null`.
    Null,
    /// The value at the path.
    Value(T),
}

impl<T> Found<T> {
    /// Returns the value, or `None` if it is missing or `null`.
    pub(super) fn value(&self) -> Option<&T> {
        match self {
            Self::Value(value) => Some(value),
            _ => None,
        }
    }
}

/// List that was split into its items, or a value that is not a list.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Listed<'a> {
    Items(Vec<&'a str>),
    Other,
}

/// Result of [`read`]: the list, and the values at the other paths in their order.
#[derive(Debug, Default)]
pub(super) struct Read<'a> {
    pub(super) list: Found<Listed<'a>>,
    pub(super) values: Vec<Found<&'a RawValue>>,
}

/// Returns the value at `path` in a JSON text, or `None` if the path does not exist.
pub(crate) fn lookup<'a>(json: &'a str, path: &str) -> Option<&'a RawValue> {
    find(json, &Path::parse(path)?).ok()?
}

/// Returns the value at a path in a JSON text, including `null`.
pub(super) fn find<'a>(json: &'a str, path: &Path<'_>) -> serde_json::Result<Option<&'a RawValue>> {
    let mut slots = [Slot::new(false)];
    scan(json, Search { targets: vec![Target { slot: 0, depth: 0, steps: &path.0 }], slots: &mut slots })?;
    let [slot] = slots;
    Ok(match slot.found {
        Found::Value(Match::Value(value)) => Some(value),
        Found::Null => slot.null,
        _ => None,
    })
}

/// Splits a list into its items and finds further values, in one pass over the text.
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
        Found::Value(Match::Items(items)) => Found::Value(Listed::Items(items)),
        Found::Value(_) => Found::Value(Listed::Other),
        Found::Null => Found::Null,
        Found::ParentNull => Found::ParentNull,
        Found::Missing => Found::Missing,
    };
    let value = |slot: Slot<'a>| match slot.found {
        Found::Value(Match::Value(value)) => Found::Value(value),
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

/// Value found in the text.
#[derive(Debug)]
enum Match<'a> {
    Value(&'a RawValue),
    Items(Vec<&'a str>),
    /// A value that is not a list, where a list was expected.
    Other,
}

/// Result of one path.
#[derive(Debug)]
struct Slot<'a> {
    found: Found<Match<'a>>,
    /// Text of a `null` that was found.
    null: Option<&'a RawValue>,
    /// Whether the value is split into items.
    is_list: bool,
    /// Level at which the rest of the path was found as one key. Nested forms at this level or below are ignored.
    exact_key_depth: Option<usize>,
}

impl Slot<'_> {
    fn new(is_list: bool) -> Self {
        Self { found: Found::Missing, null: None, is_list, exact_key_depth: None }
    }

    fn clear(&mut self) {
        self.found = Found::Missing;
        self.null = None;
        self.exact_key_depth = None;
    }
}

/// Path that is being followed: its remaining steps, and the number of completed steps.
#[derive(Debug, Clone, Copy)]
struct Target<'s> {
    slot: usize,
    depth: usize,
    steps: &'s [(Segment<'s>, &'s str)],
}

/// Paths that continue from a value, and their results.
struct Search<'s, 'f, 'a> {
    targets: Vec<Target<'s>>,
    slots: &'f mut [Slot<'a>],
}

impl<'s, 'a> Search<'s, '_, 'a> {
    /// Returns the targets after a key.
    fn targets_after_key(&self, key: &str) -> Vec<Target<'s>> {
        let mut targets = Vec::new();
        for target in &self.targets {
            let Some(((first, rest), after)) = target.steps.split_first() else { continue };
            let depth = target.depth + 1;
            if !after.is_empty() && !rest.is_empty() && *rest == key {
                targets.push(Target { slot: target.slot, depth, steps: &[] });
            } else if first.is_key(key) && self.slots[target.slot].exact_key_depth.is_none_or(|at| at > target.depth) {
                targets.push(Target { slot: target.slot, depth, steps: after });
            }
        }
        targets
    }

    /// Ignores a scalar: a path through a scalar does not exist.
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "the visitor's methods call it")]
    fn ignore_scalar<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn targets_after_index(&self, at: usize) -> Vec<Target<'s>> {
        let leads = |target: &&Target<'s>| target.steps.first().is_some_and(|(step, _)| step.index() == Some(at));
        let advance = |target: &Target<'s>| Target { depth: target.depth + 1, steps: &target.steps[1..], ..*target };
        self.targets.iter().filter(leads).map(advance).collect()
    }

    /// Returns the search below a key or an index, and clears the result of an earlier occurrence of the same key.
    fn below(&mut self, targets: Vec<Target<'s>>, from: &[Target<'s>]) -> Search<'s, '_, 'a> {
        for target in &targets {
            let slot = &mut self.slots[target.slot];
            slot.clear();
            let left = from.iter().find(|before| before.slot == target.slot).map_or(0, |before| before.steps.len());
            // The rest of the path was found as one key.
            slot.exact_key_depth = (target.steps.is_empty() && left > 1).then_some(target.depth - 1);
        }
        Search { targets, slots: &mut *self.slots }
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
                    slot.found = Found::Value(Match::Value(value));
                }
                Ok(())
            }
            // If one location is inside another, the text is read once for each.
            targets if targets.iter().any(|target| target.steps.is_empty()) => {
                let text = <&'a RawValue>::deserialize(source)?.get();
                for target in targets {
                    scan(text, Search { targets: vec![*target], slots: &mut *self.slots }).map_err(D::Error::custom)?;
                }
                Ok(())
            }
            _ => source.deserialize_any(self),
        }
    }
}

/// Finds the targets after a key, without copying the key.
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
        Ok(self.0.targets_after_key(key))
    }
}

/// Defines the visitor methods for scalars, which all call `$scalar`.
macro_rules! visit_scalars {
    ($scalar:ident) => {
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("JSON")
        }

        fn visit_bool<E>(self, _: bool) -> Result<(), E> {
            self.$scalar()
        }

        fn visit_i64<E>(self, _: i64) -> Result<(), E> {
            self.$scalar()
        }

        fn visit_u64<E>(self, _: u64) -> Result<(), E> {
            self.$scalar()
        }

        fn visit_f64<E>(self, _: f64) -> Result<(), E> {
            self.$scalar()
        }

        fn visit_str<E>(self, _: &str) -> Result<(), E> {
            self.$scalar()
        }
    };
}

impl<'a> Visitor<'a> for Search<'_, '_, 'a> {
    type Value = ();

    visit_scalars!(ignore_scalar);

    fn visit_unit<E>(self) -> Result<(), E> {
        for target in &self.targets {
            self.slots[target.slot].found = Found::ParentNull;
        }
        Ok(())
    }

    fn visit_map<M: MapAccess<'a>>(mut self, mut map: M) -> Result<(), M::Error> {
        let from = self.targets.clone();
        while let Some(targets) = map.next_key_seed(KeySeed(&self))? {
            if targets.is_empty() {
                map.next_value::<IgnoredAny>()?;
            } else {
                map.next_value_seed(self.below(targets, &from))?;
            }
        }
        Ok(())
    }

    fn visit_seq<S: SeqAccess<'a>>(mut self, mut items: S) -> Result<(), S::Error> {
        let from = self.targets.clone();
        for at in 0.. {
            let targets = self.targets_after_index(at);
            let more = if targets.is_empty() {
                items.next_element::<IgnoredAny>()?.is_some()
            } else {
                items.next_element_seed(self.below(targets, &from))?.is_some()
            };
            if !more {
                break;
            }
        }
        Ok(())
    }
}

/// Visitor that splits a list into its items.
struct Items<'f, 'a>(&'f mut Slot<'a>);

impl Items<'_, '_> {
    #[expect(clippy::unnecessary_wraps, reason = "the visitor's methods call it")]
    fn reject_scalar<E>(self) -> Result<(), E> {
        self.0.found = Found::Value(Match::Other);
        Ok(())
    }
}

impl<'a> Visitor<'a> for Items<'_, 'a> {
    type Value = ();

    visit_scalars!(reject_scalar);

    fn visit_unit<E>(self) -> Result<(), E> {
        self.0.found = Found::Null;
        Ok(())
    }

    fn visit_map<M: MapAccess<'a>>(self, mut map: M) -> Result<(), M::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        self.0.found = Found::Value(Match::Other);
        Ok(())
    }

    fn visit_seq<S: SeqAccess<'a>>(self, mut items: S) -> Result<(), S::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element::<&'a RawValue>()? {
            list.push(item.get());
        }
        self.0.found = Found::Value(Match::Items(list));
        Ok(())
    }
}

#[cfg(test)]
mod tests;
