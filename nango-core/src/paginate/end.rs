//! End of a walk: complete with its evidence, or incomplete with its reason.

use std::fmt;

use crate::declare::Pagination;

/// End of a walk over a paginated list.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WalkEnd {
    /// Whether the walk read the complete list, and why it ended.
    pub outcome: WalkOutcome,
    /// Number of requested pages.
    pub pages: u64,
    /// Whether records moved between pages during the walk: the total changed, or an id was repeated on a later page.
    /// Always `false` for token pagination and for walks of one request.
    pub shifted: bool,
    /// Whether records can move across the position of the reader.
    pub pagination: Pagination,
}

/// Whether a walk read the complete list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WalkOutcome {
    /// The walk read the complete list.
    Complete(Completion),
    /// The walk ended without evidence that the list was complete. It deletes nothing and does not advance `since`.
    Incomplete(Gap),
}

/// Evidence that a list was complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Completion {
    /// The list has no pages.
    SingleRequest,
    /// The page has no cursor, link or `Link` relation to a next page.
    NoNextPage,
    /// `has_more` is false, or `is_last` is true.
    HasMoreFalse,
    /// The page is empty and has no next page.
    EmptyPage,
    /// The API responded with 204.
    NoContent,
    /// The API responded to the request after the last page with a status that means the end.
    EndStatus,
    /// The declared `total` was reached.
    TotalReached,
    /// The declared number of pages was reached.
    TotalPagesReached,
}

/// Reason why records may be missing from a walk.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Gap {
    /// The list is `null` on the first page.
    NullList,
    /// The body contains an error, and the list, its parent or the next page is missing. Contains the text of the
    /// provider; `None` if the walk was interrupted by an earlier version.
    ErrorInBody(Option<String>),
    /// The body contains a declared error beside its data. Contains the text of the provider.
    DeclaredError(String),
    /// A page is on another origin and was requested without credentials.
    OtherOrigin {
        /// Origin that receives the credentials.
        own: String,
        /// Origin of the page.
        other: String,
    },
    /// The last page has status 206 Partial Content.
    PartialContent,
    /// The API reports more pages, but no cursor or link to them.
    Contradiction,
    /// An empty page leads to an earlier page of the walk.
    Circle,
    /// A short page has the same records as the previous page.
    RepeatedPage,
    /// The API responded to a request after the first page with an error that may mean the end of the list.
    EndStatus(u16),
    /// The walk read fewer records than the declared `total`, or the last response has no total.
    Total,
    /// The first pages are empty, so that the increment of the offset is unknown.
    PageSize,
    /// A record that does not fit the type was skipped, and its id could not be read.
    RecordWithoutId,
    /// The function stopped reading before the list ended.
    Stopped,
    /// A hand-written scan read nothing.
    NoWalk,
    /// A hand-written scan resumed from a checkpoint, but the interrupted run left no open scan.
    WithoutScan,
}

impl WalkEnd {
    /// Creates the end of a walk of `pages` pages.
    pub fn of(outcome: WalkOutcome, pages: u64, shifted: bool, pagination: Pagination) -> Self {
        Self { outcome, pages, shifted, pagination }
    }

    /// Returns the end of a walk that was not read to its end.
    pub(crate) fn stopped() -> Self {
        let outcome = WalkOutcome::Incomplete(Gap::Stopped);
        Self { outcome, pages: 0, shifted: false, pagination: Pagination::Position }
    }

    /// Combines two walks. The outcome of the first incomplete walk is kept.
    pub(crate) fn and(self, other: Self) -> Self {
        let position = [&self, &other].iter().any(|end| end.pagination == Pagination::Position);
        Self {
            pages: self.pages + other.pages,
            shifted: self.shifted || other.shifted,
            pagination: if position { Pagination::Position } else { Pagination::Token },
            outcome: if self.outcome.is_complete() { other.outcome } else { self.outcome },
        }
    }

    /// Combines the walks over the lists of two parents, independent of which of them ended first. An incomplete
    /// outcome is kept; of two incomplete or two complete ones, the one whose name is first in the alphabet.
    pub(crate) fn and_of_parent(self, other: Self) -> Self {
        let key = |outcome: &WalkOutcome| (outcome.is_complete(), outcome.reason());
        let order = key(&self.outcome).cmp(&key(&other.outcome));
        let is_first = order.then_with(|| self.outcome.to_string().cmp(&other.outcome.to_string())).is_le();
        let outcome = if is_first { self.outcome.clone() } else { other.outcome.clone() };
        Self { outcome, ..self.and(other) }
    }
}

impl WalkOutcome {
    /// Returns whether the walk read the complete list.
    pub const fn is_complete(&self) -> bool {
        matches!(self, Self::Complete(_))
    }

    /// Returns the name of the reason in reports, such as `no_next_page` or `other_origin`.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Complete(completion) => completion.name(),
            Self::Incomplete(gap) => gap.name(),
        }
    }
}

impl Completion {
    /// Returns the name in reports.
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
    /// Returns the name in reports.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::NullList => "null_list",
            Self::ErrorInBody(_) => "error_in_body",
            Self::DeclaredError(_) => "declared_error",
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

/// Describes the evidence, for the log and the report.
impl fmt::Display for Completion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SingleRequest => "the list has one page",
            Self::NoNextPage => "the last page has no next page",
            Self::HasMoreFalse => "the API reports no more pages",
            Self::EmptyPage => "the last page is empty",
            Self::NoContent => "the API responded with 204 (no content)",
            Self::EndStatus => "the API responded after the last page with a status that means the end",
            Self::TotalReached => "the number of records read equals the reported total",
            Self::TotalPagesReached => "the number of pages read equals the reported total",
        })
    }
}

/// Describes the problem and the setting that fixes it, for the log and the report.
impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherOrigin { own, other } => write!(
                f,
                "a page is on {other} and was requested without credentials, which are for {own}; if both belong to \
                 this API, add `trusted_origins = [\"{other}\"]` to the integration in nango.toml"
            ),
            Self::ErrorInBody(message) => {
                f.write_str("the response contains an error and lacks the list or the next page")?;
                message.as_ref().map_or(Ok(()), |message| write!(f, ": {message}"))
            }
            Self::DeclaredError(message) => write!(f, "the API reports an error beside the data: {message}"),
            Self::EndStatus(status) => write!(
                f,
                "the API responded to a request after the first page with {status}; if that means the end of the list, \
                 declare `end_status({status})`"
            ),
            other => f.write_str(match other {
                Self::NullList => {
                    "the list is null on the first page; if that means an empty list, declare `null_is_empty = true`"
                }
                Self::PartialContent => "the API responded with 206 (partial content)",
                Self::Contradiction => "the API reports more pages, but returns no cursor or link to them",
                Self::Circle => "an empty page leads back to an earlier page",
                Self::RepeatedPage => "a short page has the same records as the previous page",
                Self::Total => "the API reports another total than the number of records read, or none at the end",
                Self::PageSize => "the first pages are empty, and the length of a page is unknown",
                Self::RecordWithoutId => "a record that does not fit was skipped, and its id could not be read",
                Self::Stopped => "the function stopped reading before the list ended",
                Self::NoWalk => "the scan read no list",
                Self::WithoutScan => {
                    "the walk resumed from a checkpoint, but the scan of the interrupted run is no longer open"
                }
                Self::OtherOrigin { .. } | Self::EndStatus(_) | Self::ErrorInBody(_) | Self::DeclaredError(_) => "",
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn walks_of_parents_are_combined_in_any_order() {
        let complete = WalkOutcome::Complete;
        let incomplete = |gap: &Gap| WalkOutcome::Incomplete(gap.clone());
        for (outcomes, kept) in [
            ([complete(Completion::NoNextPage), complete(Completion::EmptyPage)], complete(Completion::EmptyPage)),
            ([complete(Completion::EmptyPage), incomplete(&Gap::Total)], incomplete(&Gap::Total)),
            ([incomplete(&Gap::Total), incomplete(&Gap::Circle)], incomplete(&Gap::Circle)),
            ([incomplete(&Gap::EndStatus(404)), incomplete(&Gap::EndStatus(400))], incomplete(&Gap::EndStatus(400))),
        ] {
            let [one, two] = outcomes.map(|outcome| WalkEnd::of(outcome, 2, false, Pagination::Token));
            let combined = one.clone().and_of_parent(two.clone());
            assert_eq!((&combined.outcome, combined.pages), (&kept, 4));
            assert_eq!(two.and_of_parent(one), combined);
        }
    }
}
