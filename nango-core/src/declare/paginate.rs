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
    /// Where the response says whether another page follows: `false`, `null` or 0 there ends the walk whatever else leads
    /// on. `None`, or nothing there: what leads on decides.
    pub has_more: Option<Text>,
    /// Whether parameters travel in the body; `None`: for POST, PUT and PATCH.
    pub in_body: Option<bool>,
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
    /// The id of the page's last record. The walk ends at an empty page, or as `has_more` says.
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
        Self { kind: None, limit: None, limit_name: None, response_path: None, has_more: None, in_body: None }
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

    /// Where the response says whether another page follows, such as `has_more`.
    #[must_use]
    pub fn has_more(mut self, path: impl Into<Text>) -> Self {
        self.has_more = Some(path.into());
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
    pub fn over(self, below: &Self) -> Self {
        Self {
            kind: self.kind.or_else(|| below.kind.clone()),
            limit: self.limit.or(below.limit),
            limit_name: self.limit_name.or_else(|| below.limit_name.clone()),
            response_path: self.response_path.or_else(|| below.response_path.clone()),
            has_more: self.has_more.or_else(|| below.has_more.clone()),
            in_body: self.in_body.or(below.in_body),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_decides_over_the_provider() {
        let provider = Paginate::link("next").limit_name("per_page").limit(30);
        let merged = Paginate::provider().limit(3).over(&provider);
        assert_eq!(merged, Paginate::link("next").limit_name("per_page").limit(3));
        let merged = Paginate::offset("page").start(1).by(OffsetBy::Page).over(&provider);
        assert_eq!(merged.limit_name.as_deref(), Some("per_page"));
        assert!(matches!(merged.kind, Some(PaginateKind::Offset { start: 1, by: OffsetBy::Page, .. })));
    }
}
