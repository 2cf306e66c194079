//! The client of one connection in one run.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::StreamExt;
use url::Url;

use super::{
    ClientParts, CredentialsVersion, HttpError, OutgoingRequest, RequestSpec, Response, StreamingResponse,
    TransportError,
    attempt::{AttemptError, PreparedRequest, ResponseHead},
    endpoint, error,
    quota::{self, WaitTimer},
    retry::{self, RetryAdvice},
};
use crate::{error::HttpFailure, redact::Redactor};

/// Sends the calls of one connection in one run. Clones share everything.
#[derive(Debug, Clone)]
pub struct Client(Arc<ClientInner>);

#[derive(Debug)]
pub(super) struct ClientInner {
    pub(super) parts: ClientParts,
    request_count: AtomicU64,
    pub(super) wait_timer: WaitTimer,
    /// When the oldest request was sent that was answered since this was last asked for.
    oldest_sent_at: Mutex<Option<i64>>,
}

impl ClientInner {
    pub(super) fn count_request(&self) {
        self.request_count.fetch_add(1, Ordering::Relaxed);
    }

    fn lock_oldest_sent_at(&self) -> std::sync::MutexGuard<'_, Option<i64>> {
        // Nothing that holds the lock can leave it half-written.
        self.oldest_sent_at.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Client {
    /// A client of these parts.
    pub fn new(parts: ClientParts) -> Self {
        Self(Arc::new(ClientInner {
            parts,
            request_count: AtomicU64::new(0),
            wait_timer: WaitTimer::default(),
            oldest_sent_at: Mutex::default(),
        }))
    }

    /// Sends a call and reads its answer.
    ///
    /// # Errors
    ///
    /// [`HttpError`], when the attempts that the call allows are used up.
    pub async fn send(&self, call: &RequestSpec) -> Result<Response, HttpError> {
        self.send_buffered(&self.prepare(call)?).await
    }

    /// Sends a call and gives its body as it arrives. Tried again as [`Client::send`], up to the first byte.
    ///
    /// # Errors
    ///
    /// [`HttpError`], as [`Client::send`]; later on, in the body, if it breaks off.
    pub async fn stream(&self, call: &RequestSpec) -> Result<StreamingResponse, HttpError> {
        self.send_streaming(self.prepare(call)?).await
    }

    /// Sends a request that has nothing to do with the connection: no credentials, no base URL, no retries. Every
    /// status is an answer.
    ///
    /// # Errors
    ///
    /// [`HttpError`], if there is no answer.
    pub async fn fetch(&self, request: &OutgoingRequest) -> Result<Response, HttpError> {
        self.send_buffered(&self.prepare_external(request)).await
    }

    /// The same with its body as it arrives.
    ///
    /// # Errors
    ///
    /// [`HttpError`], if there is no answer; later on, in the body, if it breaks off.
    pub async fn fetch_stream(&self, request: &OutgoingRequest) -> Result<StreamingResponse, HttpError> {
        self.send_streaming(self.prepare_external(request)).await
    }

    /// Where endpoints lie.
    pub fn base_url(&self) -> &Url {
        &self.0.parts.base_url
    }

    /// How many requests were sent, further attempts and redirects included.
    pub fn requests_sent(&self) -> u64 {
        self.0.request_count.load(Ordering::Relaxed)
    }

    /// How long the client has waited for the API's limits.
    pub fn rate_limit_wait(&self) -> Duration {
        self.0.wait_timer.total()
    }

    /// When the oldest request was sent that was answered since this was last asked, microseconds since 1970: how old
    /// the knowledge is that a commit is about to write.
    pub fn take_oldest_request(&self) -> Option<i64> {
        self.0.lock_oldest_sent_at().take()
    }

    /// The base URL of a call: its own, or the connection's.
    pub(crate) fn base_url_for(&self, call: &RequestSpec) -> Result<Url, HttpError> {
        let Some(text) = &call.base_url else { return Ok(self.0.parts.base_url.clone()) };
        text.parse().ok().filter(Url::has_host).ok_or_else(|| HttpError::Endpoint {
            endpoint: text.split(['?', '#']).next().unwrap_or_default().to_owned(),
            reason: "a base URL is absolute, such as `https://api.example.com/v1`".to_owned(),
        })
    }

    /// The URL of a call, without credentials.
    pub(crate) fn url_for(&self, call: &RequestSpec) -> Result<Url, HttpError> {
        endpoint::endpoint_url(&self.base_url_for(call)?, call)
    }

    /// Whether requests to a URL get the connection's credentials: it is of the base URL's origin, or of one that the
    /// operator trusts.
    pub(crate) fn is_trusted_origin(&self, base: &Url, url: &Url) -> bool {
        url.origin() == base.origin() || self.0.parts.trusted_origins.contains(&url.origin())
    }

    /// What hides the connection's secrets.
    pub(crate) fn redactor(&self) -> &Redactor {
        &self.0.parts.redactor
    }

    /// The current time, microseconds since 1970.
    pub(crate) fn now(&self) -> i64 {
        self.0.parts.clock.now()
    }

    fn prepare(&self, call: &RequestSpec) -> Result<PreparedRequest, HttpError> {
        let base = self.base_url_for(call)?;
        let url = endpoint::endpoint_url(&base, call)?;
        if call.retries > 0 && !call.body.is_repeatable() {
            return Err(HttpError::Body {
                endpoint: call.endpoint.split(['?', '#']).next().unwrap_or_default().to_owned(),
                reason: "is a stream, which cannot be sent again: leave out `.retries(…)`, or give it as bytes",
            });
        }
        Ok(PreparedRequest {
            method: call.method.clone(),
            trusted: self.is_trusted_origin(&base, &url),
            url,
            redactor: self.0.parts.redactor.clone(),
            headers: call.headers.clone(),
            body: call.body.clone(),
            retries: call.retries,
            retry_on: call.retry_on.clone(),
            accept: Some(call.accept.clone()),
            max_body_bytes: call.max_body_bytes.unwrap_or(self.0.parts.max_body_bytes),
            timeout: Some(call.timeout.unwrap_or(self.0.parts.timeout)),
        })
    }

    /// A request that has nothing to do with the connection, every status of which is an answer.
    fn prepare_external(&self, request: &OutgoingRequest) -> PreparedRequest {
        PreparedRequest {
            method: request.method.clone(),
            url: request.url.clone(),
            redactor: self.0.parts.redactor.clone(),
            headers: request.headers.clone(),
            body: request.body.clone(),
            trusted: false,
            retries: 0,
            retry_on: Vec::new(),
            accept: None,
            max_body_bytes: request.max_body_bytes.unwrap_or(self.0.parts.max_body_bytes),
            timeout: Some(request.timeout.unwrap_or(self.0.parts.timeout)),
        }
    }

    async fn send_buffered(&self, plan: &PreparedRequest) -> Result<Response, HttpError> {
        let (answer, body, attempts) = self.send_with_retries(plan, false).await?;
        Ok(Response {
            status: answer.status,
            headers: answer.headers,
            url: answer.url,
            body,
            sent_at: answer.sent_at,
            attempts,
            request: answer.request,
            credentials_withheld: answer.credentials_withheld,
            redactor: plan.redactor.clone(),
        })
    }

    async fn send_streaming(&self, mut plan: PreparedRequest) -> Result<StreamingResponse, HttpError> {
        // A stream takes as long as its reader does; only its silence is bounded.
        plan.timeout = None;
        let (answer, _, attempts) = self.send_with_retries(&plan, true).await?;
        let sent = super::attempt::describe_request(&answer.request);
        let body = answer
            .body
            .map(move |piece| piece.map_err(|source| HttpError::Network { sent: sent.clone(), attempts, source }));
        Ok(StreamingResponse { status: answer.status, headers: answer.headers, url: answer.url, body: body.boxed() })
    }

    /// Attempts until an answer is accepted, or no further attempt is due. The body is read unless it is `open`.
    async fn send_with_retries(
        &self,
        plan: &PreparedRequest,
        open: bool,
    ) -> Result<(ResponseHead, Bytes, u32), HttpError> {
        let clock = &*self.0.parts.clock;
        let mut attempt = 1;
        // One more than the attempts, once credentials were renewed on the way.
        let mut renewed = false;
        loop {
            let more = attempt <= plan.retries;
            let sent = attempt + u32::from(renewed);
            let outcome = self.attempt(plan, open).await;
            let refused =
                outcome.as_ref().ok().filter(|_| !renewed).and_then(|(answer, ..)| rejected_credentials(plan, answer));
            if let Some(used) = refused {
                match self.0.parts.authorize.refused(used).await {
                    Ok(true) => {
                        renewed = true;
                        continue;
                    }
                    // Who takes a 401 for an answer gets it, whatever else is wrong.
                    Err(error) if !plan.accepts(401) => return Err(error.into()),
                    _ => {}
                }
            }
            let mut limited = false;
            let wait = match outcome {
                Ok((answer, body, None)) => {
                    let mut oldest = self.0.lock_oldest_sent_at();
                    *oldest = Some(oldest.map_or(answer.sent_at, |oldest| oldest.min(answer.sent_at)));
                    drop(oldest);
                    return Ok((answer, body, sent));
                }
                Ok((answer, body, Some(verdict))) => {
                    let acted = answer.side_effect_possible;
                    limited = verdict.limited;
                    let failure = answer.into_failure(plan, body, sent, limited);
                    if !more {
                        return Err(HttpError::Status(Box::new(failure)));
                    }
                    self.retry_wait(plan, failure, &verdict, acted, attempt)?
                }
                Err(AttemptError::Transport(error, acted))
                    if more && retry::is_transport_error_retryable(&plan.method, &error, acted) =>
                {
                    retry::backoff(attempt, clock)
                }
                Err(AttemptError::Transport(source, _)) => {
                    return Err(HttpError::Network { sent: plan.describe(), attempts: sent, source });
                }
                Err(AttemptError::Final(error)) => return Err(error),
            };
            let waiting = limited.then(|| self.0.wait_timer.start(&self.0.parts));
            if limited {
                quota::report_wait(&self.0.parts, wait);
            }
            clock.sleep(wait).await;
            drop(waiting);
            if clock.is_cancelled() {
                let source = TransportError::Cancelled;
                return Err(HttpError::Network { sent: plan.describe(), attempts: sent, source });
            }
            attempt += 1;
        }
    }

    /// One attempt: an answer that is accepted, or a failure with what it says about another attempt.
    async fn attempt(
        &self,
        plan: &PreparedRequest,
        open: bool,
    ) -> Result<(ResponseHead, Bytes, Option<RetryAdvice>), AttemptError> {
        let mut answer = plan.send_following_redirects(&self.0).await?;
        if plan.accepts(answer.status) {
            let body = if open { Bytes::new() } else { answer.read_body(plan.max_body_bytes).await? };
            return Ok((answer, body, None));
        }
        // The status is the failure, so that a body that cannot be read does not hide it.
        let body = answer.read_error_body().await;
        let verdict = answer.retry_advice(&body, &self.0.parts);
        Ok((answer, body, Some(verdict)))
    }

    /// How long to wait after a failure until the next attempt; the failure itself if none is due.
    fn retry_wait(
        &self,
        plan: &PreparedRequest,
        failure: HttpFailure,
        verdict: &RetryAdvice,
        acted: bool,
        attempt: u32,
    ) -> Result<Duration, HttpError> {
        let ClientParts { retry: rules, clock, max_wait: longest, .. } = &self.0.parts;
        if !retry::is_status_retryable(&plan.method, failure.status, &plan.retry_on, acted, verdict.limited, rules) {
            return Err(HttpError::Status(Box::new(failure)));
        }
        match verdict.wait {
            Some(wait) if wait > *longest => {
                let until = error::format_time_after(clock.now(), wait);
                Err(HttpError::WaitTooLong { failure: Box::new(failure), wait, until, max_wait: *longest })
            }
            Some(wait) => Ok(retry::demanded_wait(wait, attempt)),
            None => Ok(match verdict.default_wait {
                Some(wait) => retry::default_limit_wait(wait, attempt).min(*longest),
                None => retry::backoff(attempt, &**clock),
            }),
        }
    }
}

/// The credentials that the API refused, if the request is worth sending again with others. A refused request had no
/// effect, so its method does not matter, unless an earlier hop took it and only its result was refused.
fn rejected_credentials(plan: &PreparedRequest, answer: &ResponseHead) -> Option<CredentialsVersion> {
    let may = plan.body.is_repeatable() && retry::may_resend(&plan.method, answer.side_effect_possible);
    answer.credentials_version.filter(|_| answer.status == 401 && may)
}

#[cfg(test)]
mod tests;
