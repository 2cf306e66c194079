//! A page, and what it says of the next.

use std::{collections::BTreeSet, fmt};

use serde_json::{Map, Value, value::RawValue};

use super::{
    PaginateError, Place,
    path::{self, Step},
};
use crate::http::{Response, place};

/// How much of an answer that is not JSON is shown.
const SHOWN: usize = 80;
/// How many keys an error lists.
const LISTED: usize = 20;

/// A page as it came. What leads on and the records may be secret: `Debug` shows neither.
pub struct RawPage {
    pub(super) response: Response,
    pub(super) at: String,
    pub(super) path: String,
    /// The records, if finding the next page meant reading the body.
    pub(super) read: Option<Vec<Box<str>>>,
    pub(super) next: Option<String>,
    pub(super) place: Option<Place>,
}

impl fmt::Debug for RawPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawPage")
            .field("at", &self.at)
            .field("status", &self.response.status)
            .field("next", &self.next.as_ref().map(|_| format_args!("***")))
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

impl RawPage {
    /// The records, cut out of the body. Of a body that is nothing but the list, a record may turn out to be no JSON.
    ///
    /// # Errors
    ///
    /// The body is not JSON, has nothing at the path of the records, or no list there.
    pub fn records(&self) -> Result<Vec<&str>, PaginateError> {
        match &self.read {
            Some(records) => Ok(records.iter().map(|record| &**record).collect()),
            None => Ok(read(&self.response, &self.at, &self.path, None, false)?.0),
        }
    }

    /// The answer.
    pub fn response(&self) -> &Response {
        &self.response
    }

    /// When it was asked for, microseconds since 1970.
    pub fn sent_at(&self) -> i64 {
        self.response.sent_at
    }

    /// Page and request, for errors: `page 2 of GET https://api.example.com/items`.
    pub fn name(&self) -> &str {
        &self.at
    }

    /// What leads to the next page: a cursor, a URL or an offset. `None`: this is the last.
    pub fn next(&self) -> Option<&str> {
        self.next.as_deref()
    }

    /// Where a walk that is interrupted behind this page may go on. `None`: it is the last, or its successor is found
    /// by counting.
    pub fn place(&self) -> Option<&Place> {
        self.place.as_ref()
    }
}

/// Page and request, for errors.
pub(super) fn name(response: &Response, number: u64) -> String {
    format!("page {number} of {} {}", response.request.method, place(&response.request.url))
}

/// The records of an answer, and what lies at one more path. `null_ends`: a whole body of `null` is what lies behind the
/// last record.
pub(super) fn read<'a>(
    response: &'a Response,
    at: &str,
    records: &str,
    next: Option<&str>,
    null_ends: bool,
) -> Result<(Vec<&'a str>, Option<&'a RawValue>), PaginateError> {
    if response.body.is_empty() && response.status == 204 {
        return Ok((Vec::new(), None));
    }
    let json = text(response, at)?;
    // Both paths were checked when the walk began.
    let records_steps = path::steps(records).unwrap_or_default();
    let next_steps = next.and_then(path::steps);
    let found =
        path::read(json, &records_steps, next_steps.as_deref()).map_err(|error| not_json(response, at, &error))?;
    match found.list {
        // Elsewhere it is no list that happens to be empty: taken for one, it would end a walk that deletes.
        Some(list) if null_ends || !(list.is_empty() && records_steps.is_empty() && json.trim() == "null") => {
            Ok((list, found.value))
        }
        _ => Err(no_list(json, at, records, &records_steps)),
    }
}

/// Whether the answer says at a path that no other page follows.
pub(super) fn says_no(response: &Response, has_more: &str) -> bool {
    let there = str::from_utf8(&response.body).ok().and_then(|json| in_record(json, has_more).ok().flatten());
    there.is_some_and(|there| matches!(there.get(), "false" | "null" | "0" | "\"false\"" | "\"\""))
}

/// What lies at a path of a record.
pub(super) fn in_record<'a>(json: &'a str, path: &str) -> serde_json::Result<Option<&'a RawValue>> {
    path::find(json, &path::steps(path).unwrap_or_default())
}

fn text<'a>(response: &'a Response, at: &str) -> Result<&'a str, PaginateError> {
    let text = str::from_utf8(&response.body).map_err(|error| not_json(response, at, &error))?;
    // A mark that some servers put in front, and JSON does not know.
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

#[cold]
fn not_json(response: &Response, at: &str, error: &dyn fmt::Display) -> PaginateError {
    let content_type = response.headers.get("content-type").and_then(|value| value.to_str().ok());
    let body = response.text();
    let start: String = body.chars().take(SHOWN).map(|c| if c.is_control() { ' ' } else { c }).collect();
    PaginateError::NotJson {
        at: at.to_owned(),
        content_type: content_type.unwrap_or("without a content type").to_owned(),
        message: error.to_string(),
        start: start.trim().to_owned(),
    }
}

/// Why there is no list at a path.
#[cold]
fn no_list(json: &str, at: &str, records: &str, steps: &[Step<'_>]) -> PaginateError {
    let find = |length: usize| path::find(json, &steps[..length]).ok().flatten();
    if let Some(there) = find(steps.len()) {
        return PaginateError::NotAList { at: at.to_owned(), path: records.to_owned(), what: describe(there) };
    }
    let reached = (0..steps.len()).rev().find_map(|length| find(length).map(|there| (length, there)));
    let there = match reached {
        Some((0, there)) => format!("the body is {}", describe(there)),
        Some((length, there)) => format!("`{}` is {}", written(&steps[..length]), describe(there)),
        None => "the body is empty".to_owned(),
    };
    PaginateError::Missing { at: at.to_owned(), path: records.to_owned(), there }
}

fn written(steps: &[Step<'_>]) -> String {
    let mut text = String::new();
    for step in steps {
        match step {
            Step::Index(index) => text.extend(["[", &index.to_string(), "]"]),
            Step::Key(name) if text.is_empty() => text.push_str(name),
            Step::Key(name) => text.extend([".", name]),
        }
    }
    text
}

/// The kind of a value, with the keys of an object: never the value itself.
pub(super) fn describe(value: &RawValue) -> String {
    match value.get().as_bytes().first() {
        Some(b'{') => {
            let object: Map<String, Value> = serde_json::from_str(value.get()).unwrap_or_default();
            let keys: BTreeSet<&str> = object.keys().map(String::as_str).collect();
            let more = if keys.len() > LISTED { ", …" } else { "" };
            let names: Vec<&str> = keys.iter().copied().take(LISTED).collect();
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
