//! Decision after each page of a walk: the next request, or the end with its reason.
//!
//! A short page, a null list beside an error, a partial response and a page without credentials are not evidence of the
//! end. A reason that makes the walk incomplete is kept while the walk continues, and the first one is reported.

mod counted;
mod linked;
mod page;

use std::collections::HashSet;

use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use super::{
    PaginateError,
    bounds::Bounds,
    end::{Completion, Gap, WalkOutcome},
    evidence::{self, Evidence},
    path::{Found, Listed},
    spec::{AFTER_SHORT, END_STATUSES, Step, WalkSpec},
    walk_state::{Purpose, StoredGap, WalkState},
};
use crate::{declare::PaginateKind, time::Timestamp};
use page::CountedPage;
pub(super) use page::{PageContext, PageDecision};

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
            // The declared error of a page is the error that lacks a part.
            (WalkOutcome::Incomplete(Gap::ErrorInBody(_)), Some(gap @ StoredGap::DeclaredError(_)))
            | (WalkOutcome::Complete(_), Some(gap)) => WalkOutcome::Incomplete(gap.into()),
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
        let end = if complete_list {
            PageDecision::complete(Completion::EndStatus)
        } else {
            PageDecision::incomplete(Gap::EndStatus(status))
        };
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

        let records = hash(items, &evidence.keys);
        if count > 0 && self.previous == Some(records) {
            if short {
                return Ok(PageDecision::incomplete(Gap::RepeatedPage));
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

        let more = more(evidence, spec);
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
            if context.response.status == 206 && !after_last {
                decision = PageDecision::incomplete(Gap::PartialContent);
            } else if lacks_total {
                decision = PageDecision::incomplete(Gap::Total);
            }
        }
        Ok(decision)
    }

    /// Fails if a response has no list, and records a gap if the missing list is not evidence of an empty list.
    fn check_list(&mut self, spec: &WalkSpec, context: &PageContext<'_>, first: bool) -> Result<(), PaginateError> {
        let evidence = context.evidence;
        match &evidence.list {
            Found::Missing | Found::Value(Listed::Other) if evidence.has_error() => {
                return Err(evidence.error(context.page_name));
            }
            // Some encoders omit empty lists.
            Found::Missing if !(spec.null_is_empty && evidence.parent_is_object(spec)) => {
                return Err(evidence.no_list(spec, context.page_name));
            }
            Found::Value(Listed::Other) => return Err(evidence.no_list(spec, context.page_name)),
            Found::Null | Found::ParentNull if evidence.has_error() => self.record_gap(context.error_in_body()),
            Found::ParentNull if !spec.null_is_empty => return Err(evidence.no_list(spec, context.page_name)),
            Found::Null if spec.records.is_empty() && first && !spec.null_is_empty => {
                return Err(evidence.no_list(spec, context.page_name));
            }
            Found::Null if first && !spec.null_is_empty => self.record_gap(StoredGap::NullList),
            _ => {}
        }
        if evidence.lacks_cursor_parent(spec) && evidence.has_error() {
            self.record_gap(context.error_in_body());
        }
        Ok(())
    }
}

/// Returns whether the API reports another page, or `None` if it has no such flag. If two flags disagree, the flag that
/// ends the walk is used. A feed whose position is the cursor of the pages ends only at its flag.
fn more(evidence: &Evidence<'_>, spec: &WalkSpec) -> Option<bool> {
    match (evidence::flag(&evidence.has_more), evidence::inverse_flag(&evidence.is_last)) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (None, None) => spec.feed.as_ref().and_then(|feed| feed.end).map(|_| true),
        _ => Some(true),
    }
}

fn hash(items: &[&str], keys: &[&str]) -> u128 {
    let mut hash = Xxh3::new();
    for item in items.iter().chain(keys) {
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
