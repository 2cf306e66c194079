//! Inputs of a decision after a page, and its result.

use crate::{
    http::Response,
    paginate::{
        end::{Completion, Gap, WalkOutcome},
        evidence::Evidence,
        spec::Step,
        walk_state::StoredGap,
    },
};

/// Properties of a response on which the decision depends.
pub(in crate::paginate) struct PageContext<'a> {
    pub(in crate::paginate) response: &'a Response,
    pub(in crate::paginate) page_name: &'a str,
    pub(in crate::paginate) step: &'a Step,
    /// Key of this request, unique within the walk.
    pub(in crate::paginate) key: u128,
    pub(in crate::paginate) evidence: &'a Evidence<'a>,
    /// Next step according to the cursor, the link or the `Link` header.
    pub(in crate::paginate) next: Option<Step>,
}

/// Decision after a page.
#[derive(Debug, PartialEq)]
pub(in crate::paginate) enum PageDecision {
    Next(Step),
    End(WalkOutcome),
}

impl PageContext<'_> {
    /// Returns the reason of a response that contains an error and lacks a part, with the provider's text.
    pub(super) fn error_in_body(&self) -> StoredGap {
        self.evidence
            .error_text()
            .map_or(StoredGap::ErrorInBody, |text| StoredGap::ErrorText(self.response.shown_text(&text)))
    }
}

impl PageDecision {
    /// Returns the end of a walk that saw the whole list.
    pub(super) fn complete(completion: Completion) -> Self {
        Self::End(WalkOutcome::Complete(completion))
    }

    /// Returns the end of a walk that does not prove that it saw the whole list.
    pub(super) fn incomplete(gap: Gap) -> Self {
        Self::End(WalkOutcome::Incomplete(gap))
    }
}

/// Properties of a page of an offset, page-number or last-item walk.
pub(super) struct CountedPage {
    pub(super) count: u64,
    pub(super) short: bool,
    pub(super) more: Option<bool>,
    pub(super) total: Option<u64>,
    pub(super) total_pages: Option<u64>,
}
