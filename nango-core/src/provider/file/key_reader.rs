//! Reader of the keys of a map, with diagnostics.
//!
//! Keys that are read are recorded. The others are reported as warnings, and the entry stays usable. A value of the
//! wrong type is an error with the path of the key.

use std::cell::RefCell;

use reqwest::header::HeaderName;
use serde_json::{Map, Value};

use crate::{
    declare::suggest,
    provider::{Param, Template},
};

/// Problems and warnings of reading an entry.
#[derive(Debug, Default)]
pub(super) struct Diagnostics {
    problems: RefCell<Vec<String>>,
    warnings: RefCell<Vec<String>>,
}

impl Diagnostics {
    /// Returns the value, or records the error as a problem and returns `None`: the part with the error is omitted.
    pub(super) fn ok_or_record<T>(&self, read: Result<T, String>) -> Option<T> {
        read.map_err(|problem| self.problems.borrow_mut().push(problem)).ok()
    }

    /// Records a warning about the entry.
    pub(super) fn warn(&self, text: String) {
        self.warnings.borrow_mut().push(text);
    }

    /// Returns problems and warnings.
    pub(super) fn into_parts(self) -> (Vec<String>, Vec<String>) {
        (self.problems.into_inner(), self.warnings.into_inner())
    }
}

/// A map whose keys are read one by one.
pub(super) struct KeyReader<'a> {
    path: String,
    map: &'a Map<String, Value>,
    consumed: RefCell<Vec<&'static str>>,
    diagnostics: &'a Diagnostics,
}

impl<'a> KeyReader<'a> {
    pub(super) fn new(path: &str, map: &'a Map<String, Value>, diagnostics: &'a Diagnostics) -> Self {
        Self { path: path.to_owned(), map, consumed: RefCell::default(), diagnostics }
    }

    pub(super) fn diagnostics(&self) -> &'a Diagnostics {
        self.diagnostics
    }

    /// Returns the path of a key, for messages.
    pub(super) fn path(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn type_error(&self, key: &str, expected: &str, actual: &Value) -> String {
        let found = match actual {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "a text",
            Value::Array(_) => "a list",
            Value::Object(_) => "a map",
        };
        format!("`{}` must be {expected}, found {found}", self.path(key))
    }

    /// Returns a value, or `None` if it is missing or null.
    pub(super) fn get(&self, key: &'static str) -> Option<&'a Value> {
        self.consumed.borrow_mut().push(key);
        self.map.get(key).filter(|value| !value.is_null())
    }

    /// Marks keys as read, so that they cause no warning.
    pub(super) fn ignore(&self, keys: &[&'static str]) {
        self.consumed.borrow_mut().extend(keys);
    }

    /// Returns a text. A number or boolean is converted to the text as written.
    pub(super) fn string(&self, key: &'static str) -> Result<Option<String>, String> {
        self.get(key).map(|value| scalar_text(value).ok_or_else(|| self.type_error(key, "a text", value))).transpose()
    }

    /// Returns a boolean; false if it is missing.
    pub(super) fn flag(&self, key: &'static str) -> Result<bool, String> {
        match self.get(key) {
            None => Ok(false),
            Some(Value::Bool(on)) => Ok(*on),
            Some(Value::String(text)) if text == "true" => Ok(true),
            Some(Value::String(text)) if text == "false" => Ok(false),
            Some(other) => Err(self.type_error(key, "true or false", other)),
        }
    }

    /// Returns a whole number, which may be written as a text.
    pub(super) fn number(&self, key: &'static str) -> Result<Option<u64>, String> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let number = value.as_u64().or_else(|| value.as_str()?.trim().parse().ok());
        number.map(Some).ok_or_else(|| self.type_error(key, "a whole number", value))
    }

    /// Returns a list of texts. A single text is accepted as a list of one.
    pub(super) fn strings(&self, key: &'static str) -> Result<Vec<String>, String> {
        match self.get(key) {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) => items
                .iter()
                .map(|item| scalar_text(item).ok_or_else(|| self.type_error(key, "a list of texts", item)))
                .collect(),
            Some(value) => {
                scalar_text(value).map(|text| vec![text]).ok_or_else(|| self.type_error(key, "a list of texts", value))
            }
        }
    }

    /// Returns the choice with the name in the value.
    pub(super) fn one_of<T: Copy>(&self, key: &'static str, choices: &[(&str, T)]) -> Result<Option<T>, String> {
        let Some(text) = self.string(key)? else { return Ok(None) };
        let found = choices.iter().find(|(name, _)| *name == text).map(|(_, choice)| *choice);
        let available = || suggest::list(choices.iter().map(|(name, _)| *name));
        found
            .map(Some)
            .ok_or_else(|| format!("unknown value `{text}` of `{}`; available: {}", self.path(key), available()))
    }

    /// Returns a reader of a nested map.
    pub(super) fn map(&self, key: &'static str) -> Result<Option<Self>, String> {
        self.get(key).map(|value| self.child(key, value)).transpose()
    }

    /// Returns a reader of a value, which must be a map.
    pub(super) fn child(&self, key: &str, value: &'a Value) -> Result<Self, String> {
        let map = value.as_object().ok_or_else(|| self.type_error(key, "a map of keys", value))?;
        Ok(Self::new(&self.path(key), map, self.diagnostics))
    }

    /// Returns the names and values of a map, in their order.
    pub(super) fn pairs(&self, key: &'static str) -> Result<Vec<(&'a str, &'a Value)>, String> {
        match self.get(key) {
            None => Ok(Vec::new()),
            Some(Value::Object(map)) => Ok(map.iter().map(|(name, value)| (name.as_str(), value)).collect()),
            Some(value) => Err(self.type_error(key, "a map", value)),
        }
    }

    /// Returns a parsed template.
    pub(super) fn template(&self, key: &'static str) -> Result<Option<Template>, String> {
        self.string(key)?.map(|text| self.parse_template(key, &text)).transpose()
    }

    pub(super) fn parse_template(&self, key: &str, text: &str) -> Result<Template, String> {
        text.parse().map_err(|error| format!("`{}`: {error}", self.path(key)))
    }

    /// Returns a template, which is required.
    pub(super) fn required_template(&self, key: &'static str) -> Result<Template, String> {
        self.template(key)?.ok_or_else(|| format!("`{}` is missing", self.path(key)))
    }

    /// Returns a map of templates.
    pub(super) fn templates(&self, key: &'static str) -> Result<Vec<(String, Template)>, String> {
        self.pairs(key)?
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| {
                let path = format!("{key}.{name}");
                let text = scalar_text(value).ok_or_else(|| self.type_error(&path, "a text", value))?;
                Ok((name.to_owned(), self.parse_template(&path, &text)?))
            })
            .collect()
    }

    /// Returns a map of header names and templates.
    pub(super) fn headers(&self, key: &'static str) -> Result<Vec<(HeaderName, Template)>, String> {
        let header = |(name, value): (String, Template)| Ok((self.parse_header_name(key, &name)?, value));
        self.templates(key)?.into_iter().map(header).collect()
    }

    pub(super) fn parse_header_name(&self, key: &str, name: &str) -> Result<HeaderName, String> {
        name.trim().parse().map_err(|_| format!("`{}`: `{name}` is not a header name", self.path(key)))
    }

    /// Returns the fields of a request.
    pub(super) fn fields(&self, key: &'static str) -> Result<Vec<(String, Param)>, String> {
        self.pairs(key)?
            .into_iter()
            .map(|(name, value)| {
                let field = Param::from_json(value).map_err(|error| format!("`{}.{name}`: {error}", self.path(key)))?;
                Ok((name.to_owned(), field))
            })
            .collect()
    }

    /// Reports keys that were not read as warnings.
    pub(super) fn warn_about_unread(self) {
        let consumed = self.consumed.into_inner();
        for name in self.map.keys().filter(|name| !consumed.contains(&name.as_str())) {
            let near = suggest::nearest(name, consumed.iter().copied());
            let hint = suggest::hint(near);
            let path = if self.path.is_empty() { name.clone() } else { format!("{}.{name}", self.path) };
            self.diagnostics.warn(format!("unknown key `{path}` is ignored{hint}"));
        }
    }
}

/// Converts a scalar to a text; `None` for null, lists and maps.
pub(super) fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn scalars_are_converted_leniently() {
        let map =
            json!({ "t": 1.5, "s": "true", "n": " 7 ", "l": "one", "x": null, "o": { "deep": [] }, "hedaers": 1 });
        let diagnostics = Diagnostics::default();
        let keys = KeyReader::new("", map.as_object().unwrap(), &diagnostics);
        assert_eq!(keys.string("t"), Ok(Some("1.5".into())));
        assert_eq!((keys.flag("s"), keys.flag("absent")), (Ok(true), Ok(false)));
        assert_eq!(keys.number("n"), Ok(Some(7)));
        assert_eq!(keys.strings("l"), Ok(vec!["one".into()]));
        assert_eq!(keys.string("x"), Ok(None));
        let below = keys.map("o").unwrap().unwrap();
        assert_eq!(below.string("deep"), Err("`o.deep` must be a text, found a list".into()));
        assert_eq!(keys.number("o"), Err("`o` must be a whole number, found a map".into()));
        assert_eq!(
            keys.one_of("l", &[("two", 2), ("three", 3)]),
            Err("unknown value `one` of `l`; available: `two` and `three`".into())
        );
        keys.ignore(&["headers"]);
        below.warn_about_unread();
        keys.warn_about_unread();
        let expect = ["unknown key `hedaers` is ignored; did you mean `headers`?"];
        assert_eq!(diagnostics.into_parts(), (vec![], expect.map(str::to_owned).to_vec()));
    }
}
