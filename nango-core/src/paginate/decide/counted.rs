//! Decisions after pages of walks that count: offsets, page numbers, and the id of the last record.

use super::{
    Decider,
    page::{CountedPage, PageContext, PageDecision},
};
use crate::{
    declare::{OffsetBy, PaginateKind},
    paginate::{
        PaginateError,
        cursor::{scalar, unusable_cursor},
        end::{Completion, Gap},
        evidence,
        spec::{Step, WalkSpec},
        walk_state::StoredGap,
    },
};

impl Decider {
    /// Returns the decision after a page of an offset, page-number or last-item walk, and whether a short page is the
    /// only reason for the next request.
    pub(super) fn decide_counted(
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
            return ended(if below_total {
                PageDecision::incomplete(Gap::Total)
            } else {
                PageDecision::complete(Completion::HasMoreFalse)
            });
        }
        if count == 0 && more.is_none() {
            if context.evidence.has_error() {
                return ended(PageDecision::incomplete((&context.error_in_body()).into()));
            }
            let pages_left = total_pages.is_some_and(|all| pages_before > 0 && pages_before < all);
            let gap = below_total || pages_left;
            return ended(if gap {
                PageDecision::incomplete(Gap::Total)
            } else {
                PageDecision::complete(Completion::EmptyPage)
            });
        }
        if more.is_none()
            && let Some(total) = total
        {
            let full = !short || (pages_before > 0 && count >= self.longest);
            // Some APIs cap the reported total.
            let reached = position.is_none_or(|position| position >= total);
            let another = full && (self.purpose.deletes || self.purpose.since);
            if reached && !another {
                return ended(PageDecision::complete(Completion::TotalReached));
            }
            return Ok((self.advance(spec, context, count)?, false));
        }
        if more.is_none()
            && let Some(all) = total_pages
            && pages_before + 1 >= all
        {
            return ended(PageDecision::complete(Completion::TotalPagesReached));
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
                    return Ok(PageDecision::incomplete(Gap::Contradiction));
                }
                Ok(PageDecision::Next(Step::Offset(at.saturating_add(size))))
            }
            (Some(PaginateKind::LastItem { id, .. }), _) => {
                let Some(last) = context.evidence.last_record(spec) else {
                    return Ok(PageDecision::incomplete(Gap::Contradiction));
                };
                let value =
                    evidence::record_value(&last, id).map_err(|error| unusable_cursor(context.page_name, id, error))?;
                let value = value.map(|value| scalar(value, "cursor", context.page_name, id)).transpose()?.flatten();
                let none = || unusable_cursor(context.page_name, id, "the last record has no value there");
                let step = Step::Cursor(value.ok_or_else(none)?);
                if self.requested.contains(&step.key()) {
                    return Err(PaginateError::Circle { at: context.page_name.to_owned(), what: "cursor" });
                }
                Ok(PageDecision::Next(step))
            }
            _ => Ok(PageDecision::complete(Completion::SingleRequest)),
        }
    }
}
