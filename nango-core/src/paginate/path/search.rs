//! Search of several paths in one pass over a JSON text.

use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::steps::{self, Path, Segment};

/// Result of following a path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::paginate) enum Found<T> {
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
    pub(in crate::paginate) fn value(&self) -> Option<&T> {
        match self {
            Self::Value(value) => Some(value),
            _ => None,
        }
    }
}

/// Follows the paths of a search through a whole text.
pub(super) fn scan<'a>(json: &'a str, search: Search<'_, '_, 'a>) -> serde_json::Result<()> {
    let mut source = serde_json::Deserializer::from_str(json);
    search.deserialize(&mut source)?;
    source.end()
}

/// Value found in the text.
#[derive(Debug)]
pub(super) enum Match<'a> {
    Value(&'a RawValue),
    Items(Vec<&'a str>),
    Entries(Vec<Entry<'a>>),
    /// A value that is not a list, where a list was expected, or not an object, where an object was expected.
    Other,
}

/// Entry of an object whose values are records: the JSON text of its key, with quotes, and of its value.
pub(in crate::paginate) type Entry<'a> = (&'a str, &'a str);

/// Form in which the value of a path is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// One value.
    Value,
    /// A list, split into its items.
    List,
    /// An object, split into its entries.
    Entries,
}

/// Result of one path.
#[derive(Debug)]
pub(super) struct Slot<'a> {
    pub(super) found: Found<Match<'a>>,
    /// Text of a `null` that was found.
    pub(super) null: Option<&'a RawValue>,
    shape: Shape,
    /// Level at which the rest of the path was found as one key. Nested forms at this level or below are ignored.
    exact_key_depth: Option<usize>,
}

impl Slot<'_> {
    pub(super) fn new(shape: Shape) -> Self {
        Self { found: Found::Missing, null: None, shape, exact_key_depth: None }
    }

    fn clear(&mut self) {
        self.found = Found::Missing;
        self.null = None;
        self.exact_key_depth = None;
    }
}

/// Path that is being followed: its remaining steps, and the number of completed steps.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target<'s> {
    slot: usize,
    depth: usize,
    steps: &'s [(Segment<'s>, &'s str)],
}

impl<'s> Target<'s> {
    /// Creates a path that is followed from the beginning of the text.
    pub(super) fn new(slot: usize, path: &'s Path<'_>) -> Self {
        Self { slot, depth: 0, steps: &path.0 }
    }
}

/// Paths that continue from a value, and their results.
pub(super) struct Search<'s, 'f, 'a> {
    pub(super) targets: Vec<Target<'s>>,
    pub(super) slots: &'f mut [Slot<'a>],
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
            } else if *first == Segment::Key(key)
                && self.slots[target.slot].exact_key_depth.is_none_or(|at| at > target.depth)
            {
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
        let leads =
            |target: &&Target<'s>| target.steps.first().is_some_and(|(step, _)| steps::index(*step) == Some(at));
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
                if slot.shape != Shape::Value {
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

/// Visitor that splits a list into its items, or an object into its entries.
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
        if self.0.shape == Shape::List {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            self.0.found = Found::Value(Match::Other);
            return Ok(());
        }
        let mut entries = Vec::new();
        while let Some((key, value)) = map.next_entry::<&'a RawValue, &'a RawValue>()? {
            entries.push((key.get(), value.get()));
        }
        self.0.found = Found::Value(Match::Entries(entries));
        Ok(())
    }

    fn visit_seq<S: SeqAccess<'a>>(self, mut items: S) -> Result<(), S::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element::<&'a RawValue>()? {
            list.push(item.get());
        }
        self.0.found = Found::Value(match self.0.shape {
            // Some encoders write an empty object as an empty list.
            Shape::Entries if list.is_empty() => Match::Entries(Vec::new()),
            Shape::Entries => Match::Other,
            Shape::List | Shape::Value => Match::Items(list),
        });
        Ok(())
    }
}
