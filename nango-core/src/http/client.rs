//! HTTP client of one connection in one run: retries, credentials refresh after a 401, and waits for rate limits.
//!
//! The cancellation of the run is observed here, for all requests: it ends a request in progress, its waits and the
//! body of a streamed response, with [`TransportError::Cancelled`](super::TransportError::Cancelled).

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::StreamExt;
use url::Url;

use super::{
    ClientParts, CredentialsVersion, HttpError, OutgoingRequest, RequestSpec, Response, StreamingResponse,
    attempt::{AttemptError, PreparedRequest, ResponseHead, describe_request},
    cancellation::{cancelled, end_when_cancelled},
    client_state::ClientState,
    endpoint,
    endpoint_error::EndpointError,
    limit_wait,
    retry::{self, RetryAdvice},
};
use crate::{error::HttpFailure, redact::Redactor, time::Timestamp};

/// Sends the requests of one connection in one run. Clones share all state.
#[derive(Debug, Clone)]
pub struct Client(Arc<ClientState>);

impl Client {
    /// Creates a client from its parts.
    pub fn new(parts: ClientParts) -> Self {
        Self(Arc::new(ClientState::new(parts)))
    }

    /// Sends a request and reads the whole response.
    ///
    /// # Errors
    ///
    /// Fails with an [`HttpError`] if all attempts that the request allows have failed.
    pub async fn send(&self, spec: &RequestSpec) -> Result<Response, HttpError> {
        self.send_buffered(&self.prepare(spec)?).await
    }

    /// Sends a request and returns its body as a stream. Retries as [`Client::send`], up to the first byte of the body.
    ///
    /// # Errors
    ///
    /// Fails like [`Client::send`], and later, in the body, if the connection is lost.
    pub async fn stream(&self, spec: &RequestSpec) -> Result<StreamingResponse, HttpError> {
        self.send_streaming(self.prepare(spec)?).await
    }

    /// Sends a request that does not belong to the connection: no credentials, no base URL, no retries. Every status is
    /// returned as a response.
    ///
    /// # Errors
    ///
    /// Fails with an [`HttpError`] if there is no response.
    pub async fn fetch(&self, request: &OutgoingRequest) -> Result<Response, HttpError> {
        self.send_buffered(&self.prepare_external(request)).await
    }

    /// Sends a request as [`Client::fetch`] and returns its body as a stream.
    ///
    /// # Errors
    ///
    /// Fails with an [`HttpError`] if there is no response, and later, in the body, if the connection is lost.
    pub async fn fetch_stream(&self, request: &OutgoingRequest) -> Result<StreamingResponse, HttpError> {
        self.send_streaming(self.prepare_external(request)).await
    }

    /// Returns the base URL of the connection.
    pub fn base_url(&self) -> &Url {
        &self.0.parts.base_url
    }

    /// Returns the number of requests sent, including further attempts and redirects.
    pub fn requests_sent(&self) -> u64 {
        self.0.requests_sent()
    }

    /// Returns the total time that the client has waited for rate limits.
    pub fn rate_limit_wait(&self) -> Duration {
        self.0.wait_timer.total()
    }

    /// Returns and resets the send time of the oldest request with a response since the last call: the age of the
    /// data that a commit is about to write.
    pub fn take_oldest_request(&self) -> Option<Timestamp> {
        self.0.take_oldest_sent_at()
    }

    /// Returns the base URL of a request: its own, or the connection's.
    pub(crate) fn base_url_for(&self, spec: &RequestSpec) -> Result<Url, HttpError> {
        let Some(text) = &spec.base_url else { return Ok(self.0.parts.base_url.clone()) };
        text.parse().ok().filter(Url::has_host).ok_or_else(|| HttpError::Endpoint {
            endpoint: text.split(['?', '#']).next().unwrap_or_default().to_owned(),
            source: EndpointError::RelativeBase,
        })
    }

    /// Returns the URL of a request, without credentials.
    pub(crate) fn url_for(&self, spec: &RequestSpec) -> Result<Url, HttpError> {
        endpoint::endpoint_url(&self.base_url_for(spec)?, spec)
    }

    /// Returns whether requests to a URL get the connection's credentials: it has the origin of the base URL, or a
    /// trusted one.
    pub(crate) fn is_trusted_origin(&self, base: &Url, url: &Url) -> bool {
        url.origin() == base.origin() || self.0.parts.trusted_origins.contains(&url.origin())
    }

    /// Returns the redactor of the connection's secrets.
    pub(crate) fn redactor(&self) -> &Redactor {
        &self.0.parts.redactor
    }

    /// Returns the current time.
    pub(crate) fn now(&self) -> Timestamp {
        self.0.parts.clock.now()
    }

    fn prepare(&self, spec: &RequestSpec) -> Result<PreparedRequest, HttpError> {
        let base = self.base_url_for(spec)?;
        let url = endpoint::endpoint_url(&base, spec)?;
        if spec.retries > 0 && !spec.body.is_repeatable() {
            return Err(HttpError::Body {
                endpoint: spec.endpoint.split(['?', '#']).next().unwrap_or_default().to_owned(),
                reason: "is a stream, which cannot be sent again: remove `.retries(…)`, or pass the body as bytes",
            });
        }
        Ok(PreparedRequest {
            method: spec.method.clone(),
            trusted: self.is_trusted_origin(&base, &url),
            url,
            redactor: self.0.parts.redactor.clone(),
            headers: spec.headers.clone(),
            body: spec.body.clone(),
            retries: spec.retries,
            retry_on: spec.retry_on.clone(),
            parent: spec.parent.clone(),
            is_read: spec.is_read,
            accept: Some(spec.accept.clone()),
            max_body_bytes: spec.max_body_bytes.unwrap_or(self.0.parts.max_body_bytes),
            timeout: Some(spec.timeout.unwrap_or(self.0.parts.timeout)),
        })
    }

    /// Prepares a request that does not belong to the connection; it accepts every status.
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
            parent: request.parent.clone(),
            is_read: false,
            accept: None,
            max_body_bytes: request.max_body_bytes.unwrap_or(self.0.parts.max_body_bytes),
            timeout: Some(request.timeout.unwrap_or(self.0.parts.timeout)),
        }
    }

    async fn send_buffered(&self, prepared: &PreparedRequest) -> Result<Response, HttpError> {
        let (response, body, attempts) = self.send_with_retries(prepared, false).await?;
        Ok(Response {
            status: response.status,
            headers: response.headers,
            url: response.url,
            body,
            sent_at: response.sent_at,
            attempts,
            request: response.request,
            credentials_withheld: response.credentials_withheld,
            redactor: prepared.redactor.clone(),
            request_head: Arc::new(response.request_head),
        })
    }

    async fn send_streaming(&self, mut prepared: PreparedRequest) -> Result<StreamingResponse, HttpError> {
        // The reader sets the speed of a stream; only the idle timeout bounds it.
        prepared.timeout = None;
        let (response, _, attempts) = self.send_with_retries(&prepared, true).await?;
        let request = describe_request(&response.request);
        let body = end_when_cancelled(self.0.parts.cancellation.clone(), response.body).map(move |piece| {
            piece.map_err(|source| HttpError::Network { request: request.clone(), attempts, source })
        });
        Ok(StreamingResponse {
            status: response.status,
            headers: response.headers,
            url: response.url,
            body: body.boxed(),
        })
    }

    /// Repeats attempts until a response is accepted or no retry is allowed. Returns the response, its body (empty if
    /// `streaming`) and the number of attempts.
    async fn send_with_retries(
        &self,
        prepared: &PreparedRequest,
        streaming: bool,
    ) -> Result<(ResponseHead, Bytes, u32), HttpError> {
        let started = AtomicU32::new(0);
        tokio::select! {
            biased;
            response = self.repeat_attempts(prepared, streaming, &started) => response,
            () = self.0.parts.cancellation.cancelled() => Err(cancelled(prepared, started.load(Ordering::Relaxed))),
        }
    }

    /// Implements [`send_with_retries`](Self::send_with_retries) without its cancellation. `started` is the number of
    /// attempts that began.
    async fn repeat_attempts(
        &self,
        prepared: &PreparedRequest,
        streaming: bool,
        started: &AtomicU32,
    ) -> Result<(ResponseHead, Bytes, u32), HttpError> {
        let clock = &*self.0.parts.clock;
        let mut attempt = 1;
        // The resend with refreshed credentials counts as sent, but not as one of the allowed attempts.
        let mut refreshed = false;
        loop {
            let more = attempt <= prepared.retries;
            let sent = attempt + u32::from(refreshed);
            started.store(sent, Ordering::Relaxed);
            let outcome = self.attempt(prepared, streaming).await;
            let rejected = outcome
                .as_ref()
                .ok()
                .filter(|_| !refreshed)
                .and_then(|(response, ..)| rejected_credentials(prepared, response));
            if let Some(used) = rejected {
                match self.0.parts.authorize.on_unauthorized(used).await {
                    Ok(true) => {
                        refreshed = true;
                        continue;
                    }
                    // A caller that accepts 401 receives that response even if the refresh failed.
                    Err(error) if !prepared.accepts(401) => return Err(error.into()),
                    _ => {}
                }
            }
            let mut limited = false;
            let wait = match outcome {
                Ok((response, body, None)) => {
                    self.0.record_sent_at(response.sent_at);
                    return Ok((response, body, sent));
                }
                Ok((response, body, Some(advice))) => {
                    let side_effect_possible = response.side_effect_possible;
                    limited = advice.limited;
                    let failure = response.into_failure(prepared, body, sent, limited);
                    if !more {
                        return Err(HttpError::Status(Box::new(failure)));
                    }
                    self.retry_wait(prepared, failure, &advice, side_effect_possible, attempt)?
                }
                Err(AttemptError::Transport(error, side_effect_possible))
                    if more
                        && retry::is_transport_error_retryable(
                            prepared.retry_method(),
                            &error,
                            side_effect_possible,
                        ) =>
                {
                    retry::backoff(attempt, clock)
                }
                Err(AttemptError::Transport(source, _)) => {
                    return Err(HttpError::Network { request: prepared.describe(), attempts: sent, source });
                }
                Err(AttemptError::Final(error)) => return Err(error),
            };
            let waiting = limited.then(|| self.0.wait_timer.start(&self.0.parts));
            if limited {
                limit_wait::report_wait(&self.0.parts, wait);
            }
            clock.sleep(wait).await;
            drop(waiting);
            // A wait that ends at the same time as the run must not lead to another attempt.
            if self.0.parts.cancellation.is_cancelled() {
                return Err(cancelled(prepared, sent));
            }
            attempt += 1;
        }
    }

    /// Sends one attempt. The result has no [`RetryAdvice`] if the response is accepted.
    async fn attempt(
        &self,
        prepared: &PreparedRequest,
        streaming: bool,
    ) -> Result<(ResponseHead, Bytes, Option<RetryAdvice>), AttemptError> {
        let mut response = prepared.send_following_redirects(&self.0).await?;
        if prepared.accepts(response.status) {
            let body = if streaming { Bytes::new() } else { response.read_body(prepared.max_body_bytes).await? };
            return Ok((response, body, None));
        }
        // The status is the failure; an unreadable body must not hide it.
        let body = response.read_error_body().await;
        let advice = response.retry_advice(&body, &self.0.parts);
        Ok((response, body, Some(advice)))
    }

    /// Returns the wait before the next attempt after a failure; the failure itself if no retry is allowed.
    fn retry_wait(
        &self,
        prepared: &PreparedRequest,
        failure: HttpFailure,
        advice: &RetryAdvice,
        side_effect_possible: bool,
        attempt: u32,
    ) -> Result<Duration, HttpError> {
        let ClientParts { retry: rules, clock, max_wait: longest, .. } = &self.0.parts;
        if !retry::is_status_retryable(
            prepared.retry_method(),
            failure.status,
            &prepared.retry_on,
            side_effect_possible,
            advice.limited,
            rules,
        ) {
            return Err(HttpError::Status(Box::new(failure)));
        }
        match advice.wait {
            Some(wait) if wait > *longest => {
                let until = clock.now() + wait;
                Err(HttpError::WaitTooLong { failure: Box::new(failure), wait, until, max_wait: *longest })
            }
            Some(wait) => Ok(retry::demanded_wait(wait, attempt)),
            None => Ok(match advice.default_wait {
                Some(wait) => retry::default_limit_wait(wait, attempt).min(*longest),
                None => retry::backoff(attempt, &**clock),
            }),
        }
    }
}

/// Returns the version of the credentials that the API rejected, if the request may be resent with newer ones. A
/// rejected request had no side effect, so its method does not matter, unless an earlier hop accepted it and only its
/// result was rejected.
fn rejected_credentials(prepared: &PreparedRequest, response: &ResponseHead) -> Option<CredentialsVersion> {
    let is_resendable =
        prepared.body.is_repeatable() && retry::may_resend(prepared.retry_method(), response.side_effect_possible);
    response.credentials_version.filter(|_| response.status == 401 && is_resendable)
}

#[cfg(test)]
mod tests;
