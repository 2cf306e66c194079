//! Settings of a walk, which are checked before the first request.

use std::{borrow::Cow, fmt};

use nango_grammar::{
    flag_names::{names_last_page_flag, names_more_flag},
    json_path,
};
use serde_json::Value;
use url::Url;

use super::{
    PaginateError,
    cursor::Cursor,
    delta::{Feed, Parameters},
    parameters,
    resume_point::ResumeTarget,
};
use crate::{
    declare::{DeltaPosition, ErrorAt, Paginate, PaginateKind, Pagination},
    http::{Method, RequestSpec},
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
    /// Incremental feed.
    pub(super) feed: Option<Feed>,
    /// Parameters of all requests that are not links.
    parameters: Parameters,
    /// Parameters of the first request.
    first_parameters: Parameters,
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
            feed: None,
            parameters: Vec::new(),
            first_parameters: Vec::new(),
            request,
            body: None,
        }
    }

    pub(super) fn new(request: RequestSpec, paginate: Paginate, feed: Option<Feed>) -> Result<Self, PaginateError> {
        let wrong = |text: &str| Err(PaginateError::Settings(text.to_owned()));
        let paginate = match &feed {
            Some(feed) => feed.paginate(paginate)?,
            None => paginate,
        };
        // A feed without pages is a single request.
        if paginate.kind.is_none() && feed.is_none() {
            return wrong(
                "no pagination is declared, and the provider has no preset: declare `Paginate::link(\"next\")`, \
                 `Paginate::link_in_body(path)`, `Paginate::cursor(name, path)` or `Paginate::offset(name)`, or in an \
                 attribute with `paginate(link(…))`, `paginate(cursor(…))` or `paginate(offset(…))`",
            );
        }
        let kind = paginate.kind;
        let declared_records = paginate.response_path.unwrap_or_default();
        json_path::check_records(&declared_records).map_err(PaginateError::Settings)?;
        let (records, is_object) = json_path::records(&declared_records);
        let records = records.to_owned();
        let owned = |path: Option<Cow<'static, str>>| path.map(Cow::into_owned);
        let (has_more, is_last) = (owned(paginate.has_more), owned(paginate.is_last));
        let (total, total_pages) = (owned(paginate.total), owned(paginate.total_pages));
        let next = match &kind {
            Some(PaginateKind::Link { rel: None, path: None }) => {
                return wrong(
                    "a link requires `rel`, its relation in the `Link` header, or `path`, its path in the body",
                );
            }
            Some(PaginateKind::Link { path, .. }) => path.as_deref(),
            Some(PaginateKind::Cursor { name, path }) if name.is_empty() || path.is_empty() => {
                return wrong(
                    "a cursor requires `name`, its parameter, and `path`, the path of the next cursor in the body",
                );
            }
            Some(PaginateKind::Cursor { path, .. }) => Some(&**path),
            Some(PaginateKind::LastItem { name, id }) if name.is_empty() || id.is_empty() => {
                return wrong(
                    "a last item requires `name`, the parameter of its id, and `id`, the path of the id in a record",
                );
            }
            Some(PaginateKind::LastItem { id, .. }) => Some(&**id),
            Some(PaginateKind::Offset { name, .. }) if name.is_empty() => {
                return wrong("an offset requires `name`, its parameter");
            }
            Some(PaginateKind::Offset { .. }) | None => None,
        };
        let position = feed.as_ref().map(|feed| feed.position.path());
        let declared = [has_more.as_deref(), is_last.as_deref(), total.as_deref(), total_pages.as_deref()];
        for path in [next, position].into_iter().chain(declared).flatten() {
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
        let body = if in_body { Some(parameters::fields(&request.body)?) } else { None };
        let (all, first_parameters) = feed.as_ref().map(Feed::parameters).unwrap_or_default();
        let mut spec = Self {
            kind,
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
            feed,
            parameters: all,
            first_parameters,
            request,
            body,
        };
        match (paginate.limit, paginate.limit_name) {
            (Some(limit), Some(name)) => {
                let value = Cursor::Json(limit.into());
                parameters::set(&mut spec.request, spec.body.as_ref(), [(&*name, &value)]);
                if let Some(fields) = &mut spec.body {
                    parameters::set_in_body(fields, &name, limit.into());
                }
            }
            (Some(limit), None) => {
                return wrong(&format!("`limit = {limit}` requires `limit_name`, its parameter"));
            }
            (None, _) => {}
        }
        Ok(spec)
    }

    /// Returns the first step of a walk: at the stored position of its feed, if that is the cursor or the link of a
    /// page, otherwise the first page.
    ///
    /// # Errors
    ///
    /// Fails if the stored position is of another kind than the declared one.
    pub(super) fn first_step(&self) -> Result<Step, PaginateError> {
        let first = match &self.kind {
            Some(PaginateKind::Offset { start, .. }) => Step::Offset(*start),
            _ => Step::First,
        };
        let Some((feed, from)) = self.feed.as_ref().and_then(|feed| Some((feed, feed.from.as_ref()?))) else {
            return Ok(first);
        };
        let step = match (&from.0, feed.position) {
            (ResumeTarget::Cursor(value), DeltaPosition::Param { .. }) => {
                Some(if feed.end.is_some() { Step::Cursor(value.clone()) } else { first })
            }
            (ResumeTarget::Link(url), DeltaPosition::Link { .. }) => url.parse().ok().map(Step::Link),
            _ => None,
        };
        step.ok_or_else(|| {
            let text = "the stored position is of another kind than the declared one: read the complete list";
            PaginateError::Settings(text.to_owned())
        })
    }

    /// Returns whether the next page is found by counting or by the last record, and not by a cursor or link of the
    /// API.
    pub(super) fn is_counted(&self) -> bool {
        matches!(self.kind, Some(PaginateKind::Offset { .. } | PaginateKind::LastItem { .. }))
    }

    /// Returns whether a status means that the position of the feed has expired. A status that is declared as the end
    /// of the list does not.
    pub(super) fn is_expired(&self, status: u16) -> bool {
        !self.end_status.contains(&status) && self.feed.as_ref().is_some_and(|feed| feed.is_expired(status))
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
        let page = match (step, &self.kind) {
            (Step::Cursor(value), Some(PaginateKind::Cursor { name, .. } | PaginateKind::LastItem { name, .. })) => {
                Some((&**name, Cow::Borrowed(value)))
            }
            (Step::Offset(offset), Some(PaginateKind::Offset { name, .. })) => {
                Some((&**name, Cow::Owned(Cursor::Json((*offset).into()))))
            }
            (Step::Link(url), _) => {
                // The link already contains the parameters.
                request.query.clear();
                url.as_str().clone_into(&mut request.endpoint);
                return request;
            }
            _ => None,
        };
        let first = if *step == Step::First { &*self.first_parameters } else { &[] };
        let declared = self.parameters.iter().chain(first).map(|(name, value)| (name.as_str(), value));
        let page = page.as_ref().map(|(name, value)| (*name, &**value));
        parameters::set(&mut request, self.body.as_ref(), declared.chain(page));
        request
    }
}
