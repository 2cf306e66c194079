//! Walk over the pages of a list: sends the requests and processes the responses.

mod targets;

use std::{fmt, sync::Arc};

use url::Url;

use super::{
    PaginateError, RawPage, ResumePoint,
    bounds::Bounds,
    decide::{Decider, PageContext, PageDecision},
    delta::{Feed, FeedPosition},
    end::{Completion, Gap, WalkEnd, WalkOutcome},
    evidence::{self, Evidence},
    records::PageRecords,
    resume_point::{self, ResumeTarget},
    spec::{Step, WalkSpec},
    walk_state::{Purpose, StoredGap, WalkState},
};
use crate::{
    declare::{Paginate, PaginateKind, Pagination},
    error::{Error, HttpFailure},
    http::{Client, HttpError, RequestSpec, Response},
};

/// Statuses of a page with a body.
const PAGE_STATUSES: [u16; 4] = [200, 201, 203, 206];
const NO_CONTENT: u16 = 204;

/// Walk over a list, which requests one page after the other.
pub(crate) struct Walk {
    client: Client,
    spec: WalkSpec,
    /// Next request; `None` after the end.
    step: Option<Step>,
    decider: Decider,
    outcome: Option<WalkOutcome>,
    /// Whether the API reported that the position of the feed has expired.
    is_expired: bool,
}

/// Options of a walk: purpose, bounds, and resume point.
#[derive(Debug, Clone, Default)]
pub(crate) struct WalkOptions {
    /// Effects that depend on a complete walk.
    pub purpose: Purpose,
    /// Limits of pages, bytes and time.
    pub bounds: Bounds,
    /// Incremental feed.
    pub feed: Option<Feed>,
    /// Resume point and state of an interrupted walk.
    pub resume: Option<(ResumePoint, WalkState)>,
}

impl fmt::Debug for Walk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The request may contain secrets, so it is not shown.
        f.debug_struct("Walk")
            .field("kind", &self.spec.kind)
            .field("step", &self.step)
            .field("pages", &self.decider.state.pages)
            .finish_non_exhaustive()
    }
}

impl Walk {
    /// Creates a walk that starts at the first page or at its resume point. `paginate` must already include the
    /// defaults of the provider; `None` means a list without pages.
    ///
    /// # Errors
    ///
    /// Fails if the settings are incomplete, with an error that names the missing setting, or if the resume point
    /// belongs to another pagination method.
    pub(crate) fn new(
        client: Client,
        request: RequestSpec,
        paginate: Option<Paginate>,
        options: WalkOptions,
    ) -> Result<Self, PaginateError> {
        let spec = match (paginate, options.feed) {
            (None, None) => WalkSpec::single(request),
            (paginate, feed) => WalkSpec::new(request, paginate.unwrap_or_else(Paginate::provider), feed)?,
        };
        let (step, state) = match options.resume {
            None => (spec.first_step()?, WalkState::default()),
            Some((resume_point, state)) => (resume_step(&spec, resume_point)?, state),
        };
        let decider = Decider::new(options.purpose, options.bounds, state);
        Ok(Self { client, spec, step: Some(step), decider, outcome: None, is_expired: false })
    }

    /// Returns the last position of the feed that a page contained.
    pub(crate) fn feed_position(&self) -> Option<&FeedPosition> {
        self.decider.state.position.as_ref()
    }

    /// Returns whether the API reported that the position from which the walk started has expired.
    pub(crate) fn is_expired(&self) -> bool {
        self.is_expired
    }

    /// Returns the end of the walk, or `None` until its last page was requested.
    pub(crate) fn end(&self) -> Option<WalkEnd> {
        self.outcome.clone().map(|outcome| self.ended(outcome))
    }

    /// Returns the end of the walk, or [`Gap::Stopped`] if it was stopped before its end.
    pub(crate) fn end_or_stopped(&self) -> WalkEnd {
        self.end().unwrap_or_else(|| self.ended(WalkOutcome::Incomplete(Gap::Stopped)))
    }

    /// Records that a record of an earlier page was repeated.
    pub(crate) fn note_shift(&mut self) {
        self.decider.state.shifted = true;
    }

    /// Returns the next page, or `None` after the last one. An empty page that ends the walk is not returned, unless it
    /// is the first.
    ///
    /// # Errors
    ///
    /// Fails if the response or its cursor or link to the next page is unusable. A call after an error sends the same
    /// request again.
    pub(crate) async fn next(&mut self) -> Result<Option<RawPage>, PaginateError> {
        let page = self.request_page().await;
        page.map_err(|error| error.redacted(self.client.redactor()))
    }

    /// Converts to the error of functions, without secrets of the connection.
    pub(crate) fn error(&self, error: PaginateError) -> Error {
        error.into_error().redacted(self.client.redactor())
    }

    async fn request_page(&mut self) -> Result<Option<RawPage>, PaginateError> {
        let Some(step) = self.step.clone() else { return Ok(None) };
        let first = self.decider.state.pages == 0;
        let mut request = if first { self.spec.request(&step) } else { self.spec.request_after_first(&step) };
        let base = self.client.base_url_for(&request)?;
        let url = self.client.url_for(&request)?;
        let shown = crate::http::redacted_url(&self.client.redactor().hide_url(url.clone()));
        let at = |number: u64| format!("page {number} of {} {shown}", request.method);
        let number = self.decider.state.pages + 1;
        self.decider.note_progress(self.client.now(), 0);
        self.decider.check_bounds(&at(number), self.client.now())?;
        if matches!(step, Step::Link(_)) && !self.client.is_trusted_origin(&base, &url) {
            // The API chose this address, not the caller, so the caller's own secrets are not sent either.
            request = request.without_secrets();
        }
        let key =
            if matches!(step, Step::Offset(_) | Step::Cursor(_)) { step.key() } else { Step::Link(url.clone()).key() };
        self.decider.note_request(key);
        let response = self.client.send(&request).await.inspect_err(|error| {
            let HttpError::Status(failure) = error else { return };
            self.is_expired = self.spec.is_expired(failure.status);
        })?;
        let at = evidence::page_name(&response, number);
        self.decider.state.bytes += response.body.len() as u64;
        if response.status >= 300 {
            return self.end_after_last(&request, response, at).map(|()| None);
        }
        if response.credentials_withheld {
            let origin = |url: &Url| url.origin().ascii_serialization();
            self.decider.record_gap(StoredGap::OtherOrigin(origin(&base), origin(&response.url)));
        }
        let page = if response.status == NO_CONTENT {
            self.decider.state.pages += 1;
            self.finish(WalkOutcome::Complete(Completion::NoContent));
            RawPage::new(response, at, PageRecords::Ranges(Vec::new()))
        } else if PAGE_STATUSES.contains(&response.status) {
            self.read_page(&step, key, &url, response, at)?
        } else {
            return Err(PaginateError::Status { at, status: response.status });
        };
        self.decider.note_progress(self.client.now(), page.len());
        Ok((self.step.is_some() || !page.is_empty() || number == 1).then_some(page))
    }

    /// Ends the walk if a status after the first page means the end of the list, otherwise returns the status as an
    /// error.
    fn end_after_last(&mut self, request: &RequestSpec, response: Response, at: String) -> Result<(), PaginateError> {
        self.is_expired = self.spec.is_expired(response.status);
        let end = self.decider.end_of_status(&self.spec, response.status).filter(|_| !self.is_expired);
        let Some(outcome) = end else {
            let url = crate::http::redacted_url(&response.request.url);
            let Response { status, headers, body, attempts, .. } = response;
            let failure = HttpFailure::new(request.method.to_string(), url, status, headers, body, attempts);
            return Err(PaginateError::AfterLast { at, status, source: HttpError::Status(Box::new(failure)) });
        };
        self.decider.state.pages += 1;
        self.finish(outcome);
        Ok(())
    }

    /// Reads a page and decides whether and how the walk continues.
    fn read_page(
        &mut self,
        step: &Step,
        key: u128,
        requested: &Url,
        response: Response,
        at: String,
    ) -> Result<RawPage, PaginateError> {
        let response = response.into_utf8(|| at.clone()).map_err(PaginateError::NotJson)?;
        let evidence = Evidence::read(&self.spec, &response, &at)?;
        if let Some(error) = evidence.fatal_error() {
            return Err(error.to_http(&response).into());
        }
        if let Some(error) = &evidence.declared {
            self.decider.record_gap(StoredGap::DeclaredError(error.shown(&response)));
        }
        if let Some(position) = self.position_of(&response, &evidence, &at)? {
            self.decider.state.position = Some(position);
        }
        let next = self.linked_step(&response, &evidence, &at)?;
        let context = PageContext { response: &response, page_name: &at, step, key, evidence: &evidence, next };
        let decision = self.decider.decide(&self.spec, &context)?;
        let records = evidence.records(&self.spec, &response.body);
        drop(context);
        let mut page = RawPage::new(response, at, records);
        match decision {
            PageDecision::End(outcome) => self.finish(outcome),
            PageDecision::Next(next) => {
                page.next = Some(match &next {
                    Step::First => String::new(),
                    Step::Cursor(value) => value.text(),
                    Step::Link(url) => url.to_string(),
                    Step::Offset(offset) => offset.to_string(),
                });
                page.resume_point = self.resume_point(&next, requested);
                self.step = Some(next);
            }
        }
        page.state = Some(Arc::new(self.decider.state.clone()));
        page.is_position_based = self.is_position();
        Ok(page)
    }

    /// Returns the resume point of a step, and records whether its position is counted.
    fn resume_point(&mut self, next: &Step, requested: &Url) -> Option<ResumePoint> {
        let counting = match (next, &self.spec.kind) {
            (Step::Cursor(value), Some(PaginateKind::Cursor { .. })) => value.is_counting(),
            (Step::Link(url), _) => !resume_point::is_token_link(url, requested),
            _ => false,
        };
        self.decider.state.position_based |= counting;
        let token = match self.spec.pagination {
            Some(declared) => declared == Pagination::Token,
            None => !counting,
        };
        match next {
            Step::Cursor(value) => Some(ResumePoint::cursor(value, token)),
            Step::Link(url) => Some(ResumePoint::link(url, token)),
            Step::First | Step::Offset(_) => None,
        }
    }

    fn finish(&mut self, outcome: WalkOutcome) {
        self.step = None;
        self.outcome = Some(self.decider.outcome(outcome));
    }

    fn ended(&self, outcome: WalkOutcome) -> WalkEnd {
        let state = &self.decider.state;
        let position = self.is_position();
        WalkEnd {
            outcome,
            pages: state.pages,
            shifted: state.shifted && position && state.pages > 1,
            pagination: if position { Pagination::Position } else { Pagination::Token },
        }
    }

    /// Returns whether records can move across the position of the reader.
    fn is_position(&self) -> bool {
        match (self.spec.pagination, &self.spec.kind) {
            (Some(declared), _) => declared == Pagination::Position,
            (None, Some(PaginateKind::Offset { .. })) => true,
            (None, _) => self.decider.state.position_based,
        }
    }
}

fn resume_step(spec: &WalkSpec, resume_point: ResumePoint) -> Result<Step, PaginateError> {
    let step = match (resume_point.target, &spec.kind) {
        (ResumeTarget::Cursor(value), Some(PaginateKind::Cursor { .. } | PaginateKind::LastItem { .. })) => {
            Some(Step::Cursor(value))
        }
        (ResumeTarget::Link(url), Some(PaginateKind::Link { .. })) => url.parse().ok().map(Step::Link),
        _ => None,
    };
    step.ok_or_else(|| {
        let text = "the interrupted walk used another pagination method: start at the first page";
        PaginateError::Settings(text.to_owned())
    })
}

#[cfg(test)]
mod tests;
