//! The walk itself: requests, and what each answer leads to.

use std::{fmt, sync::Arc};

use serde_json::Value;
use url::Url;

use super::{
    PaginateError, Place, RawPage,
    bounds::Bounds,
    cursor::{Cursor, scalar},
    decide::{Answer, Decider, Verdict},
    end::{Completion, Gap, WalkEnd, WalkOutcome},
    link::{self, LinkTarget},
    memory::{Purpose, StoredGap, WalkMemory},
    place::{self, To},
    plan::{Plan, Step},
    read::{self, Evidence},
    resolve,
};
use crate::{
    declare::{Paginate, PaginateKind, Pagination},
    error::{Error, HttpFailure},
    http::{Call, Client, HttpError, Response},
};

/// The statuses of a page.
const PAGES: [u16; 4] = [200, 201, 203, 206];
const NO_CONTENT: u16 = 204;

/// Requests one page after the other.
pub struct Walk {
    client: Client,
    plan: Plan,
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
    pub resume: Option<(Place, WalkMemory)>,
}

impl fmt::Debug for Walk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What it sends may hold secrets.
        f.debug_struct("Walk")
            .field("kind", &self.plan.kind)
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
        call: Call,
        paginate: Option<Paginate>,
        options: WalkOptions,
    ) -> Result<Self, PaginateError> {
        let plan = match paginate {
            Some(paginate) => Plan::new(call, paginate)?,
            None => Plan::single(call),
        };
        let (step, memory) = match options.resume {
            None => (plan.first(), WalkMemory::default()),
            Some((place, memory)) => (resumed(&plan, place)?, memory),
        };
        let decider = Decider::new(options.purpose, options.bounds, memory);
        Ok(Self { client, plan, step: Some(step), decider, outcome: None })
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
        let mut call = if first { self.plan.call(&step) } else { self.plan.call_behind_first(&step) };
        let base = self.client.base_of(&call)?;
        let url = self.client.url_of(&call)?;
        let shown = crate::http::place(&self.client.redactor().hide_url(url.clone()));
        let at = |number: u64| format!("page {number} of {} {shown}", call.method);
        let number = self.decider.memory.pages + 1;
        self.decider.note_progress(self.client.now(), 0);
        self.decider.check_bounds(&at(number), self.client.now())?;
        if matches!(step, Step::Link(_)) && !self.client.trusts(&base, &url) {
            // The API chose this address, not the caller: the caller's own secrets stay here, too.
            call = call.without_secrets();
        }
        let key =
            if matches!(step, Step::Offset(_) | Step::Cursor(_)) { step.key() } else { Step::Link(url.clone()).key() };
        self.decider.requested(key);
        let response = self.client.send(&call).await?;
        let at = read::name(&response, number);
        self.decider.memory.bytes += response.body.len() as u64;
        if response.status >= 300 {
            return self.end_behind_last(&call, response, at).map(|()| None);
        }
        if response.withheld {
            let origin = |url: &Url| url.origin().ascii_serialization();
            self.decider.keep_gap(StoredGap::OtherOrigin(origin(&base), origin(&response.url)));
        }
        let page = if response.status == NO_CONTENT {
            self.decider.memory.pages += 1;
            self.finish(WalkOutcome::Complete(Completion::NoContent));
            RawPage::new(response, at, Vec::new())
        } else if PAGES.contains(&response.status) {
            self.read(&step, key, &url, response, at)?
        } else {
            return Err(PaginateError::Status { at, status: response.status });
        };
        self.decider.note_progress(self.client.now(), page.len());
        Ok((self.step.is_some() || !page.is_empty() || number == 1).then_some(page))
    }

    /// A status behind the first page that ends the walk, or the error that it is.
    fn end_behind_last(&mut self, call: &Call, response: Response, at: String) -> Result<(), PaginateError> {
        let Some(outcome) = self.decider.end_of_status(&self.plan, response.status) else {
            let url = crate::http::place(&response.request.url);
            let Response { status, headers, body, attempts, .. } = response;
            let failure = HttpFailure::new(call.method.to_string(), url, status, headers, body, attempts);
            return Err(PaginateError::BehindLast { at, status, source: HttpError::Status(Box::new(failure)) });
        };
        self.decider.memory.pages += 1;
        self.finish(outcome);
        Ok(())
    }

    /// Reads a page and decides what follows it.
    fn read(
        &mut self,
        step: &Step,
        key: u128,
        requested: &Url,
        response: Response,
        at: String,
    ) -> Result<RawPage, PaginateError> {
        let response = response.into_utf8(|| at.clone()).map_err(PaginateError::NotJson)?;
        let evidence = Evidence::read(&self.plan, &response, &at)?;
        let led = self.led(&response, &evidence, &at)?;
        let answer = Answer { status: response.status, at: &at, step, key, evidence: &evidence, led };
        let verdict = self.decider.decide(&self.plan, &answer)?;
        let ranges = read::ranges(&response.body, evidence.items());
        drop(answer);
        let mut page = RawPage::new(response, at, ranges);
        match verdict {
            Verdict::End(outcome) => self.finish(outcome),
            Verdict::Next(next) => {
                page.next = Some(match &next {
                    Step::First => String::new(),
                    Step::Cursor(value) => value.text(),
                    Step::Link(url) => url.to_string(),
                    Step::Offset(offset) => offset.to_string(),
                });
                page.place = self.place(&next, requested);
                self.step = Some(next);
            }
        }
        page.memory = Some(Arc::new(self.decider.memory.clone()));
        page.shifts = self.is_position();
        Ok(page)
    }

    /// The step that a cursor, a link in the body or a `Link` header leads to.
    fn led(&self, response: &Response, evidence: &Evidence<'_>, at: &str) -> Result<Option<Step>, PaginateError> {
        let link = |place: &str, reason: String| PaginateError::Next {
            at: at.to_owned(),
            what: "link",
            place: place.to_owned(),
            reason,
        };
        let Some(kind) = &self.plan.kind else { return Ok(None) };
        if let PaginateKind::Link { rel: Some(rel), .. } = kind {
            match link::target(&response.headers, rel) {
                LinkTarget::Absent => {}
                LinkTarget::Unreadable => {
                    return Err(PaginateError::UnreadableLink { at: at.to_owned(), rel: rel.clone().into_owned() });
                }
                LinkTarget::Target(target) => {
                    let url = resolve::relative_to_request(&response.url, &target).and_then(web_address);
                    return url.map(|url| Some(Step::Link(url))).map_err(|reason| link("Link", reason));
                }
            }
        }
        let (Some(path), Some(value)) = (self.plan.next_path(), evidence.next.value()) else { return Ok(None) };
        if matches!(kind, PaginateKind::Cursor { .. }) {
            return Ok(scalar(value, "cursor", at, path)?.map(Step::Cursor));
        }
        match scalar(value, "link", at, path)? {
            None => Ok(None),
            Some(Cursor::Json(Value::String(text))) => {
                let base = self.client.base_of(&self.plan.call(&Step::First))?;
                let url = resolve::resolve(&base, &response.url, text.trim()).and_then(web_address);
                url.map(|url| Some(Step::Link(url))).map_err(|reason| link(path, reason))
            }
            Some(_) => Err(link(path, "it is a number".to_owned())),
        }
    }

    /// The resume point of a step, and whether records may shift across it.
    fn place(&mut self, next: &Step, requested: &Url) -> Option<Place> {
        let counting = match (next, &self.plan.kind) {
            (Step::Cursor(value), Some(PaginateKind::Cursor { .. })) => value.is_counting(),
            (Step::Link(url), _) => !place::is_token_link(url, requested),
            _ => false,
        };
        self.decider.memory.numbers |= counting;
        let token = match self.plan.pagination {
            Some(declared) => declared == Pagination::Token,
            None => !counting,
        };
        match next {
            Step::Cursor(value) => Some(Place::cursor(value, token)),
            Step::Link(url) => Some(Place::link(url, token)),
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
        match (self.plan.pagination, &self.plan.kind) {
            (Some(declared), _) => declared == Pagination::Position,
            (None, Some(PaginateKind::Offset { .. })) => true,
            (None, _) => self.decider.memory.numbers,
        }
    }
}

fn resumed(plan: &Plan, place: Place) -> Result<Step, PaginateError> {
    let step = match (place.to, &plan.kind) {
        (To::Cursor(value), Some(PaginateKind::Cursor { .. } | PaginateKind::LastItem { .. })) => {
            Some(Step::Cursor(value))
        }
        (To::Link(url), Some(PaginateKind::Link { .. })) => url.parse().ok().map(Step::Link),
        _ => None,
    };
    step.ok_or_else(|| {
        let text = "the interrupted walk was one of another kind of pagination: begin at the first page";
        PaginateError::Settings(text.to_owned())
    })
}

fn web_address(mut url: Url) -> Result<Url, String> {
    url.set_fragment(None);
    if matches!(url.scheme(), "http" | "https") && url.has_host() {
        Ok(url)
    } else {
        Err("it is no web address".to_owned())
    }
}

#[cfg(test)]
mod tests;
