//! How a walk ends: with the whole list, or with a reason why it may lack records.

use std::fmt;

use crate::declare::Pagination;

/// The end of a walk over a paginated list.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WalkEnd {
    /// Whether the walk saw the whole list, and why it ended.
    pub outcome: WalkOutcome,
    /// Number of pages that were requested.
    pub pages: u64,
    /// Whether records moved between pages while the list was walked: its total changed, or an id came again on a later
    /// page. Always `false` for token pagination and for walks of one request.
    pub shifted: bool,
    /// Whether records can move across the position of the reader.
    pub pagination: Pagination,
}

/// Whether a walk saw the whole list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WalkOutcome {
    /// The API gave the whole list.
    Complete(Completion),
    /// The walk ended, and nothing proves that the list was whole: it deletes nothing and does not move `since`.
    Incomplete(Gap),
}

/// The evidence that a list was whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Completion {
    /// The list has no pages.
    SingleRequest,
    /// The page has no cursor, link or `Link` relation to a next page.
    NoNextPage,
    /// `has_more` is false, or `is_last` is true.
    HasMoreFalse,
    /// The page is empty and leads nowhere.
    EmptyPage,
    /// The API answered 204.
    NoContent,
    /// The API answered the request behind the last page with a status that means the end.
    EndStatus,
    /// The declared `total` was reached.
    TotalReached,
    /// The declared number of pages was reached.
    TotalPagesReached,
}

/// The reason why a list may lack records.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Gap {
    /// The list is `null` on the first page.
    NullList,
    /// The body carries an error, and the list, its parent or the next page is missing.
    ErrorInBody,
    /// A page lies on another origin and was requested without credentials.
    OtherOrigin {
        /// The origin that gets the credentials.
        own: String,
        /// The origin of the page.
        other: String,
    },
    /// The last page was answered with 206 Partial Content.
    PartialContent,
    /// The API reports that there is more, and no way to it.
    Contradiction,
    /// An empty page leads to an earlier page of the walk.
    Circle,
    /// A short page has the same records as the page before.
    RepeatedPage,
    /// The API answered a request behind the first page with an error that may mean the end of the list.
    EndStatus(u16),
    /// Fewer records than the declared `total`, or the last answer has no total.
    Total,
    /// Empty pages with more to come, before any page showed how far the offset has to advance.
    PageSize,
    /// A record that does not fit was left out, and its id could not be read.
    RecordWithoutId,
    /// The function stopped reading before the list ended.
    Stopped,
    /// A hand-written scan read nothing.
    NoWalk,
    /// A hand-written scan resumed from a checkpoint without the scan that the interrupted run left open.
    WithoutScan,
}

impl WalkEnd {
    /// The end of a walk of `pages` pages.
    pub fn of(outcome: WalkOutcome, pages: u64, shifted: bool, pagination: Pagination) -> Self {
        Self { outcome, pages, shifted, pagination }
    }

    /// The end of a walk that is not read to its end.
    pub(crate) fn stopped() -> Self {
        let outcome = WalkOutcome::Incomplete(Gap::Stopped);
        Self { outcome, pages: 0, shifted: false, pagination: Pagination::Position }
    }

    /// Two walks as one: the weaker decides.
    pub(crate) fn and(self, other: Self) -> Self {
        let position = [&self, &other].iter().any(|end| end.pagination == Pagination::Position);
        Self {
            pages: self.pages + other.pages,
            shifted: self.shifted || other.shifted,
            pagination: if position { Pagination::Position } else { Pagination::Token },
            outcome: if self.outcome.is_complete() { other.outcome } else { self.outcome },
        }
    }
}

impl WalkOutcome {
    /// Whether the list was whole.
    pub const fn is_complete(&self) -> bool {
        matches!(self, Self::Complete(_))
    }

    /// The name of the reason in reports: `no_next_page`, `other_origin`.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Complete(completion) => completion.name(),
            Self::Incomplete(gap) => gap.name(),
        }
    }
}

impl Completion {
    /// Its name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SingleRequest => "single_request",
            Self::NoNextPage => "no_next_page",
            Self::HasMoreFalse => "has_more_false",
            Self::EmptyPage => "empty_page",
            Self::NoContent => "no_content",
            Self::EndStatus => "end_status",
            Self::TotalReached => "total_reached",
            Self::TotalPagesReached => "total_pages_reached",
        }
    }
}

impl Gap {
    /// Its name in reports.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::NullList => "null_list",
            Self::ErrorInBody => "error_in_body",
            Self::OtherOrigin { .. } => "other_origin",
            Self::PartialContent => "partial_content",
            Self::Contradiction => "contradiction",
            Self::Circle => "circle",
            Self::RepeatedPage => "repeated_page",
            Self::EndStatus(_) => "end_status",
            Self::Total => "total",
            Self::PageSize => "page_size",
            Self::RecordWithoutId => "record_without_id",
            Self::Stopped => "stopped",
            Self::NoWalk => "no_walk",
            Self::WithoutScan => "without_scan",
        }
    }
}

/// Names the evidence, for the log and the report.
impl fmt::Display for Completion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SingleRequest => "the list has one page",
            Self::NoNextPage => "the last page leads to no other",
            Self::HasMoreFalse => "the API reports no more pages",
            Self::EmptyPage => "the last page is empty",
            Self::NoContent => "the API answered 204 (no content)",
            Self::EndStatus => "the API answered behind the last page with a status that means the end",
            Self::TotalReached => "as many records were read as the API reports in all",
            Self::TotalPagesReached => "as many pages were read as the API reports in all",
        })
    }
}

/// States the problem and the setting that helps, for the log and the report.
impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherOrigin { own, other } => write!(
                f,
                "a page lies on {other} and was requested without credentials, which are for {own}; if both belong to \
                 this API, add `trusted_origins = [\"{other}\"]` to the integration in nango.toml"
            ),
            Self::EndStatus(status) => write!(
                f,
                "the API answered a request behind the first page with {status}; if that means the end of the list, \
                 declare `end_status({status})`"
            ),
            other => f.write_str(match other {
                Self::NullList => {
                    "the list is null on the first page; if that means an empty list, declare `null_is_empty = true`"
                }
                Self::ErrorInBody => "the answer carries an error and lacks the list or the next page",
                Self::PartialContent => "the API answered 206 (partial content)",
                Self::Contradiction => "the API reports more pages and gives no way to them",
                Self::Circle => "an empty page leads back to an earlier page",
                Self::RepeatedPage => "a short page has the same records as the page before",
                Self::Total => "the API reports another total than the number of records read, or none at the end",
                Self::PageSize => "the first pages are empty, and the length of a page is unknown",
                Self::RecordWithoutId => "a record that does not fit was left out, and its id could not be read",
                Self::Stopped => "the function stopped reading before the list ended",
                Self::NoWalk => "the scan read no list",
                Self::WithoutScan => {
                    "the walk resumed from a checkpoint, and the scan of the interrupted run is not open any more"
                }
                Self::OtherOrigin { .. } | Self::EndStatus(_) => "",
            }),
        }
    }
}

impl fmt::Display for WalkOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Complete(completion) => write!(f, "complete: {completion}"),
            Self::Incomplete(gap) => write!(f, "incomplete: {gap}"),
        }
    }
}
