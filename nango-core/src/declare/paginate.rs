//! How an API says where its next page is.
//!
//! One type for all three places that know it: the attribute of a mapper (a constant), a function's own
//! `nango.paginate(…)`, and the provider's entry in the catalogue. What one of them leaves open, the next one decides:
//! function or attribute over provider.

use std::borrow::Cow;

type Text = Cow<'static, str>;

/// A kind of pagination and its settings.
///
/// ```
/// use nango_core::prelude::Paginate;
///
/// let issues = Paginate::link("next").limit(100);
/// let contacts = Paginate::cursor("after", "paging.next.after").limit(50).response_path("results");
/// let projects = Paginate::offset("startAt").limit_name("maxResults").limit(50).response_path("values");
/// let as_the_provider_says = Paginate::provider();
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Paginate {
    /// How the next page is found; `None`: as the provider's entry says.
    pub kind: Option<PaginateKind>,
    /// How many records a page should have.
    pub limit: Option<u32>,
    /// The parameter that carries `limit`.
    pub limit_name: Option<Text>,
    /// Where the records lie in the response, such as `data.items`; `None`: the whole body is the list.
    pub response_path: Option<Text>,
    /// Path of a value that is true while another page follows, such as `has_more`. `false`, `null`, 0 and the empty text
    /// end the walk even if a cursor is there; an absent value decides nothing.
    pub has_more: Option<Text>,
    /// Path of a value that is true on the last page, such as `isLast` or `done`: the inverse of `has_more`. `null` and an
    /// absent value decide nothing. If both are declared and disagree, the one that ends the walk wins.
    pub is_last: Option<Text>,
    /// Path of the number of records of the whole list, such as `total`. It must be in the last answer.
    pub total: Option<Text>,
    /// Path of the number of pages of the whole list. It must be in the last answer.
    pub total_pages: Option<Text>,
    /// Whether `null` in place of the list, or a missing list whose parent is an object, is an empty list on the first
    /// page; `None`: it is not.
    pub null_is_empty: Option<bool>,
    /// Statuses with which the API answers a request for a page behind the last one, such as 400 (`WordPress`) or 404
    /// (Django REST framework).
    pub end_status: Option<Cow<'static, [u16]>>,
    /// Whether records can move across the position of the reader; `None`: the kind and the values that lead to the next
    /// page decide.
    pub pagination: Option<Pagination>,
    /// Whether parameters travel in the body; `None`: for POST, PUT and PATCH.
    pub in_body: Option<bool>,
}

/// Whether records can move across the position of the reader while a list is walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pagination {
    /// The API hands out an opaque position: inserts and deletes move no record across it.
    Token,
    /// Offsets, page numbers and their kin, and lists that are sorted by a field that changes: records shift.
    Position,
}

impl Pagination {
    /// Its name in attributes, provider files and reports: `token`, `position`.
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
    /// is looked at first.
    Link {
        /// The relation of the `Link` header, usually `next`.
        rel: Option<Text>,
        /// Where the body holds the URL.
        path: Option<Text>,
    },
    /// A token that the body holds.
    Cursor {
        /// The parameter that carries it.
        name: Text,
        /// Where the body holds the next one.
        path: Text,
    },
    /// The id of the page's last record. The walk ends at an empty page, or as `has_more` reports.
    LastItem {
        /// The parameter that carries it.
        name: Text,
        /// Where a record holds it, such as `id`.
        id: Text,
    },
    /// A number that we count.
    Offset {
        /// The parameter that carries it.
        name: Text,
        /// Its first value.
        start: u64,
        /// What it counts.
        by: OffsetBy,
    },
}

/// What an offset counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OffsetBy {
    /// Records: it grows by the length of each page.
    #[default]
    Records,
    /// Pages: it grows by one.
    Page,
}

impl PaginateKind {
    /// Its name in provider files: `link`, `cursor`, `offset`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Link { .. } => "link",
            Self::Cursor { .. } | Self::LastItem { .. } => "cursor",
            Self::Offset { .. } => "offset",
        }
    }
}

impl Paginate {
    /// As the provider's entry in the catalogue says.
    pub const fn provider() -> Self {
        Self {
            kind: None,
            limit: None,
            limit_name: None,
            response_path: None,
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

    /// Whether records can move across the position of the reader, as far as the settings show it, and why. `None`: the
    /// values decide that lead to the next page.
    pub fn declared_pagination(&self) -> (Option<Pagination>, &'static str) {
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

    /// By the `Link` header: `Paginate::link("next")`.
    pub fn link(rel: impl Into<Text>) -> Self {
        Self::of(PaginateKind::Link { rel: Some(rel.into()), path: None })
    }

    /// By a URL in the body: `Paginate::link_in_body("paging.next")`.
    pub fn link_in_body(path: impl Into<Text>) -> Self {
        Self::of(PaginateKind::Link { rel: None, path: Some(path.into()) })
    }

    /// By a token: the parameter's name, and where the body holds the next token.
    pub fn cursor(name: impl Into<Text>, path: impl Into<Text>) -> Self {
        Self::of(PaginateKind::Cursor { name: name.into(), path: path.into() })
    }

    /// By the id of the last record: `Paginate::last_item("starting_after", "id")`.
    pub fn last_item(name: impl Into<Text>, id: impl Into<Text>) -> Self {
        Self::of(PaginateKind::LastItem { name: name.into(), id: id.into() })
    }

    /// By a number in the parameter `name`: from 0, counting records.
    pub fn offset(name: impl Into<Text>) -> Self {
        Self::of(PaginateKind::Offset { name: name.into(), start: 0, by: OffsetBy::Records })
    }

    /// The first value of an offset. Without effect on the other kinds.
    #[must_use]
    pub fn start(mut self, first: u64) -> Self {
        if let Some(PaginateKind::Offset { start, .. }) = &mut self.kind {
            *start = first;
        }
        self
    }

    /// What an offset counts. Without effect on the other kinds.
    #[must_use]
    pub fn by(mut self, what: OffsetBy) -> Self {
        if let Some(PaginateKind::Offset { by, .. }) = &mut self.kind {
            *by = what;
        }
        self
    }

    /// How many records a page should have.
    #[must_use]
    pub fn limit(mut self, records: u32) -> Self {
        self.limit = Some(records);
        self
    }

    /// The parameter that carries the limit.
    #[must_use]
    pub fn limit_name(mut self, name: impl Into<Text>) -> Self {
        self.limit_name = Some(name.into());
        self
    }

    /// Where the records lie in the response, such as `data.items` or `results[0].rows`.
    #[must_use]
    pub fn response_path(mut self, path: impl Into<Text>) -> Self {
        self.response_path = Some(path.into());
        self
    }

    /// Path of a value that is true while another page follows, such as `has_more`.
    #[must_use]
    pub fn has_more(mut self, path: impl Into<Text>) -> Self {
        self.has_more = Some(path.into());
        self
    }

    /// Path of a value that is true on the last page, such as `isLast`.
    #[must_use]
    pub fn is_last(mut self, path: impl Into<Text>) -> Self {
        self.is_last = Some(path.into());
        self
    }

    /// Path of the number of records of the whole list, such as `total`.
    #[must_use]
    pub fn total(mut self, path: impl Into<Text>) -> Self {
        self.total = Some(path.into());
        self
    }

    /// Path of the number of pages of the whole list.
    #[must_use]
    pub fn total_pages(mut self, path: impl Into<Text>) -> Self {
        self.total_pages = Some(path.into());
        self
    }

    /// Whether `null` in place of the list is an empty list on the first page.
    #[must_use]
    pub fn null_is_empty(mut self, yes: bool) -> Self {
        self.null_is_empty = Some(yes);
        self
    }

    /// Statuses with which the API answers a request for a page behind the last one.
    #[must_use]
    pub fn end_status(mut self, statuses: impl Into<Vec<u16>>) -> Self {
        self.end_status = Some(Cow::Owned(statuses.into()));
        self
    }

    /// Declares token or position-based pagination where the values do not show it; use [`Pagination::Position`] where the
    /// list is sorted by a field that changes.
    #[must_use]
    pub fn pagination(mut self, kind: Pagination) -> Self {
        self.pagination = Some(kind);
        self
    }

    /// Whether parameters travel in the body.
    #[must_use]
    pub fn in_body(mut self, yes: bool) -> Self {
        self.in_body = Some(yes);
        self
    }

    /// These settings, and `below` where they leave something open.
    #[must_use]
    pub fn with_defaults(self, defaults: &Self) -> Self {
        Self {
            kind: self.kind.or_else(|| defaults.kind.clone()),
            limit: self.limit.or(defaults.limit),
            limit_name: self.limit_name.or_else(|| defaults.limit_name.clone()),
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
