//! Pagination settings of an API.
//!
//! One type serves all three sources of settings: the attribute of a mapper (a constant), a function's own
//! `nango.paginate(…)`, and the provider's entry in the catalogue. A setting that is absent in the attribute or the
//! function is taken from the provider's entry.

use std::borrow::Cow;

type Text = Cow<'static, str>;

/// Pagination kind with its settings.
///
/// ```
/// use nango_core::prelude::Paginate;
///
/// let issues = Paginate::link("next").limit(100);
/// let contacts = Paginate::cursor("after", "paging.next.after").limit(50).response_path("results");
/// let projects = Paginate::offset("startAt").limit_name("maxResults").limit(50).response_path("values");
/// let from_the_entry = Paginate::provider();
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Paginate {
    /// How the next page is found; `None` uses the provider's entry.
    pub kind: Option<PaginateKind>,
    /// Number of records per page to request.
    pub limit: Option<u32>,
    /// Name of the parameter for `limit`.
    pub limit_name: Option<Text>,
    /// Path of the records in the response, such as `data.items`; `None` if the whole body is the list. With `.*` at
    /// its end (`items.*`), the records are the values of an object, in the order of the response.
    pub response_path: Option<Text>,
    /// Field of a record that receives its key, if the records are the values of an object. A record that has this
    /// field keeps its own value.
    pub response_key: Option<Text>,
    /// Path of a value that is true while another page follows, such as `has_more`. `false`, `null`, 0 and the empty
    /// string end the walk even if there is a cursor; an absent value has no effect.
    pub has_more: Option<Text>,
    /// Path of a value that is true on the last page, such as `isLast` or `done`: the inverse of `has_more`. `null` and
    /// an absent value have no effect. If both are declared and disagree, the one that ends the walk wins.
    pub is_last: Option<Text>,
    /// Path of the number of records of the whole list, such as `total`. It must be present in the last response.
    pub total: Option<Text>,
    /// Path of the number of pages of the whole list. It must be present in the last response.
    pub total_pages: Option<Text>,
    /// Whether `null` instead of the list, or a missing list whose parent is an object, is an empty list on the first
    /// page; `None` means no.
    pub null_is_empty: Option<bool>,
    /// Statuses of the API's response to a request for a page after the last one, such as 400 (`WordPress`) or 404
    /// (Django REST framework).
    pub end_status: Option<Cow<'static, [u16]>>,
    /// Whether records can move across the position of the reader; `None` derives it from the kind and the values that
    /// lead to the next page.
    pub pagination: Option<Pagination>,
    /// Whether parameters are sent in the body; `None` means for POST, PUT and PATCH.
    pub in_body: Option<bool>,
}

/// Whether records can move across the position of the reader while a list is walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Pagination {
    /// The API returns an opaque position: inserts and deletes move no record across it.
    Token,
    /// Offsets, page numbers and similar positions, and lists that are sorted by a field that changes: records shift.
    Position,
}

impl Pagination {
    /// Returns the name in attributes, provider files and reports: `token`, `position`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Position => "position",
        }
    }
}

/// How the next page is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PaginateKind {
    /// A URL: in the `Link` header under `rel`, or in the body at `path`. At least one of the two is set; the header
    /// takes precedence.
    Link {
        /// Relation in the `Link` header, usually `next`.
        rel: Option<Text>,
        /// Path of the URL in the body.
        path: Option<Text>,
    },
    /// A token in the body.
    Cursor {
        /// Name of the parameter for the token.
        name: Text,
        /// Path of the next token in the body.
        path: Text,
    },
    /// The id of the last record of a page. The walk ends at an empty page, or when `has_more` is false.
    LastItem {
        /// Name of the parameter for the id.
        name: Text,
        /// Path of the id in a record, such as `id`.
        id: Text,
    },
    /// A number that the client increments.
    Offset {
        /// Name of the parameter for the number.
        name: Text,
        /// Value for the first page.
        start: u64,
        /// Unit of the number.
        by: OffsetBy,
    },
}

/// Unit of an offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OffsetBy {
    /// Records: the offset grows by the length of each page.
    #[default]
    Records,
    /// Pages: the offset grows by one.
    Page,
}

impl PaginateKind {
    /// Returns the name in provider files: `link`, `cursor`, `offset`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Link { .. } => "link",
            Self::Cursor { .. } | Self::LastItem { .. } => "cursor",
            Self::Offset { .. } => "offset",
        }
    }
}

impl Paginate {
    /// Uses the settings of the provider's entry in the catalogue.
    pub const fn provider() -> Self {
        Self {
            kind: None,
            limit: None,
            limit_name: None,
            response_path: None,
            response_key: None,
            has_more: None,
            is_last: None,
            total: None,
            total_pages: None,
            null_is_empty: None,
            end_status: None,
            pagination: None,
            in_body: None,
        }
    }

    /// Returns whether records can move across the position of the reader, as far as the settings determine it, and the
    /// reason. `None` if it depends on the values that lead to the next page.
    pub(crate) fn declared_pagination(&self) -> (Option<Pagination>, &'static str) {
        match (self.pagination, &self.kind) {
            (Some(declared), _) => (Some(declared), "declared"),
            (None, Some(PaginateKind::Offset { .. })) => (Some(Pagination::Position), "an offset counts"),
            (None, Some(PaginateKind::LastItem { .. })) => {
                (Some(Pagination::Token), "the id of the last record leads to the next page")
            }
            (None, Some(PaginateKind::Cursor { .. })) => (None, "token, unless a cursor is a number"),
            (None, Some(PaginateKind::Link { .. })) => {
                (None, "token, unless a link carries a number of a page or record")
            }
            (None, None) => (None, "the provider's entry decides"),
        }
    }

    fn of(kind: PaginateKind) -> Self {
        Self { kind: Some(kind), ..Self::provider() }
    }

    /// Follows the `Link` header: `Paginate::link("next")`.
    pub fn link(rel: impl Into<Text>) -> Self {
        Self::of(PaginateKind::Link { rel: Some(rel.into()), path: None })
    }

    /// Follows a URL in the body: `Paginate::link_in_body("paging.next")`.
    pub fn link_in_body(path: impl Into<Text>) -> Self {
        Self::of(PaginateKind::Link { rel: None, path: Some(path.into()) })
    }

    /// Sends a token: the name of the parameter, and the path of the next token in the body.
    pub fn cursor(name: impl Into<Text>, path: impl Into<Text>) -> Self {
        Self::of(PaginateKind::Cursor { name: name.into(), path: path.into() })
    }

    /// Sends the id of the last record: `Paginate::last_item("starting_after", "id")`.
    pub fn last_item(name: impl Into<Text>, id: impl Into<Text>) -> Self {
        Self::of(PaginateKind::LastItem { name: name.into(), id: id.into() })
    }

    /// Sends a number in the parameter `name`; it starts at 0 and counts records.
    pub fn offset(name: impl Into<Text>) -> Self {
        Self::of(PaginateKind::Offset { name: name.into(), start: 0, by: OffsetBy::Records })
    }

    /// Sets the first value of an offset. No effect on the other kinds.
    #[must_use]
    pub fn start(mut self, first: u64) -> Self {
        if let Some(PaginateKind::Offset { start, .. }) = &mut self.kind {
            *start = first;
        }
        self
    }

    /// Sets the unit of an offset. No effect on the other kinds.
    #[must_use]
    pub fn by(mut self, unit: OffsetBy) -> Self {
        if let Some(PaginateKind::Offset { by, .. }) = &mut self.kind {
            *by = unit;
        }
        self
    }

    /// Sets the number of records per page to request.
    #[must_use]
    pub fn limit(mut self, records: u32) -> Self {
        self.limit = Some(records);
        self
    }

    /// Sets the name of the parameter for the limit.
    #[must_use]
    pub fn limit_name(mut self, name: impl Into<Text>) -> Self {
        self.limit_name = Some(name.into());
        self
    }

    /// Sets the path of the records in the response, such as `data.items` or `results[0].rows`. If the records are the
    /// values of an object, the path ends with `.*`: `items.*`.
    #[must_use]
    pub fn response_path(mut self, path: impl Into<Text>) -> Self {
        self.response_path = Some(path.into());
        self
    }

    /// Sets the field of a record that receives its key, for records that are the values of an object:
    /// `Paginate::link("next").response_path("items.*").response_key("id")`.
    #[must_use]
    pub fn response_key(mut self, field: impl Into<Text>) -> Self {
        self.response_key = Some(field.into());
        self
    }

    /// Sets the path of a value that is true while another page follows, such as `has_more`.
    #[must_use]
    pub fn has_more(mut self, path: impl Into<Text>) -> Self {
        self.has_more = Some(path.into());
        self
    }

    /// Sets the path of a value that is true on the last page, such as `isLast`.
    #[must_use]
    pub fn is_last(mut self, path: impl Into<Text>) -> Self {
        self.is_last = Some(path.into());
        self
    }

    /// Sets the path of the number of records of the whole list, such as `total`.
    #[must_use]
    pub fn total(mut self, path: impl Into<Text>) -> Self {
        self.total = Some(path.into());
        self
    }

    /// Sets the path of the number of pages of the whole list.
    #[must_use]
    pub fn total_pages(mut self, path: impl Into<Text>) -> Self {
        self.total_pages = Some(path.into());
        self
    }

    /// Sets whether `null` instead of the list is an empty list on the first page.
    #[must_use]
    pub fn null_is_empty(mut self, yes: bool) -> Self {
        self.null_is_empty = Some(yes);
        self
    }

    /// Sets the statuses of the API's response to a request for a page after the last one.
    #[must_use]
    pub fn end_status(mut self, statuses: impl Into<Vec<u16>>) -> Self {
        self.end_status = Some(Cow::Owned(statuses.into()));
        self
    }

    /// Declares token or position-based pagination where the other settings do not determine it. Use
    /// [`Pagination::Position`] if the list is sorted by a field that changes.
    #[must_use]
    pub fn pagination(mut self, kind: Pagination) -> Self {
        self.pagination = Some(kind);
        self
    }

    /// Sets whether parameters are sent in the body.
    #[must_use]
    pub fn in_body(mut self, yes: bool) -> Self {
        self.in_body = Some(yes);
        self
    }

    /// Returns these settings, with `defaults` for those that are absent.
    #[must_use]
    pub(crate) fn with_defaults(self, defaults: &Self) -> Self {
        Self {
            kind: self.kind.or_else(|| defaults.kind.clone()),
            limit: self.limit.or(defaults.limit),
            limit_name: self.limit_name.or_else(|| defaults.limit_name.clone()),
            // A path of its own has no key, unless it is declared with it.
            response_key: self
                .response_key
                .or_else(|| defaults.response_key.clone().filter(|_| self.response_path.is_none())),
            response_path: self.response_path.or_else(|| defaults.response_path.clone()),
            has_more: self.has_more.or_else(|| defaults.has_more.clone()),
            is_last: self.is_last.or_else(|| defaults.is_last.clone()),
            total: self.total.or_else(|| defaults.total.clone()),
            total_pages: self.total_pages.or_else(|| defaults.total_pages.clone()),
            null_is_empty: self.null_is_empty.or(defaults.null_is_empty),
            end_status: self.end_status.or_else(|| defaults.end_status.clone()),
            pagination: self.pagination.or(defaults.pagination),
            in_body: self.in_body.or(defaults.in_body),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_a_function_override_those_of_the_provider() {
        let provider = Paginate::link("next").limit_name("per_page").limit(30);
        let merged = Paginate::provider().limit(3).with_defaults(&provider);
        assert_eq!(merged, Paginate::link("next").limit_name("per_page").limit(3));
        let merged = Paginate::offset("page").start(1).by(OffsetBy::Page).with_defaults(&provider);
        assert_eq!(merged.limit_name.as_deref(), Some("per_page"));
        assert!(matches!(merged.kind, Some(PaginateKind::Offset { start: 1, by: OffsetBy::Page, .. })));
    }
}
