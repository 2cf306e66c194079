//! Declared errors in responses with a success status.

use nango_grammar::json_path;
use serde_json::{Value, value::RawValue};

use super::{PaginateError, error_value::is_error, path};
use crate::{
    declare::{ErrorAt, ErrorValue},
    http::{HttpError, Response},
    json::{body_text, charset, strip_bom},
};

/// Declared error that a response has.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct DeclaredError {
    /// Path at which it was found.
    at: String,
    /// Text of the provider, as JSON or as the content of a string. Not redacted.
    message: String,
    /// Whether the data beside it is kept. A fatal error is not partial.
    pub(crate) is_partial: bool,
    /// Whether the declaration lists the text of the provider as fatal.
    is_fatal: bool,
}

impl DeclaredError {
    /// Returns the declared error of a response with a success status, if it has one. A body that is not JSON has none.
    pub(crate) fn of(errors: &[ErrorAt], response: &Response) -> Option<Self> {
        if errors.is_empty() || !(200..300).contains(&response.status) {
            return None;
        }
        let text = body_text(&response.body, charset(&response.headers)).ok()?;
        let json = strip_bom(&text);
        Self::find(errors, json, |i| path::lookup(json, &errors[i].path))
    }

    /// Returns the first error of a body; one that is not partial comes first. `value` returns the value at the path of
    /// a declaration.
    pub(super) fn find<'a>(
        errors: &[ErrorAt],
        json: &'a str,
        value: impl Fn(usize) -> Option<&'a RawValue>,
    ) -> Option<Self> {
        let mut found: Option<Self> = None;
        for (i, declared) in errors.iter().enumerate() {
            let is_first = found.as_ref().is_none_or(|before| before.is_partial && !declared.partial);
            let Some(value) = value(i).filter(|value| is_first && matches(declared, value)) else { continue };
            let message = match (&declared.message, &declared.is) {
                (Some(path), _) => path::lookup(json, path),
                (None, None) => Some(value),
                // A flag such as `ok: false` has no text of its own.
                (None, Some(_)) => None,
            };
            let text = message.map(text).filter(|text| !matches!(text.as_str(), "" | "null"));
            let is_fatal = text.as_ref().is_some_and(|text| declared.fatal.iter().any(|fatal| fatal == text));
            found = Some(Self {
                at: declared.path.clone().into_owned(),
                message: text.unwrap_or_else(|| text_of_flag(declared, value)),
                is_partial: declared.partial && !is_fatal,
                is_fatal,
            });
        }
        found
    }

    /// Returns the provider's text without secrets of the response's connection and request, bounded in length.
    pub(crate) fn shown(&self, response: &Response) -> String {
        response.shown_text(&self.message)
    }

    /// Converts to the error of the request.
    pub(crate) fn to_http(&self, response: &Response) -> HttpError {
        response.declared_error(&self.at, &self.message, self.is_fatal)
    }
}

/// Checks the paths of declarations.
///
/// # Errors
///
/// Fails with [`PaginateError::Settings`] if one is not a path.
pub(crate) fn check(errors: &[ErrorAt]) -> Result<(), PaginateError> {
    let mut paths = errors.iter().flat_map(ErrorAt::paths);
    paths.try_for_each(|path| json_path::check(path).map_err(PaginateError::Settings))
}

fn matches(declared: &ErrorAt, value: &RawValue) -> bool {
    let Some(expected) = &declared.is else { return is_error(value.get()) };
    match (expected, serde_json::from_str(value.get())) {
        (ErrorValue::Bool(expected), Ok(Value::Bool(value))) => *expected == value,
        (ErrorValue::Number(expected), Ok(Value::Number(value))) => value.as_i64() == Some(*expected),
        (ErrorValue::Text(expected), Ok(Value::String(value))) => *expected == value,
        _ => false,
    }
}

/// Returns the content of a string, or the JSON of another value.
fn text(value: &RawValue) -> String {
    serde_json::from_str(value.get()).unwrap_or_else(|_| value.get().to_owned())
}

/// Returns the text of an error without a message.
fn text_of_flag(declared: &ErrorAt, value: &RawValue) -> String {
    format!("`{}` is {}", declared.path, value.get())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_found(errors: &[ErrorAt], json: &str, expect: Option<(&str, bool)>) {
        let found = DeclaredError::find(errors, json, |i| path::lookup(json, &errors[i].path));
        let found = found.as_ref().map(|found| (found.message.as_str(), found.is_partial));
        assert_eq!(found, expect, "{json}");
    }

    #[test]
    fn flag_is_an_error_only_with_the_declared_value() {
        let slack = [ErrorAt::when("ok", false).message("error")];
        check_found(&slack, r#"{"ok":false,"error":"invalid_auth"}"#, Some(("invalid_auth", false)));
        check_found(&slack, r#"{"ok":false,"error":{"a":1}}"#, Some((r#"{"a":1}"#, false)));
        for without_text in [r#"{"ok":false}"#, r#"{"ok":false,"error":null}"#, r#"{"ok":false,"error":""}"#] {
            check_found(&slack, without_text, Some(("`ok` is false", false)));
        }
        for success in
            [r#"{"ok":true,"error":"old"}"#, "{}", r#"{"ok":null}"#, r#"{"ok":"false"}"#, r#"{"ok":0}"#, "[]", ""]
        {
            check_found(&slack, success, None);
        }
        check_found(&[ErrorAt::when("code", 7)], r#"{"code":7}"#, Some(("`code` is 7", false)));
        check_found(&[ErrorAt::when("code", 7)], r#"{"code":7.5}"#, None);
        check_found(&[ErrorAt::when("s", "bad")], r#"{"s":"bad"}"#, Some(("`s` is \"bad\"", false)));
        check_found(&[ErrorAt::when("s", "bad")], r#"{"s":"good"}"#, None);
    }

    #[test]
    fn path_is_an_error_if_it_has_a_value() {
        let graphql = [ErrorAt::path("errors[0].message").partial()];
        check_found(&graphql, r#"{"errors":[{"message":"no such team"}],"data":{}}"#, Some(("no such team", true)));
        for success in [r#"{"errors":[]}"#, r#"{"errors":null}"#, "{}", r#"{"errors":[{"message":""}]}"#] {
            check_found(&graphql, success, None);
        }
        let list = [ErrorAt::path("errors").message("errors[0].text")];
        check_found(&list, r#"{"errors":[{"text":"a"}]}"#, Some(("a", false)));
        check_found(&list, r#"{"errors":[]}"#, None);
    }

    #[test]
    fn error_is_fatal_only_if_the_declaration_lists_its_text() {
        let errors = [ErrorAt::when("ok", false).message("error").fatal(["invalid_auth"])];
        let fatal = |json: &str| DeclaredError::find(&errors, json, |_| path::lookup(json, "ok")).unwrap().is_fatal;
        assert!(fatal(r#"{"ok":false,"error":"invalid_auth"}"#));
        assert!(!fatal(r#"{"ok":false,"error":"not_in_channel"}"#) && !fatal(r#"{"ok":false}"#));
        let partial = [ErrorAt::path("error").partial().fatal(["expired"])];
        check_found(&partial, r#"{"error":"expired"}"#, Some(("expired", false)));
        check_found(&partial, r#"{"error":"slow"}"#, Some(("slow", true)));
    }

    #[test]
    fn error_without_data_comes_before_a_partial_one() {
        let both = [ErrorAt::path("warning").partial(), ErrorAt::path("fatal"), ErrorAt::path("other")];
        check_found(&both, r#"{"warning":"w","fatal":"f","other":"o"}"#, Some(("f", false)));
        check_found(&both, r#"{"warning":"w"}"#, Some(("w", true)));
    }
}
