//! The walk itself: requests, and what each answer leads to.

use std::{fmt, sync::Arc};

use serde_json::Value;
use url::Url;

use super::{
    PaginateError, RawPage, ResumePoint,
    bounds::Bounds,
    cursor::{Cursor, scalar},
    decide::{Decider, PageContext, PageDecision},
    end::{Completion, Gap, WalkEnd, WalkOutcome},
    evidence::{self, Evidence},
    link::{self, LinkTarget},
    resolve,
    resume_point::{self, ResumeTarget},
    spec::{Step, WalkSpec},
    walk_state::{Purpose, StoredGap, WalkState},
};
use crate::{
    declare::{Paginate, PaginateKind, Pagination},
    error::{Error, HttpFailure},
    http::{Client, HttpError, RequestSpec, Response},
};

/// The statuses of a page.
const PAGE_STATUSES: [u16; 4] = [200, 201, 203, 206];
const NO_CONTENT: u16 = 204;

/// Requests one page after the other.
pub struct Walk {
    client: Client,
    spec: WalkSpec,
    /// The request that comes next; `None`: the end was reached.
    step: Option<Step>,
    decider: Decider,
    outcome: Option<WalkOutcome>,
}

/// What a walk is for, its bounds, and where an interrupted one left off.
#[derive(Debug, Clone, Default)]
pub struct WalkOptions {
    /// What depends on a complete walk.
    pub purpose: Purpose,
    /// The bounds.
    pub bounds: Bounds,
    /// The resume point of an interrupted walk, with what it has to remember.
    pub resume: Option<(ResumePoint, WalkState)>,
}

impl fmt::Debug for Walk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What it sends may hold secrets.
        f.debug_struct("Walk")
            .field("kind", &self.spec.kind)
            .field("step", &self.step)
            .field("pages", &self.decider.memory.pages)
            .finish_non_exhaustive()
    }
}

impl Walk {
    /// A walk from the first page, or from its resume point. `paginate` is complete: what it left open was taken from the
    /// provider already. `None`: a list without pages.
    ///
    /// # Errors
    ///
    /// The settings do not suffice, and the error states what to write; or the resume point is one of another kind of
    /// pagination.
    pub fn new(
        client: Client,
        request: RequestSpec,
        paginate: Option<Paginate>,
        options: WalkOptions,
    ) -> Result<Self, PaginateError> {
        let spec = match paginate {
            Some(paginate) => WalkSpec::new(request, paginate)?,
            None => WalkSpec::single(request),
        };
        let (step, memory) = match options.resume {
            None => (spec.first_step(), WalkState::default()),
            Some((resume_point, memory)) => (resume_step(&spec, resume_point)?, memory),
        };
        let decider = Decider::new(options.purpose, options.bounds, memory);
        Ok(Self { client, spec, step: Some(step), decider, outcome: None })
    }

    /// How the walk ended; `None` until its last page was requested.
    pub fn end(&self) -> Option<WalkEnd> {
        self.outcome.clone().map(|outcome| self.ended(outcome))
    }

    /// How the walk ended, or that it was stopped before its end.
    pub(crate) fn end_or_stopped(&self) -> WalkEnd {
        self.end().unwrap_or_else(|| self.ended(WalkOutcome::Incomplete(Gap::Stopped)))
    }

    /// Notes that a record of an earlier page came again.
    pub(crate) fn note_shift(&mut self) {
        self.decider.memory.shifted = true;
    }

    /// The next page; `None` behind the last. An empty page that ends the walk is not given, unless it is the first.
    ///
    /// # Errors
    ///
    /// The page has no usable answer, or its way to the next one is not usable. Calling it again after an error sends the
    /// same request again.
    pub async fn next(&mut self) -> Result<Option<RawPage>, PaginateError> {
        let page = self.request_page().await;
        page.map_err(|error| error.redacted(self.client.redactor()))
    }

    /// The error that functions see, without secrets of the connection.
    pub(crate) fn error(&self, error: PaginateError) -> Error {
        error.into_error().redacted(self.client.redactor())
    }

    async fn request_page(&mut self) -> Result<Option<RawPage>, PaginateError> {
        let Some(step) = self.step.clone() else { return Ok(None) };
        let first = self.decider.memory.pages == 0;
        let mut request = if first { self.spec.request(&step) } else { self.spec.request_after_first(&step) };
        let base = self.client.base_url_for(&request)?;
        let url = self.client.url_for(&request)?;
        let shown = crate::http::redacted_url(&self.client.redactor().hide_url(url.clone()));
        let at = |number: u64| format!("page {number} of {} {shown}", request.method);
        let number = self.decider.memory.pages + 1;
        self.decider.note_progress(self.client.now(), 0);
        self.decider.check_bounds(&at(number), self.client.now())?;
        if matches!(step, Step::Link(_)) && !self.client.is_trusted_origin(&base, &url) {
            // The API chose this address, not the caller: the caller's own secrets stay here, too.
            request = request.without_secrets();
        }
        let key =
            if matches!(step, Step::Offset(_) | Step::Cursor(_)) { step.key() } else { Step::Link(url.clone()).key() };
        self.decider.note_request(key);
        let response = self.client.send(&request).await?;
        let at = evidence::page_name(&response, number);
        self.decider.memory.bytes += response.body.len() as u64;
        if response.status >= 300 {
            return self.end_after_last(&request, response, at).map(|()| None);
        }
        if response.credentials_withheld {
            let origin = |url: &Url| url.origin().ascii_serialization();
            self.decider.record_gap(StoredGap::OtherOrigin(origin(&base), origin(&response.url)));
        }
        let page = if response.status == NO_CONTENT {
            self.decider.memory.pages += 1;
            self.finish(WalkOutcome::Complete(Completion::NoContent));
            RawPage::new(response, at, Vec::new())
        } else if PAGE_STATUSES.contains(&response.status) {
            self.read_page(&step, key, &url, response, at)?
        } else {
            return Err(PaginateError::Status { at, status: response.status });
        };
        self.decider.note_progress(self.client.now(), page.len());
        Ok((self.step.is_some() || !page.is_empty() || number == 1).then_some(page))
    }

    /// A status behind the first page that ends the walk, or the error that it is.
    fn end_after_last(&mut self, request: &RequestSpec, response: Response, at: String) -> Result<(), PaginateError> {
        let Some(outcome) = self.decider.end_of_status(&self.spec, response.status) else {
            let url = crate::http::redacted_url(&response.request.url);
            let Response { status, headers, body, attempts, .. } = response;
            let failure = HttpFailure::new(request.method.to_string(), url, status, headers, body, attempts);
            return Err(PaginateError::AfterLast { at, status, source: HttpError::Status(Box::new(failure)) });
        };
        self.decider.memory.pages += 1;
        self.finish(outcome);
        Ok(())
    }

    /// Reads a page and decides what follows it.
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
        let next = self.linked_step(&response, &evidence, &at)?;
        let context = PageContext { status: response.status, page_name: &at, step, key, evidence: &evidence, next };
        let verdict = self.decider.decide(&self.spec, &context)?;
        let ranges = evidence::ranges(&response.body, evidence.items());
        drop(context);
        let mut page = RawPage::new(response, at, ranges);
        match verdict {
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
        page.state = Some(Arc::new(self.decider.memory.clone()));
        page.is_position_based = self.is_position();
        Ok(page)
    }

    /// The step that a cursor, a link in the body or a `Link` header leads to.
    fn linked_step(
        &self,
        response: &Response,
        evidence: &Evidence<'_>,
        at: &str,
    ) -> Result<Option<Step>, PaginateError> {
        let link = |location: &str, reason: String| PaginateError::Next {
            at: at.to_owned(),
            what: "link",
            location: location.to_owned(),
            reason,
        };
        let Some(kind) = &self.spec.kind else { return Ok(None) };
        if let PaginateKind::Link { rel: Some(rel), .. } = kind {
            match link::target(&response.headers, rel) {
                LinkTarget::Absent => {}
                LinkTarget::Unreadable => {
                    return Err(PaginateError::UnreadableLink { at: at.to_owned(), rel: rel.clone().into_owned() });
                }
                LinkTarget::Target(target) => {
                    let url = resolve::relative_to_request(&response.url, &target).and_then(http_url);
                    return url.map(|url| Some(Step::Link(url))).map_err(|reason| link("Link", reason));
                }
            }
        }
        let (Some(path), Some(value)) = (self.spec.next_path(), evidence.next.value()) else { return Ok(None) };
        if matches!(kind, PaginateKind::Cursor { .. }) {
            return Ok(scalar(value, "cursor", at, path)?.map(Step::Cursor));
        }
        match scalar(value, "link", at, path)? {
            None => Ok(None),
            Some(Cursor::Json(Value::String(text))) => {
                let base = self.client.base_url_for(&self.spec.request(&Step::First))?;
                let url = resolve::resolve(&base, &response.url, text.trim()).and_then(http_url);
                url.map(|url| Some(Step::Link(url))).map_err(|reason| link(path, reason))
            }
            Some(_) => Err(link(path, "it is a number".to_owned())),
        }
    }

    /// The resume point of a step, and whether records may shift across it.
    fn resume_point(&mut self, next: &Step, requested: &Url) -> Option<ResumePoint> {
        let counting = match (next, &self.spec.kind) {
            (Step::Cursor(value), Some(PaginateKind::Cursor { .. })) => value.is_counting(),
            (Step::Link(url), _) => !resume_point::is_token_link(url, requested),
            _ => false,
        };
        self.decider.memory.position_based |= counting;
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
        let memory = &self.decider.memory;
        let position = self.is_position();
        WalkEnd {
            outcome,
            pages: memory.pages,
            shifted: memory.shifted && position && memory.pages > 1,
            pagination: if position { Pagination::Position } else { Pagination::Token },
        }
    }

    /// Whether records can move across the position of the reader.
    fn is_position(&self) -> bool {
        match (self.spec.pagination, &self.spec.kind) {
            (Some(declared), _) => declared == Pagination::Position,
            (None, Some(PaginateKind::Offset { .. })) => true,
            (None, _) => self.decider.memory.position_based,
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
        let text = "the interrupted walk was one of another kind of pagination: begin at the first page";
        PaginateError::Settings(text.to_owned())
    })
}

fn http_url(mut url: Url) -> Result<Url, String> {
    url.set_fragment(None);
    if matches!(url.scheme(), "http" | "https") && url.has_host() {
        Ok(url)
    } else {
        Err("it is no web address".to_owned())
    }
}

#[cfg(test)]
mod tests;
