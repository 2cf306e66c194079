//! Decision after each page of a walk: the next request, or the end with its reason.
//!
//! A short page, a null list beside an error, a partial response and a page without credentials are not evidence of the
//! end. A reason that makes the walk incomplete is kept while the walk continues, and the first one is reported.

use std::collections::HashSet;

use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use super::{
    PaginateError,
    bounds::Bounds,
    cursor::{scalar, unusable_cursor},
    end::{Completion, Gap, WalkOutcome},
    evidence::{self, Evidence},
    path::{Found, Listed},
    spec::{AFTER_SHORT, END_STATUSES, Step, WalkSpec},
    walk_state::{Purpose, StoredGap, WalkState},
};
use crate::{
    declare::{OffsetBy, PaginateKind},
    time::Timestamp,
};

/// Properties of a response on which the decision depends.
pub(super) struct PageContext<'a> {
    pub(super) status: u16,
    pub(super) page_name: &'a str,
    pub(super) step: &'a Step,
    /// Key of this request, unique within the walk.
    pub(super) key: u128,
    pub(super) evidence: &'a Evidence<'a>,
    /// Next step according to the cursor, the link or the `Link` header.
    pub(super) next: Option<Step>,
}

/// Decision after a page.
#[derive(Debug, PartialEq)]
pub(super) enum PageDecision {
    Next(Step),
    End(WalkOutcome),
}

/// State of a walk on which its end depends.
#[derive(Debug)]
pub(super) struct Decider {
    pub(super) purpose: Purpose,
    pub(super) bounds: Bounds,
    pub(super) state: WalkState,
    /// Keys of the requests of the walk.
    requested: HashSet<u128>,
    /// Hash of the records of the previous page.
    previous: Option<u128>,
    previous_short: bool,
    /// Whether a short page is the only reason for the current request.
    follows_short: bool,
    first_length: Option<u64>,
    longest: u64,
    empty_in_a_row: u64,
    last_total: Option<u64>,
    /// Time of the last new record.
    progress_at: Option<Timestamp>,
}

fn complete(completion: Completion) -> PageDecision {
    PageDecision::End(WalkOutcome::Complete(completion))
}

fn incomplete(gap: Gap) -> PageDecision {
    PageDecision::End(WalkOutcome::Incomplete(gap))
}

impl Decider {
    pub(super) fn new(purpose: Purpose, bounds: Bounds, state: WalkState) -> Self {
        Self {
            purpose,
            bounds,
            state,
            requested: HashSet::new(),
            previous: None,
            previous_short: false,
            follows_short: false,
            first_length: None,
            longest: 0,
            empty_in_a_row: 0,
            last_total: None,
            progress_at: None,
        }
    }

    /// Records a request before it is sent.
    pub(super) fn note_request(&mut self, key: u128) {
        self.requested.insert(key);
    }

    /// Records a reason that makes the walk incomplete. Only the first one is kept.
    pub(super) fn record_gap(&mut self, gap: StoredGap) {
        self.state.gap.get_or_insert(gap);
    }

    /// Returns the outcome to report: a recorded gap makes a complete end incomplete.
    pub(super) fn outcome(&self, outcome: WalkOutcome) -> WalkOutcome {
        match (&outcome, &self.state.gap) {
            (WalkOutcome::Complete(_), Some(gap)) => WalkOutcome::Incomplete(gap.into()),
            _ => outcome,
        }
    }

    /// Returns the end that a status outside 200..=299 after the first page means, or `None` if it is an error.
    pub(super) fn end_of_status(&self, spec: &WalkSpec, status: u16) -> Option<WalkOutcome> {
        let last_item = matches!(spec.kind, Some(PaginateKind::LastItem { .. }));
        let complete_list = if spec.end_status.contains(&status) {
            true
        } else if END_STATUSES.contains(&status) {
            self.previous_short && !last_item
        } else if AFTER_SHORT.contains(&status) && self.follows_short {
            !self.purpose.deletes && !last_item
        } else {
            return None;
        };
        let end = if complete_list { complete(Completion::EndStatus) } else { incomplete(Gap::EndStatus(status)) };
        let PageDecision::End(outcome) = end else { return None };
        Some(outcome)
    }

    /// Checks the bounds before the next request is sent.
    pub(super) fn check_bounds(&self, at: &str, now: Timestamp) -> Result<(), PaginateError> {
        let bound = |bound: String, setting| Err(PaginateError::Bound { at: at.to_owned(), bound, setting });
        let Bounds { max_pages, max_bytes, max_empty_pages, stall } = &self.bounds;
        if self.state.pages >= *max_pages {
            return bound(format!("{max_pages} pages"), "walk_pages");
        }
        if self.state.bytes >= *max_bytes {
            return bound(format!("{max_bytes} bytes"), "walk_bytes");
        }
        if self.empty_in_a_row > *max_empty_pages {
            return bound(format!("{max_empty_pages} empty pages in a row"), "walk_empty_pages");
        }
        if self.progress_at.is_some_and(|at| now.saturating_duration_since(at) > *stall) {
            return bound(format!("{} s without a new record", stall.as_secs()), "walk_stall");
        }
        Ok(())
    }

    /// Records the time of the last new record.
    pub(super) fn note_progress(&mut self, now: Timestamp, records: usize) {
        if records > 0 || self.progress_at.is_none() {
            self.progress_at = Some(now);
        }
    }

    /// Decides whether and how the walk continues after a page.
    pub(super) fn decide(&mut self, spec: &WalkSpec, context: &PageContext<'_>) -> Result<PageDecision, PaginateError> {
        let evidence = context.evidence;
        let first = self.state.pages == 0;
        self.check_list(spec, context, first)?;
        let items = evidence.items();
        let count = items.len() as u64;
        let short = spec.limit.is_some_and(|limit| count < u64::from(limit));
        self.state.pages += 1;
        self.state.records += count;

        let records = hash(items);
        if count > 0 && self.previous == Some(records) {
            if short {
                return Ok(incomplete(Gap::RepeatedPage));
            }
            return Err(PaginateError::SamePage { at: context.page_name.to_owned(), name: spec.parameter() });
        }

        let total = spec.total.as_ref().and_then(|_| evidence::number(&evidence.total));
        let total_pages = spec.total_pages.as_ref().and_then(|_| evidence::number(&evidence.total_pages));
        if let Some(total) = total {
            self.state.shifted |= self.last_total.is_some_and(|last| last != total);
            self.last_total = Some(total);
        }
        self.first_length.get_or_insert(count);
        self.longest = self.longest.max(count);
        self.empty_in_a_row = if count == 0 { self.empty_in_a_row + 1 } else { 0 };

        let more = more(evidence);
        let (mut decision, follows_short) = if spec.is_counted() {
            self.decide_counted(spec, context, &CountedPage { count, short, more, total, total_pages })?
        } else {
            (self.decide_linked(spec, context, count, more)?, false)
        };
        self.follows_short = follows_short;
        self.previous = Some(records);
        self.previous_short = short;
        if let PageDecision::End(WalkOutcome::Complete(_)) = decision {
            let lacks_total =
                (spec.total.is_some() && total.is_none()) || (spec.total_pages.is_some() && total_pages.is_none());
            let after_last = count == 0 && !first && matches!(spec.kind, Some(PaginateKind::Offset { .. }));
            if context.status == 206 && !after_last {
                decision = incomplete(Gap::PartialContent);
            } else if lacks_total {
                decision = incomplete(Gap::Total);
            }
        }
        Ok(decision)
    }

    /// Fails if a response has no list, and records a gap if the missing list is not evidence of an empty list.
    fn check_list(&mut self, spec: &WalkSpec, context: &PageContext<'_>, first: bool) -> Result<(), PaginateError> {
        let evidence = context.evidence;
        match &evidence.list {
            Found::Missing if evidence.has_error() => return Err(evidence.error(context.page_name)),
            // Some encoders omit empty lists.
            Found::Missing if !(spec.null_is_empty && evidence.parent_is_object(spec)) => {
                return Err(evidence.no_list(spec, context.page_name));
            }
            Found::Value(Listed::Other) => return Err(evidence.no_list(spec, context.page_name)),
            Found::Null | Found::ParentNull if evidence.has_error() => self.record_gap(StoredGap::ErrorInBody),
            Found::ParentNull if !spec.null_is_empty => return Err(evidence.no_list(spec, context.page_name)),
            Found::Null if spec.records.is_empty() && first && !spec.null_is_empty => {
                return Err(evidence.no_list(spec, context.page_name));
            }
            Found::Null if first && !spec.null_is_empty => self.record_gap(StoredGap::NullList),
            _ => {}
        }
        if evidence.lacks_cursor_parent(spec) && evidence.has_error() {
            self.record_gap(StoredGap::ErrorInBody);
        }
        Ok(())
    }

    /// Returns the decision after a page of an offset, page-number or last-item walk, and whether a short page is the
    /// only reason for the next request.
    fn decide_counted(
        &mut self,
        spec: &WalkSpec,
        context: &PageContext<'_>,
        page: &CountedPage,
    ) -> Result<(PageDecision, bool), PaginateError> {
        let CountedPage { count, short, more, total, total_pages } = *page;
        let pages_before = self.state.pages - 1;
        let position = match (&spec.kind, context.step) {
            (Some(PaginateKind::Offset { by: OffsetBy::Records, start, .. }), Step::Offset(at)) => {
                Some(at.saturating_sub(*start).saturating_add(count))
            }
            (Some(PaginateKind::Offset { by: OffsetBy::Page, .. }), _) => {
                Some(pages_before.saturating_mul(self.first_length.unwrap_or(0)).saturating_add(count))
            }
            // A last-item walk has no position: its total is only compared with earlier totals.
            _ => None,
        };
        let total = total.filter(|_| position.is_some());
        let below_total = total.zip(position).is_some_and(|(total, position)| position < total);
        let ended = |decision: PageDecision| Ok((decision, false));
        if more == Some(false) {
            return ended(if below_total { incomplete(Gap::Total) } else { complete(Completion::HasMoreFalse) });
        }
        if count == 0 && more.is_none() {
            if context.evidence.has_error() {
                return ended(incomplete(Gap::ErrorInBody));
            }
            let pages_left = total_pages.is_some_and(|all| pages_before > 0 && pages_before < all);
            let gap = below_total || pages_left;
            return ended(if gap { incomplete(Gap::Total) } else { complete(Completion::EmptyPage) });
        }
        if more.is_none()
            && let Some(total) = total
        {
            let full = !short || (pages_before > 0 && count >= self.longest);
            // Some APIs cap the reported total.
            let reached = position.is_none_or(|position| position >= total);
            let another = full && (self.purpose.deletes || self.purpose.since);
            if reached && !another {
                return ended(complete(Completion::TotalReached));
            }
            return Ok((self.advance(spec, context, count)?, false));
        }
        if more.is_none()
            && let Some(all) = total_pages
            && pages_before + 1 >= all
        {
            return ended(complete(Completion::TotalPagesReached));
        }
        let follows_short = short && more.is_none() && total_pages.is_none();
        Ok((self.advance(spec, context, count)?, follows_short))
    }

    /// Returns the step after a page of `count` records.
    fn advance(
        &mut self,
        spec: &WalkSpec,
        context: &PageContext<'_>,
        count: u64,
    ) -> Result<PageDecision, PaginateError> {
        match (&spec.kind, context.step) {
            (Some(PaginateKind::Offset { by: OffsetBy::Page, .. }), Step::Offset(page)) => {
                Ok(PageDecision::Next(Step::Offset(page.saturating_add(1))))
            }
            (Some(PaginateKind::Offset { .. }), Step::Offset(at)) => {
                let size = if count > 0 {
                    count
                } else if self.longest > 0 {
                    self.longest
                } else {
                    self.record_gap(StoredGap::PageSize);
                    u64::from(spec.limit.unwrap_or(0))
                };
                if size == 0 {
                    return Ok(incomplete(Gap::Contradiction));
                }
                Ok(PageDecision::Next(Step::Offset(at.saturating_add(size))))
            }
            (Some(PaginateKind::LastItem { id, .. }), _) => {
                let Some(last) = context.evidence.items().last() else { return Ok(incomplete(Gap::Contradiction)) };
                let value =
                    evidence::record_value(last, id).map_err(|error| unusable_cursor(context.page_name, id, error))?;
                let value = value.map(|value| scalar(value, "cursor", context.page_name, id)).transpose()?.flatten();
                let none = || unusable_cursor(context.page_name, id, "the last record has no value there");
                let step = Step::Cursor(value.ok_or_else(none)?);
                if self.requested.contains(&step.key()) {
                    return Err(PaginateError::Circle { at: context.page_name.to_owned(), what: "cursor" });
                }
                Ok(PageDecision::Next(step))
            }
            _ => Ok(complete(Completion::SingleRequest)),
        }
    }

    /// Returns the decision after a page with a cursor or a link to the next page.
    fn decide_linked(
        &mut self,
        spec: &WalkSpec,
        context: &PageContext<'_>,
        count: u64,
        more: Option<bool>,
    ) -> Result<PageDecision, PaginateError> {
        if spec.kind.is_none() {
            let single = complete(Completion::SingleRequest);
            return Ok(if more == Some(true) { incomplete(Gap::Contradiction) } else { single });
        }
        if more == Some(false) {
            return Ok(complete(Completion::HasMoreFalse));
        }
        let Some(next) = &context.next else {
            return Ok(if more == Some(true) {
                incomplete(Gap::Contradiction)
            } else if context.evidence.has_error() {
                incomplete(Gap::ErrorInBody)
            } else {
                complete(Completion::NoNextPage)
            });
        };
        let key = next.key();
        if !self.requested.contains(&key) {
            return Ok(PageDecision::Next(next.clone()));
        }
        if count > 0 {
            let what = if matches!(next, Step::Link(_)) { "link" } else { "cursor" };
            return Err(PaginateError::Circle { at: context.page_name.to_owned(), what });
        }
        Ok(if key != context.key {
            incomplete(Gap::Circle)
        } else if more == Some(true) {
            incomplete(Gap::Contradiction)
        } else {
            complete(Completion::EmptyPage)
        })
    }
}

/// Properties of a page of an offset, page-number or last-item walk.
struct CountedPage {
    count: u64,
    short: bool,
    more: Option<bool>,
    total: Option<u64>,
    total_pages: Option<u64>,
}

/// Returns whether the API reports another page, or `None` if it has no such flag. If two flags disagree, the flag that
/// ends the walk is used.
fn more(evidence: &Evidence<'_>) -> Option<bool> {
    match (evidence::flag(&evidence.has_more), evidence::inverse_flag(&evidence.is_last)) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (None, None) => None,
        _ => Some(true),
    }
}

fn hash(items: &[&str]) -> u128 {
    let mut hash = Xxh3::new();
    for item in items {
        hash.update(&(item.len() as u64).to_le_bytes());
        hash.update(item.as_bytes());
    }
    hash.digest128()
}

impl Step {
    /// Returns the key of the request. Equal requests of a walk have equal keys.
    pub(super) fn key(&self) -> u128 {
        match self {
            Self::First => 0,
            Self::Cursor(value) => xxh3_128(value.json().as_bytes()),
            Self::Link(url) => xxh3_128(url.as_str().as_bytes()),
            Self::Offset(offset) => xxh3_128(&offset.to_le_bytes()),
        }
    }
}
