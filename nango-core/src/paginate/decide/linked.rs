//! Decisions after pages that lead to the next one by a cursor or a link.

use super::{
    Decider,
    page::{PageContext, PageDecision},
};
use crate::paginate::{
    PaginateError,
    end::{Completion, Gap},
    spec::{Step, WalkSpec},
};

impl Decider {
    /// Returns the decision after a page with a cursor or a link to the next page.
    pub(super) fn decide_linked(
        &mut self,
        spec: &WalkSpec,
        context: &PageContext<'_>,
        count: u64,
        more: Option<bool>,
    ) -> Result<PageDecision, PaginateError> {
        if spec.kind.is_none() {
            let single = PageDecision::complete(Completion::SingleRequest);
            return Ok(if more == Some(true) { PageDecision::incomplete(Gap::Contradiction) } else { single });
        }
        if more == Some(false) {
            return Ok(PageDecision::complete(Completion::HasMoreFalse));
        }
        let Some(next) = &context.next else {
            return Ok(if more == Some(true) {
                PageDecision::incomplete(Gap::Contradiction)
            } else if context.evidence.has_error() {
                PageDecision::incomplete((&context.error_in_body()).into())
            } else {
                PageDecision::complete(Completion::NoNextPage)
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
            PageDecision::incomplete(Gap::Circle)
        } else if more == Some(true) {
            PageDecision::incomplete(Gap::Contradiction)
        } else {
            PageDecision::complete(Completion::EmptyPage)
        })
    }
}
