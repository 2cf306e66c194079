//! The client of one connection in one run.

use std::{
    fmt::Debug,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::{StreamExt, future::BoxFuture};
use jiff::Timestamp;
use reqwest::header::HeaderMap;
use url::Url;

use super::{
    Call, Clock, HttpError, Outgoing, Response, Streaming, Transport, TransportError,
    exchange::{Answer, Fault, Plan},
    join, retry,
};
use crate::error::HttpFailure;

/// Puts credentials into requests to the origin of a connection's base URL.
///
/// A future, so that an implementation can refresh a token first.
pub trait Authorize: Send + Sync + Debug {
    /// Adds what is missing; what the caller set stays.
    fn authorize<'a>(&'a self, request: &'a mut Outgoing) -> BoxFuture<'a, Result<(), AuthError>>;
}

/// Why a request could not be given its credentials. The text names what is missing and where it is set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct AuthError(pub String);

/// No credentials.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nothing;

impl Authorize for Nothing {
    fn authorize<'a>(&'a self, _request: &'a mut Outgoing) -> BoxFuture<'a, Result<(), AuthError>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

/// What a [`Client`] is made of.
#[derive(Debug)]
#[non_exhaustive]
pub struct ClientParts {
    /// What sends.
    pub transport: Arc<dyn Transport>,
    /// What waits.
    pub clock: Arc<dyn Clock>,
    /// Where endpoints lie; credentials go to its origin only.
    pub base_url: Url,
    /// The integration's headers, for requests to that origin.
    pub headers: HeaderMap,
    /// The integration's query parameters, for requests to that origin that do not have them.
    pub query: Vec<(String, String)>,
    /// What adds the credentials. Default: [`Nothing`].
    pub authorize: Arc<dyn Authorize>,
    /// How many bytes of a body are held in memory. Default 256 MiB.
    pub max_body: u64,
    /// The longest wait that an answer may demand. Default 10 minutes.
    pub max_wait: Duration,
}

impl ClientParts {
    /// A client without credentials, headers and parameters, with the default limits.
    pub fn new(transport: Arc<dyn Transport>, clock: Arc<dyn Clock>, base_url: Url) -> Self {
        Self {
            transport,
            clock,
            base_url,
            headers: HeaderMap::new(),
            query: Vec::new(),
            authorize: Arc::new(Nothing),
            max_body: 256 << 20,
            max_wait: Duration::from_mins(10),
        }
    }

    /// Sets what adds the credentials.
    #[must_use]
    pub fn authorize(mut self, authorize: Arc<dyn Authorize>) -> Self {
        self.authorize = authorize;
        self
    }

    /// Sets the integration's headers.
    #[must_use]
    pub fn headers(mut self, headers: HeaderMap) -> Self {
        self.headers = headers;
        self
    }

    /// Sets the integration's query parameters.
    #[must_use]
    pub fn query(mut self, query: Vec<(String, String)>) -> Self {
        self.query = query;
        self
    }
}

/// Sends the calls of one connection in one run. Clones share everything.
#[derive(Debug, Clone)]
pub struct Client(Arc<Inner>);

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) parts: ClientParts,
    requests: AtomicU64,
    /// When the oldest request was sent that was answered since this was last asked for.
    oldest: Mutex<Option<i64>>,
}

impl Inner {
    pub(super) fn count(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    fn oldest(&self) -> std::sync::MutexGuard<'_, Option<i64>> {
        // Nothing that holds the lock can leave it half-written.
        self.oldest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Client {
    /// A client of these parts.
    pub fn new(parts: ClientParts) -> Self {
        Self(Arc::new(Inner { parts, requests: AtomicU64::new(0), oldest: Mutex::default() }))
    }

    /// Sends a call and reads its answer.
    ///
    /// # Errors
    ///
    /// [`HttpError`], when the attempts that the call allows are used up.
    pub async fn send(&self, call: &Call) -> Result<Response, HttpError> {
        self.whole(&self.plan(call)?).await
    }

    /// Sends a call and gives its body as it arrives. Tried again as [`Client::send`], up to the first byte.
    ///
    /// # Errors
    ///
    /// [`HttpError`], as [`Client::send`]; later on, in the body, if it breaks off.
    pub async fn stream(&self, call: &Call) -> Result<Streaming, HttpError> {
        self.open(&self.plan(call)?).await
    }

    /// Sends a request that has nothing to do with the connection: no credentials, no base URL, no retries. Every
    /// status is an answer.
    ///
    /// # Errors
    ///
    /// [`HttpError`], if there is no answer.
    pub async fn fetch(&self, request: &Outgoing) -> Result<Response, HttpError> {
        self.whole(&foreign(request)).await
    }

    /// The same with its body as it arrives.
    ///
    /// # Errors
    ///
    /// [`HttpError`], if there is no answer; later on, in the body, if it breaks off.
    pub async fn fetch_stream(&self, request: &Outgoing) -> Result<Streaming, HttpError> {
        self.open(&foreign(request)).await
    }

    /// Where endpoints lie.
    pub fn base_url(&self) -> &Url {
        &self.0.parts.base_url
    }

    /// How many requests were sent, further attempts and redirects included.
    pub fn requests_sent(&self) -> u64 {
        self.0.requests.load(Ordering::Relaxed)
    }

    /// When the oldest request was sent that was answered since this was last asked, microseconds since 1970: how old
    /// the knowledge is that a commit is about to write.
    pub fn take_oldest_request(&self) -> Option<i64> {
        self.0.oldest().take()
    }

    /// The base URL of a call: its own, or the connection's.
    pub(crate) fn base_of(&self, call: &Call) -> Result<Url, HttpError> {
        let Some(text) = &call.base_url else { return Ok(self.0.parts.base_url.clone()) };
        text.parse().ok().filter(Url::has_host).ok_or_else(|| HttpError::Endpoint {
            endpoint: text.split(['?', '#']).next().unwrap_or_default().to_owned(),
            reason: "a base URL is absolute, such as `https://api.example.com/v1`".to_owned(),
        })
    }

    fn plan(&self, call: &Call) -> Result<Plan, HttpError> {
        let base = self.base_of(call)?;
        let url = join::url_of(&base, call)?;
        Ok(Plan {
            method: call.method.clone(),
            trusted: (url.origin() == base.origin()).then(|| base.origin()),
            url,
            headers: call.headers.clone(),
            body: call.body.clone(),
            retries: call.retries,
            retry_on: call.retry_on.clone(),
            accept: Some(call.accept.clone()),
        })
    }

    async fn whole(&self, plan: &Plan) -> Result<Response, HttpError> {
        let (answer, body, attempts) = self.run(plan, false).await?;
        Ok(Response {
            status: answer.status,
            headers: answer.headers,
            url: answer.url,
            body,
            sent_at: answer.sent_at,
            attempts,
            request: answer.sent,
        })
    }

    async fn open(&self, plan: &Plan) -> Result<Streaming, HttpError> {
        let (answer, _, attempts) = self.run(plan, true).await?;
        let sent = super::exchange::name(&answer.sent);
        let body = answer
            .body
            .map(move |piece| piece.map_err(|source| HttpError::Network { sent: sent.clone(), attempts, source }));
        Ok(Streaming { status: answer.status, headers: answer.headers, url: answer.url, body: body.boxed() })
    }

    /// Attempts until an answer is accepted, or no further attempt is due. The body is read unless it is `open`.
    async fn run(&self, plan: &Plan, open: bool) -> Result<(Answer, Bytes, u32), HttpError> {
        let clock = &*self.0.parts.clock;
        let mut attempt = 1;
        loop {
            let more = attempt <= plan.retries;
            let wait = match self.attempt(plan, open).await {
                Ok((answer, body)) if plan.accepts(answer.status) => {
                    let mut oldest = self.0.oldest();
                    *oldest = Some(oldest.map_or(answer.sent_at, |oldest| oldest.min(answer.sent_at)));
                    drop(oldest);
                    return Ok((answer, body, attempt));
                }
                Ok((answer, body)) => {
                    let may_pass = retry::status_may_pass(&plan.method, answer.status, &plan.retry_on, answer.acted);
                    let failure = answer.into_failure(plan, body, attempt);
                    if !more || !may_pass {
                        return Err(HttpError::Status(Box::new(failure)));
                    }
                    self.wait_for(failure, attempt)?
                }
                Err(Fault::Transport(error, acted)) if more && retry::failure_may_pass(&plan.method, &error, acted) => {
                    retry::backoff(attempt, clock)
                }
                Err(Fault::Transport(source, _)) => {
                    return Err(HttpError::Network { sent: plan.name(), attempts: attempt, source });
                }
                Err(Fault::Final(error)) => return Err(error),
            };
            clock.sleep(wait).await;
            if clock.stopped() {
                let source = TransportError::Stopped;
                return Err(HttpError::Network { sent: plan.name(), attempts: attempt, source });
            }
            attempt += 1;
        }
    }

    async fn attempt(&self, plan: &Plan, open: bool) -> Result<(Answer, Bytes), Fault> {
        let mut answer = plan.exchange(&self.0).await?;
        if plan.accepts(answer.status) {
            let body = if open { Bytes::new() } else { answer.read(self.0.parts.max_body).await? };
            return Ok((answer, body));
        }
        // The status is the failure, so that a body that cannot be read does not hide it.
        let body = answer.read(self.0.parts.max_body).await.unwrap_or_default();
        Ok((answer, body))
    }

    fn wait_for(&self, failure: HttpFailure, attempt: u32) -> Result<Duration, HttpError> {
        let Self(inner) = self;
        let now = inner.parts.clock.now();
        let longest = inner.parts.max_wait;
        match retry::demanded(&failure.headers, now) {
            Some(wait) if wait > longest => {
                let micros = i64::try_from(wait.as_micros()).unwrap_or(i64::MAX);
                let until = Timestamp::from_microsecond(now.saturating_add(micros))
                    .unwrap_or(Timestamp::MAX)
                    .strftime("%Y-%m-%dT%H:%M:%SZ")
                    .to_string();
                Err(HttpError::WaitTooLong { failure: Box::new(failure), wait, until, longest })
            }
            Some(wait) => Ok(wait),
            None => Ok(retry::backoff(attempt, &*inner.parts.clock)),
        }
    }
}

/// A request that has nothing to do with the connection, every status of which is an answer.
fn foreign(request: &Outgoing) -> Plan {
    Plan {
        method: request.method.clone(),
        url: request.url.clone(),
        headers: request.headers.clone(),
        body: request.body.clone(),
        trusted: None,
        retries: 0,
        retry_on: Vec::new(),
        accept: None,
    }
}

#[cfg(test)]
mod tests;
