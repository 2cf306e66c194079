//! Dotted paths such as `data.items` or `results[0].rows`, followed through JSON text.
//!
//! The text is not parsed into a tree: values are returned as slices of it, and any number of paths are followed in one
//! pass. A step that is a number also matches a list index (`results.0.rows`). At each level, a key that equals the
//! rest of the path takes precedence over the nested form: `@odata.nextLink` finds the key with the dot. If a key
//! occurs twice, the last value is used, as in JavaScript.

mod search;
mod steps;

use serde_json::value::RawValue;

use super::split;
pub(super) use search::{Entry, Found};
use search::{Match, Search, Shape, Slot, Target, scan};
pub(super) use steps::Path;

/// List that was split into its items, object that was split into its entries, or another value.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Listed<'a> {
    Items(Vec<&'a str>),
    Entries(Vec<Entry<'a>>),
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
    let mut slots = [Slot::new(Shape::Value)];
    scan(json, Search { targets: vec![Target::new(0, path)], slots: &mut slots })?;
    let [slot] = slots;
    Ok(match slot.found {
        Found::Value(Match::Value(value)) => Some(value),
        Found::Null => slot.null,
        _ => None,
    })
}

/// Splits a list into its items, or an object into its `entries`, and finds further values, in one pass over the text.
pub(super) fn read<'a>(
    json: &'a str,
    list: &Path<'_>,
    entries: bool,
    values: &[&Path<'_>],
) -> serde_json::Result<Read<'a>> {
    if list.is_root()
        && !entries
        && values.is_empty()
        && let Some(items) = split::items(json)
    {
        return Ok(Read { list: Found::Value(Listed::Items(items)), values: Vec::new() });
    }
    let shape = if entries { Shape::Entries } else { Shape::List };
    let mut slots: Vec<Slot<'a>> = vec![Slot::new(shape)];
    slots.extend(values.iter().map(|_| Slot::new(Shape::Value)));
    let paths = std::iter::once(list).chain(values.iter().copied());
    let targets = paths.enumerate().map(|(slot, path)| Target::new(slot, path)).collect();
    scan(json, Search { targets, slots: &mut slots })?;
    let mut slots = slots.into_iter();
    let list = match slots.next().unwrap_or(Slot::new(shape)).found {
        Found::Value(Match::Items(items)) => Found::Value(Listed::Items(items)),
        Found::Value(Match::Entries(entries)) => Found::Value(Listed::Entries(entries)),
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

#[cfg(test)]
mod tests;
