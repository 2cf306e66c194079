//! Settings of a walk, which are checked before the first request.

use std::{borrow::Cow, fmt};

use nango_grammar::{
    flag_names::{names_last_page_flag, names_more_flag},
    json_path,
};
use serde_json::{Map, Value};
use url::Url;

use super::{PaginateError, cursor::Cursor};
use crate::{
    declare::{ErrorAt, Paginate, PaginateKind, Pagination},
    http::{Body, Method, RequestSpec},
};

/// Statuses that may mean that the requested page is after the last page.
pub(super) const END_STATUSES: [u16; 3] = [404, 410, 416];
/// Statuses that may mean the same if a short page is the only reason for the request.
pub(super) const AFTER_SHORT: [u16; 2] = [400, 422];

/// Position of the next page. A cursor or a link may contain a secret, so `Debug` does not show them.
#[derive(Clone, PartialEq)]
pub(super) enum Step {
    /// First page of a cursor or link walk, or the only page.
    First,
    Cursor(Cursor),
    Link(Url),
    Offset(u64),
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::First => f.write_str("First"),
            Self::Cursor(_) => f.write_str("Cursor(***)"),
            Self::Link(_) => f.write_str("Link(***)"),
            Self::Offset(offset) => write!(f, "Offset({offset})"),
        }
    }
}

/// Checked settings of a walk.
pub(super) struct WalkSpec {
    /// Pagination method; `None` for a single request.
    pub(super) kind: Option<PaginateKind>,
    /// Path of the list of records, or of the object whose values are the records; empty for the whole body.
    pub(super) records: String,
    /// Whether the records are the values of an object.
    pub(super) is_object: bool,
    /// Field of a record that receives its key in the object.
    pub(super) key_field: Option<String>,
    /// Path of a value that is true while another page follows.
    pub(super) has_more: Option<String>,
    /// Path of a value that is true on the last page.
    pub(super) is_last: Option<String>,
    /// Path of the number of records of the whole list.
    pub(super) total: Option<String>,
    /// Path of the number of pages of the whole list.
    pub(super) total_pages: Option<String>,
    /// Whether `null` instead of the list is an empty list.
    pub(super) null_is_empty: bool,
    /// Statuses that mean that a page is after the last page.
    pub(super) end_status: Vec<u16>,
    /// Declared token or position-based pagination.
    pub(super) pagination: Option<Pagination>,
    pub(super) limit: Option<u32>,
    /// Declared errors in successful responses.
    pub(super) errors: Vec<ErrorAt>,
    /// Request with the limit of a page.
    request: RequestSpec,
    /// Fields of the body, if parameters are sent in the body.
    body: Option<Value>,
}

impl WalkSpec {
    pub(super) fn single(request: RequestSpec) -> Self {
        Self {
            errors: request.error_at.clone(),
            kind: None,
            records: String::new(),
            is_object: false,
            key_field: None,
            has_more: None,
            is_last: None,
            total: None,
            total_pages: None,
            null_is_empty: false,
            end_status: Vec::new(),
            pagination: None,
            limit: None,
            request,
            body: None,
        }
    }

    pub(super) fn new(request: RequestSpec, paginate: Paginate) -> Result<Self, PaginateError> {
        let wrong = |text: &str| Err(PaginateError::Settings(text.to_owned()));
        let Some(kind) = paginate.kind else {
            return wrong(
                "no pagination is declared, and the provider has no preset: declare `Paginate::link(\"next\")`, \
                 `Paginate::link_in_body(path)`, `Paginate::cursor(name, path)` or `Paginate::offset(name)`, or in an \
                 attribute with `paginate(link(…))`, `paginate(cursor(…))` or `paginate(offset(…))`",
            );
        };
        let declared_records = paginate.response_path.unwrap_or_default();
        json_path::check_records(&declared_records).map_err(PaginateError::Settings)?;
        let (records, is_object) = json_path::records(&declared_records);
        let records = records.to_owned();
        let owned = |path: Option<Cow<'static, str>>| path.map(Cow::into_owned);
        let (has_more, is_last) = (owned(paginate.has_more), owned(paginate.is_last));
        let (total, total_pages) = (owned(paginate.total), owned(paginate.total_pages));
        let next = match &kind {
            PaginateKind::Link { rel: None, path: None } => {
                return wrong(
                    "a link requires `rel`, its relation in the `Link` header, or `path`, its path in the body",
                );
            }
            PaginateKind::Link { path, .. } => path.as_deref(),
            PaginateKind::Cursor { name, path } if name.is_empty() || path.is_empty() => {
                return wrong(
                    "a cursor requires `name`, its parameter, and `path`, the path of the next cursor in the body",
                );
            }
            PaginateKind::Cursor { path, .. } => Some(&**path),
            PaginateKind::LastItem { name, id } if name.is_empty() || id.is_empty() => {
                return wrong(
                    "a last item requires `name`, the parameter of its id, and `id`, the path of the id in a record",
                );
            }
            PaginateKind::LastItem { id, .. } => Some(&**id),
            PaginateKind::Offset { name, .. } if name.is_empty() => {
                return wrong("an offset requires `name`, its parameter");
            }
            PaginateKind::Offset { .. } => None,
        };
        let declared = [has_more.as_deref(), is_last.as_deref(), total.as_deref(), total_pages.as_deref()];
        for path in std::iter::once(next).chain(declared).flatten() {
            json_path::check(path).map_err(PaginateError::Settings)?;
        }
        let key_field = owned(paginate.response_key);
        if let Some(field) = &key_field {
            json_path::check_field(field).map_err(PaginateError::Settings)?;
            if !is_object {
                return wrong("`response_key` requires a `response_path` that ends with `.*`, such as `items.*`");
            }
        }
        if let Some(path) = has_more.as_deref().filter(|path| names_last_page_flag(path)) {
            return wrong(&format!(
                "`has_more` is true while another page follows, and `{path}` is its inverse: write `is_last` for it"
            ));
        }
        if let Some(path) = is_last.as_deref().filter(|path| names_more_flag(path)) {
            return wrong(&format!(
                "`is_last` is true on the last page, and `{path}` is its inverse: write `has_more` for it"
            ));
        }
        let in_body = paginate.in_body.unwrap_or(matches!(request.method, Method::POST | Method::PUT | Method::PATCH));
        let body = if in_body { Some(fields(&request.body)?) } else { None };
        let mut spec = Self {
            kind: Some(kind),
            records,
            is_object,
            key_field,
            has_more,
            is_last,
            total,
            total_pages,
            null_is_empty: paginate.null_is_empty.unwrap_or(false),
            end_status: paginate.end_status.map(Cow::into_owned).unwrap_or_default(),
            pagination: paginate.pagination,
            limit: paginate.limit,
            errors: request.error_at.clone(),
            request,
            body,
        };
        match (paginate.limit, paginate.limit_name) {
            (Some(limit), Some(name)) => {
                let mut request = spec.request.clone();
                spec.set_parameter(&mut request, &name, &Cursor::Json(limit.into()));
                if let Some(fields) = &mut spec.body {
                    set_in_body(fields, &name, limit.into());
                }
                spec.request = request;
            }
            (Some(limit), None) => {
                return wrong(&format!("`limit = {limit}` requires `limit_name`, its parameter"));
            }
            (None, _) => {}
        }
        Ok(spec)
    }

    /// Returns the first step of a walk.
    pub(super) fn first_step(&self) -> Step {
        match &self.kind {
            Some(PaginateKind::Offset { start, .. }) => Step::Offset(*start),
            _ => Step::First,
        }
    }

    /// Returns whether the next page is found by counting or by the last record, and not by a cursor or link of the
    /// API.
    pub(super) fn is_counted(&self) -> bool {
        matches!(self.kind, Some(PaginateKind::Offset { .. } | PaginateKind::LastItem { .. }))
    }

    /// Returns the parameter of the next page, for messages.
    pub(super) fn parameter(&self) -> String {
        match &self.kind {
            Some(
                PaginateKind::Cursor { name, .. }
                | PaginateKind::LastItem { name, .. }
                | PaginateKind::Offset { name, .. },
            ) => format!("`{name}`"),
            Some(PaginateKind::Link { .. }) | None => "the link".to_owned(),
        }
    }

    /// Returns the request of a step after the first page. It accepts statuses that may mean the end of the list.
    pub(super) fn request_after_first(&self, step: &Step) -> RequestSpec {
        let mut request = self.request(step);
        if self.is_counted() {
            request.accept.extend(END_STATUSES.into_iter().chain(AFTER_SHORT).chain(self.end_status.iter().copied()));
        }
        request
    }

    /// Returns the request of a step.
    pub(super) fn request(&self, step: &Step) -> RequestSpec {
        let mut request = self.request.clone();
        match (step, &self.kind) {
            (Step::Cursor(value), Some(PaginateKind::Cursor { name, .. } | PaginateKind::LastItem { name, .. })) => {
                self.set_parameter(&mut request, name, value);
            }
            (Step::Offset(offset), Some(PaginateKind::Offset { name, .. })) => {
                self.set_parameter(&mut request, name, &Cursor::Json((*offset).into()));
            }
            (Step::Link(url), _) => {
                // The link already contains the parameters.
                request.query.clear();
                url.as_str().clone_into(&mut request.endpoint);
            }
            _ => {}
        }
        request
    }

    fn set_parameter(&self, request: &mut RequestSpec, name: &str, value: &Cursor) {
        let Some(fields) = &self.body else {
            request.query.retain(|(existing, _)| existing != name);
            request.query.push((name.to_owned(), value.text()));
            return;
        };
        if let Body::Form(form) = &mut request.body {
            form.retain(|(existing, _)| existing != name);
            form.push((name.to_owned(), value.text()));
            return;
        }
        request.body = Body::Json(body_with(fields.clone(), name, value).into());
    }
}

/// Sets a field of a body, which is empty, a JSON object or a form. A dotted name is a path through objects.
///
/// # Errors
///
/// Fails if the body is of another kind.
pub(crate) fn set_body_field(body: &mut Body, name: &str, value: Value) -> Result<(), PaginateError> {
    let mut fields = fields(body)?;
    if let Body::Form(form) = body {
        form.retain(|(existing, _)| existing != name);
        form.push((name.to_owned(), Cursor::Json(value).text()));
        return Ok(());
    }
    set_in_body(&mut fields, name, value);
    *body = Body::Json(fields.to_string().into());
    Ok(())
}

/// Returns the fields of a body to which parameters are added.
fn fields(body: &Body) -> Result<Value, PaginateError> {
    let fields = match body {
        Body::Empty | Body::Form(_) => Some(Value::Object(Map::new())),
        Body::Json(json) => serde_json::from_slice(json).ok().filter(Value::is_object),
        Body::Raw { .. } | Body::Multipart(_) | Body::Stream(_) => None,
    };
    fields.ok_or_else(|| {
        PaginateError::Settings(
            "the parameters of the pages are sent in the body, which is neither a JSON object nor a form: use one of \
             them, or set `in_body(false)` to send the parameters in the query"
                .to_owned(),
        )
    })
}

/// Adds a field to a JSON body.
fn body_with(mut fields: Value, name: &str, value: &Cursor) -> String {
    let number = match value {
        Cursor::Json(value) => {
            set_in_body(&mut fields, name, value.clone());
            return fields.to_string();
        }
        Cursor::Number { number } => number,
    };
    // `Value` cannot represent this number exactly: a placeholder that does not occur in the body is inserted and then
    // replaced by the number.
    let mut placeholder = "exact number".to_owned();
    let text = fields.to_string();
    while text.contains(&placeholder) {
        placeholder.push('.');
    }
    set_in_body(&mut fields, name, placeholder.clone().into());
    fields.to_string().replacen(&format!("\"{placeholder}\""), number, 1)
}

/// Sets a field. A dotted name is a path through objects; at each level, an existing key that equals the rest of the
/// name takes precedence.
fn set_in_body(fields: &mut Value, name: &str, value: Value) {
    let (mut here, mut rest) = (fields, name);
    loop {
        if !here.is_object() {
            *here = Value::Object(Map::new());
        }
        let Some((step, remaining)) = rest.split_once('.').filter(|_| here.get(rest).is_none()) else {
            here[rest] = value;
            return;
        };
        (here, rest) = (&mut here[step], remaining);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn number_is_written_into_a_body_without_rounding() {
        let number = Cursor::Number { number: "12345678901234567890123.50".to_owned() };
        let fields = json!({ "a": "exact number", "b": 1 });
        assert_eq!(
            body_with(fields, "page.cursor", &number),
            r#"{"a":"exact number","b":1,"page":{"cursor":12345678901234567890123.50}}"#
        );
    }

    #[test]
    fn name_with_dots_is_a_path_unless_the_key_exists() {
        let cases = [
            (json!({}), "a", json!({ "a": 1 })),
            (json!({}), "a.b", json!({ "a": { "b": 1 } })),
            (json!({ "a": { "c": 2 } }), "a.b", json!({ "a": { "b": 1, "c": 2 } })),
            (json!({ "a.b": 0 }), "a.b", json!({ "a.b": 1 })),
            (json!({ "x": { "a.b": 0 } }), "x.a.b", json!({ "x": { "a.b": 1 } })),
            (json!({ "a": 5 }), "a.b", json!({ "a": { "b": 1 } })),
        ];
        for (mut fields, name, expected) in cases {
            set_in_body(&mut fields, name, 1.into());
            assert_eq!(fields, expected, "{name}");
        }
    }
}
