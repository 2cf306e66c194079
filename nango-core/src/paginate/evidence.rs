//! Parts of a response that a walk needs: its list, and the evidence whether another page follows.

use std::{borrow::Cow, collections::BTreeSet, fmt};

use serde_json::{Map, Value, value::RawValue};

use super::{
    PaginateError,
    declared_error::DeclaredError,
    error_value::is_error,
    path::{self, Found, Listed, Path},
    records::{PageRecords, with_key},
    spec::WalkSpec,
};
use crate::{
    declare::PaginateKind,
    http::{BodyError, Response, redacted_url},
    json::{self, DecodeError},
};

/// Number of characters of an unusable response that an error keeps.
const MAX_ERROR_CHARS: usize = 4096;
/// Maximum number of keys that an error lists.
const MAX_LISTED_KEYS: usize = 20;

/// List of a response, and the evidence whether another page follows.
#[derive(Debug)]
pub(super) struct Evidence<'a> {
    json: &'a str,
    pub(super) list: Found<Listed<'a>>,
    /// Keys of the records, as JSON text, if they are the values of an object; otherwise empty.
    pub(super) keys: Vec<&'a str>,
    /// Cursor or link to the next page.
    pub(super) next: Found<&'a RawValue>,
    pub(super) has_more: Found<&'a RawValue>,
    pub(super) is_last: Found<&'a RawValue>,
    pub(super) total: Found<&'a RawValue>,
    pub(super) total_pages: Found<&'a RawValue>,
    /// Position of the incremental feed.
    pub(super) position: Found<&'a RawValue>,
    /// Declared error.
    pub(super) declared: Option<DeclaredError>,
}

impl<'a> Evidence<'a> {
    /// Reads a response in one pass.
    pub(super) fn read(spec: &WalkSpec, response: &'a Response, at: &str) -> Result<Self, PaginateError> {
        let json = text(response, at)?;
        let declared = [
            spec.next_path(),
            spec.has_more.as_deref(),
            spec.is_last.as_deref(),
            spec.total.as_deref(),
            spec.total_pages.as_deref(),
            spec.feed.as_ref().map(|feed| feed.position.path()),
        ];
        let errors = spec.errors.iter().map(|error| Some(&*error.path));
        let declared = declared.into_iter().chain(errors);
        let paths: Vec<Option<Path<'_>>> = declared.map(|path| path.and_then(Path::parse)).collect();
        let requested: Vec<&Path<'_>> = paths.iter().flatten().collect();
        // The paths were checked at the start of the walk.
        let list = Path::parse(&spec.records).unwrap_or_default();
        let read =
            path::read(json, &list, spec.is_object, &requested).map_err(|error| not_json(response, at, &error))?;
        let mut values = read.values.into_iter();
        let mut next_value = |i: usize| paths[i].as_ref().and_then(|_| values.next()).unwrap_or_default();
        let metadata: [Found<&RawValue>; 6] = std::array::from_fn(&mut next_value);
        let of_errors: Vec<_> = (0..spec.errors.len()).map(|i| next_value(metadata.len() + i)).collect();
        let declared = DeclaredError::find(&spec.errors, json, |i| of_errors[i].value().copied());
        let [next, has_more, is_last, total, total_pages, position] = metadata;
        let (list, keys) = match read.list {
            Found::Value(Listed::Entries(entries)) => {
                let (keys, items) = entries.into_iter().unzip();
                (Found::Value(Listed::Items(items)), keys)
            }
            list => (list, Vec::new()),
        };
        Ok(Self { json, list, keys, next, has_more, is_last, total, total_pages, position, declared })
    }

    /// Returns the items of the list. Empty if the list is `null` or missing.
    pub(super) fn items(&self) -> &[&'a str] {
        match &self.list {
            Found::Value(Listed::Items(items)) => items,
            _ => &[],
        }
    }

    /// Returns the last record, with its key if that is declared.
    pub(super) fn last_record(&self, spec: &WalkSpec) -> Option<Cow<'a, str>> {
        let record = self.items().last()?;
        Some(match (&spec.key_field, self.keys.last()) {
            (Some(field), Some(key)) => with_key(record, field, key),
            _ => Cow::Borrowed(*record),
        })
    }

    /// Returns the records, as byte ranges in the body unless their keys are added.
    pub(super) fn records(&self, spec: &WalkSpec, body: &[u8]) -> PageRecords {
        let Some(field) = &spec.key_field else { return PageRecords::Ranges(ranges(body, self.items())) };
        let keyed = self.items().iter().zip(&self.keys);
        PageRecords::Keyed(keyed.map(|(record, key)| with_key(record, field, key).into()).collect())
    }

    /// Returns the declared error that fails the walk: one without data beside it.
    pub(super) fn fatal_error(&self) -> Option<&DeclaredError> {
        let has_data = !matches!(self.list, Found::Missing | Found::Value(Listed::Other));
        self.declared.as_ref().filter(|error| !(error.is_partial && has_data))
    }

    /// Returns whether the body contains a declared error, or its top level an undeclared one.
    pub(super) fn has_error(&self) -> bool {
        self.declared.is_some()
            || ["error", "errors"].iter().any(|key| {
                let value = Path::parse(key).and_then(|path| path::find(self.json, &path).ok().flatten());
                value.is_some_and(|value| is_error(value.get()))
            })
    }

    /// Returns whether the object that contains the cursor is `null` or missing. `false` if the cursor is at the top
    /// level.
    pub(super) fn lacks_cursor_parent(&self, spec: &WalkSpec) -> bool {
        match &self.next {
            Found::ParentNull => true,
            Found::Missing => {
                let parent = spec.next_path().and_then(|path| path.rsplit_once('.')).map(|(parent, _)| parent);
                let parent = parent.and_then(Path::parse);
                parent.is_some_and(|path| {
                    path::find(self.json, &path).ok().flatten().is_none_or(|value| value.get() == "null")
                })
            }
            _ => false,
        }
    }

    /// Returns whether the parent of the list is an object.
    pub(super) fn parent_is_object(&self, spec: &WalkSpec) -> bool {
        let Some(path) = Path::parse(&spec.records).filter(|path| !path.is_root()) else { return false };
        let parent = path::find(self.json, &path.prefix(path.len() - 1)).ok().flatten();
        parent.is_some_and(|parent| parent.get().starts_with('{'))
    }

    /// Returns the error of a missing list.
    pub(super) fn no_list(&self, spec: &WalkSpec, at: &str) -> PaginateError {
        no_list(self.json, at, spec, &Path::parse(&spec.records).unwrap_or_default())
    }

    /// Returns the text of the undeclared error at the top level of the body: its `message`, or its JSON.
    pub(super) fn error_text(&self) -> Option<String> {
        let paths = ["errors[0].message", "error.message", "errors", "error"];
        let found = paths.iter().find_map(|path| path::lookup(self.json, path).filter(|found| is_error(found.get())));
        found.map(|found| serde_json::from_str(found.get()).unwrap_or_else(|_| found.get().to_owned()))
    }

    /// Returns the error at the top level of the body, which is reported instead of a missing list.
    pub(super) fn error(&self, at: &str) -> PaginateError {
        let find = |key| Path::parse(key).and_then(|path| path::find(self.json, &path).ok().flatten());
        let (key, value) = match find("errors") {
            Some(value) if is_error(value.get()) => ("errors", value.get()),
            _ => ("error", find("error").map_or("", RawValue::get)),
        };
        PaginateError::InBody { at: at.to_owned(), key, start: truncated(value) }
    }
}

/// Returns the byte ranges of the items in the body, so that the items need not be copied.
fn ranges(body: &[u8], items: &[&str]) -> Vec<std::ops::Range<usize>> {
    let start = body.as_ptr() as usize;
    items
        .iter()
        .map(|item| {
            let from = (item.as_ptr() as usize).wrapping_sub(start);
            from..from + item.len()
        })
        .collect()
}

/// Formats the page and its request, for errors.
pub(super) fn page_name(response: &Response, number: u64) -> String {
    format!("page {number} of {} {}", response.request.method, redacted_url(&response.request.url))
}

/// Reads a flag such as `has_more`: `false` for `false`, `null`, 0, the empty string and the string "false"; `None` if
/// it is absent.
pub(super) fn flag(found: &Found<&RawValue>) -> Option<bool> {
    match found {
        Found::Missing | Found::ParentNull => None,
        Found::Null => Some(false),
        Found::Value(value) => Some(is_true(value.get())),
    }
}

/// Reads a flag such as `is_last` and inverts it. Returns `None` if it is absent or `null`.
pub(super) fn inverse_flag(found: &Found<&RawValue>) -> Option<bool> {
    found.value().map(|value| !is_true(value.get()))
}

fn is_true(json: &str) -> bool {
    if matches!(json, "false" | "0" | "\"\"") {
        return false;
    }
    let text: Option<String> = serde_json::from_str(json).ok();
    !text.is_some_and(|text| text.trim().eq_ignore_ascii_case("false"))
}

/// Reads a non-negative integer, which may be a string.
pub(super) fn number(found: &Found<&RawValue>) -> Option<u64> {
    let value: Value = serde_json::from_str(found.value()?.get()).ok()?;
    match value {
        Value::Number(number) => number.as_u64().or_else(|| {
            let float = number.as_f64().filter(|float| (0.0..9e15).contains(float))?;
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked above")]
            Some(float as u64)
        }),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// Returns the value at a path of a record.
pub(super) fn record_value<'a>(json: &'a str, path: &str) -> serde_json::Result<Option<&'a RawValue>> {
    path::find(json, &Path::parse(path).unwrap_or_default())
}

fn text<'a>(response: &'a Response, at: &str) -> Result<&'a str, PaginateError> {
    let text = str::from_utf8(&response.body).map_err(|error| not_json(response, at, &error))?;
    Ok(json::strip_bom(text))
}

#[cold]
pub(super) fn not_json(response: &Response, at: &str, error: &dyn fmt::Display) -> PaginateError {
    let error = DecodeError::syntax(error.to_string());
    PaginateError::NotJson(BodyError::new(at.to_owned(), response.status, &response.headers, &response.body, error))
}

/// Truncates a text to more characters than an error shows, because it is redacted before it is truncated to the shown
/// length.
fn truncated(text: &str) -> String {
    text.chars().take(MAX_ERROR_CHARS).collect()
}

/// Returns the error of a missing list at a path.
#[cold]
fn no_list(json: &str, at: &str, spec: &WalkSpec, path: &Path<'_>) -> PaginateError {
    let find = |length: usize| {
        let path = if length == path.len() { path.clone() } else { path.prefix(length) };
        path::find(json, &path).ok().flatten()
    };
    if let Some(there) = find(path.len()) {
        return PaginateError::NotAList {
            at: at.to_owned(),
            path: spec.records.clone(),
            what: describe(there),
            expected: if spec.is_object { "an object" } else { "a list" },
            hint: list_hint(spec, there),
        };
    }
    let reached = (0..path.len()).rev().find_map(|length| find(length).map(|there| (length, there)));
    let found = match reached {
        Some((0, there)) => format!("the body is {}", describe(there)),
        Some((length, there)) => format!("`{}` is {}", path.written(length), describe(there)),
        None => "the body is empty".to_owned(),
    };
    PaginateError::Missing { at: at.to_owned(), path: spec.records.clone(), found }
}

/// Returns the setting that fixes a value of another type than the declared one.
fn list_hint(spec: &WalkSpec, there: &RawValue) -> String {
    let path = &spec.records;
    let dot = if path.is_empty() { "" } else { "." };
    match (spec.is_object, there.get().as_bytes().first()) {
        (false, Some(b'{')) if path.is_empty() => {
            "; set `response_path` to the path of the list, or to `*` if the values of this object are the records"
                .to_owned()
        }
        (false, Some(b'{')) => {
            format!("; if the values of this object are the records, set `response_path` to `{path}{dot}*`")
        }
        (true, Some(b'[')) => {
            format!("; if its items are the records, remove `{dot}*` from the end of `response_path`")
        }
        _ if path.is_empty() => "; set `response_path` to the path of the list".to_owned(),
        _ => String::new(),
    }
}

/// Describes the type of a value, with the keys of an object, but without any values.
pub(super) fn describe(value: &RawValue) -> String {
    match value.get().as_bytes().first() {
        Some(b'{') => {
            let object: Map<String, Value> = serde_json::from_str(value.get()).unwrap_or_default();
            let keys: BTreeSet<&str> = object.keys().map(String::as_str).collect();
            let more = if keys.len() > MAX_LISTED_KEYS { ", …" } else { "" };
            let names: Vec<&str> = keys.iter().copied().take(MAX_LISTED_KEYS).collect();
            match names.as_slice() {
                [] => "an empty object".to_owned(),
                names => format!("an object with `{}`{more}", names.join("`, `")),
            }
        }
        Some(b'[') => "a list".to_owned(),
        Some(b'"') => "a string".to_owned(),
        Some(b't' | b'f') => "a boolean".to_owned(),
        Some(b'n') => "null".to_owned(),
        _ => "a number".to_owned(),
    }
}

impl WalkSpec {
    /// Returns the path of the cursor or of the link in the body.
    pub(super) fn next_path(&self) -> Option<&str> {
        match &self.kind {
            Some(PaginateKind::Link { path, .. }) => path.as_deref(),
            Some(PaginateKind::Cursor { path, .. }) => Some(path),
            _ => None,
        }
    }
}
