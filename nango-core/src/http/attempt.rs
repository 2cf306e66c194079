//! One attempt of a request, including the redirects that it follows.

mod body_buffer;
mod redirect;

use std::{sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream::BoxStream};
use reqwest::{
    Method,
    header::{CONTENT_LENGTH, HeaderMap, HeaderValue, USER_AGENT},
};
use url::Url;

use super::{
    Body, ClientParts, CredentialsVersion, HttpError, OutgoingRequest, RedactedRequest, TransportError,
    client_state::ClientState,
    endpoint, limit_wait,
    rate_limit::{Outcome, Permit},
    rate_limit_headers::{self, RateLimitHeaders},
    redact,
    redacted_failure::{MAX_ERROR_BODY_BYTES, RequestHead, redacted_failure, redactor_of},
    retry::{self, RetryAdvice},
};
use crate::{
    error::HttpFailure,
    redact::Redactor,
    time::{TimeSpec, Timestamp},
};
use body_buffer::BodyBuffer;
use redirect::InvalidLocation;

/// Maximum number of redirects that one attempt follows.
const MAX_REDIRECTS: usize = 5;
/// Wait after a rate-limited response that requires none itself.
const DEFAULT_LIMIT_WAIT: Duration = Duration::from_secs(1);
const DEFAULT_USER_AGENT: &str = concat!("nango-rs/", env!("CARGO_PKG_VERSION"));

/// A request with its final URL, limits and retry rules, ready for its attempts.
pub(super) struct PreparedRequest {
    pub(super) method: Method,
    pub(super) url: Url,
    /// Redacts the secrets of the connection.
    pub(super) redactor: Redactor,
    /// The caller's headers.
    pub(super) headers: HeaderMap,
    pub(super) body: Body,
    /// Whether the URL is of an origin that receives credentials and the integration's headers.
    pub(super) trusted: bool,
    pub(super) retries: u32,
    pub(super) retry_on: Vec<u16>,
    /// Id of the record whose list the request reads, see [`RequestSpec::parent`](super::RequestSpec::parent).
    pub(super) parent: Option<Arc<str>>,
    /// Whether the request only reads, see [`RequestSpec::is_read`](super::RequestSpec::is_read).
    pub(super) is_read: bool,
    /// Statuses that count as success besides 200..=299; `None`: all.
    pub(super) accept: Option<Vec<u16>>,
    /// Limit of a buffered response body, in bytes.
    pub(super) max_body_bytes: u64,
    /// Timeout of one request including its response body; `None`: no timeout.
    pub(super) timeout: Option<Duration>,
}

/// Reason why an attempt has no response.
pub(super) enum AttemptError {
    /// A failed exchange that another attempt may fix. The flag is [`ResponseHead::side_effect_possible`].
    Transport(TransportError, bool),
    /// An error that another attempt cannot fix.
    Final(HttpError),
}

/// The final response of an attempt: its head, and its unread body.
pub(super) struct ResponseHead {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) url: Url,
    pub(super) request: RedactedRequest,
    /// Head of the last request.
    pub(super) request_head: RequestHead,
    pub(super) sent_at: Timestamp,
    /// The version of the credentials that the last hop was sent with, if it had any.
    pub(super) credentials_version: Option<CredentialsVersion>,
    /// Whether an earlier hop accepted the request and redirected to its result.
    pub(super) side_effect_possible: bool,
    /// Whether the last hop was sent without credentials because of its origin.
    pub(super) credentials_withheld: bool,
    /// The rate-limit permit, kept if only the body of a failure shows whether a limit refused the request.
    permit: Option<Permit>,
    pub(super) body: BoxStream<'static, Result<Bytes, TransportError>>,
}

impl PreparedRequest {
    pub(super) fn accepts(&self, status: u16) -> bool {
        (200..300).contains(&status) || self.accept.as_ref().is_none_or(|accept| accept.contains(&status))
    }

    /// Returns the method by which the rules of retries decide: `GET` for a request that only reads.
    pub(super) fn retry_method(&self) -> &Method {
        if self.is_read { &Method::GET } else { &self.method }
    }

    /// Returns whether a hop can be sent twice with the effect of one.
    fn is_resendable(&self, hop: &OutgoingRequest) -> bool {
        (self.is_read || retry::is_idempotent(&hop.method)) && hop.body.is_repeatable()
    }

    /// Returns the method and redacted URL, for errors.
    pub(super) fn describe(&self) -> String {
        format!("{} {}", self.method, redact::redacted_url(&self.redactor.hide_url(self.url.clone())))
    }

    /// Sends the request and follows its redirects. Credentials are added anew for every hop, and for no hop after the
    /// first that left the trusted origin: a foreign server must not choose what is requested with them. A provider
    /// whose entry forwards headers vouches for the targets of its redirects.
    pub(super) async fn send_following_redirects(&self, client: &ClientState) -> Result<ResponseHead, AttemptError> {
        let sent_at = client.parts.clock.now();
        let mut hop = OutgoingRequest {
            method: self.method.clone(),
            url: self.url.clone(),
            headers: self.headers.clone(),
            body: self.body.clone(),
            timeout: self.timeout,
            max_body_bytes: Some(self.max_body_bytes),
            integration: client.parts.integration.clone(),
            parent: self.parent.clone(),
            unauthorized: None,
        };
        let mut trusted = self.trusted;
        let mut side_effect_possible = false;
        let mut redirects = 0;
        let mut sent_again = false;
        loop {
            let mut request = hop.clone();
            let (mut version, mut permit) = (None, None);
            if trusted {
                // Acquired before the credentials, so that they do not expire in the wait queue.
                permit = limit_wait::acquire_permit(&client.parts, &client.wait_timer, request.url.path(), || {
                    self.describe()
                })
                .await
                .map_err(AttemptError::Final)?;
                for (name, value) in &client.parts.headers {
                    if !self.headers.contains_key(name) {
                        request.headers.append(name, value.clone());
                    }
                }
                endpoint::add_query(&mut request.url, &client.parts.query);
                let used = client.parts.authorize.authorize(&mut request).await;
                version = Some(used.map_err(|error| AttemptError::Final(error.into()))?);
            }
            request.headers.entry(USER_AGENT).or_insert(HeaderValue::from_static(DEFAULT_USER_AGENT));
            let head = (request.url.clone(), request.headers.clone());
            let masked = RedactedRequest::new(&request.method, &request.url, &request.headers, &client.parts.redactor);
            client.count_request();
            let response = match client.parts.transport.send(request).await {
                Ok(response) => response,
                // The server closed the connection before the request arrived: resent once without counting as an
                // attempt.
                Err(TransportError::StaleConnection(_)) if !sent_again && self.is_resendable(&hop) => {
                    sent_again = true;
                    continue;
                }
                Err(error) => return Err(AttemptError::Transport(error, side_effect_possible)),
            };

            let failed = response.status >= 400;
            let in_body = failed && client.parts.retry.body_wait.is_some() && !self.accepts(response.status);
            if let Some(permit) = permit.take_if(|_| !in_body) {
                let limits = RateLimitHeaders::parse(&response.headers);
                let advice = failed.then(|| {
                    let ClientParts { retry, clock, .. } = &client.parts;
                    RetryAdvice::from_head(response.status, &response.headers, &limits, retry, clock.now())
                });
                report_to_limiter(permit, &response.headers, &limits, &hop.url, advice.as_ref());
            }
            let Some(next) = self.next_hop(&hop, response.status, &response.headers)? else {
                let (status, headers, body) = (response.status, response.headers, response.body);
                let (url, withheld) = (hop.url, !trusted);
                return Ok(ResponseHead {
                    status,
                    headers,
                    url,
                    request: masked,
                    request_head: head,
                    sent_at,
                    credentials_version: version,
                    side_effect_possible,
                    credentials_withheld: withheld,
                    permit,
                    body,
                });
            };
            if redirects == MAX_REDIRECTS {
                return Err(self.redirect_error(format!("was redirected more than {MAX_REDIRECTS} times")));
            }
            let is_other_origin = next.url.origin() != hop.url.origin();
            if hop.url.scheme() == "https" && next.url.scheme() == "http" {
                return Err(self.redirect_error("was redirected from https to http, which is not followed".to_owned()));
            }
            let listed = trusted && client.parts.trusted_origins.contains(&next.url.origin());
            // The caller chose the origin that receives the body; a redirect must not send it to another one.
            if is_other_origin && !listed && !next.body.is_empty() {
                let to = redact::redacted_url(&self.redactor.hide_url(next.url.clone()));
                return Err(self.redirect_error(format!(
                    "was redirected to another origin ({to}), which does not receive its body; to allow this, use that \
                     address as the base URL, or list its origin under `trusted_origins` of the integration in \
                     nango.toml"
                )));
            }
            side_effect_possible |= next.method != hop.method && !self.is_read;
            if !next.body.is_repeatable() {
                return Err(self.redirect_error(
                    "was redirected, and its body is a stream, which cannot be sent again".to_owned(),
                ));
            }
            hop = next;
            redirects += 1;
            if is_other_origin && !listed && !(trusted && client.parts.forward_headers) {
                trusted = false;
                hop.headers = redact::non_secret_headers(&hop.headers);
            }
        }
    }

    /// Returns the next request of a redirect; `None` if the response is no redirect that is followed.
    fn next_hop(
        &self,
        hop: &OutgoingRequest,
        status: u16,
        headers: &HeaderMap,
    ) -> Result<Option<OutgoingRequest>, AttemptError> {
        if self.accept.as_ref().is_some_and(|accept| accept.contains(&status)) {
            return Ok(None);
        }
        redirect::next_request(hop, status, headers, self.is_read).map_err(|InvalidLocation| {
            self.redirect_error("was redirected to a location that is not an http or https URL".to_owned())
        })
    }

    fn redirect_error(&self, reason: String) -> AttemptError {
        AttemptError::Final(HttpError::Redirect { request: self.describe(), reason })
    }
}

impl ResponseHead {
    /// Reads the body, at most `limit` bytes; a longer one is an error.
    pub(super) async fn read_body(&mut self, limit: u64) -> Result<Bytes, AttemptError> {
        let announced = self.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        if announced.is_some_and(|length| length > limit) {
            return Err(self.too_large(limit));
        }
        let Some(first) = self.next_chunk().await? else { return Ok(Bytes::new()) };
        let mut length = first.len() as u64;
        let mut whole = BodyBuffer::Single(first);
        while length <= limit {
            let Some(piece) = self.next_chunk().await? else { return Ok(whole.into_bytes()) };
            length += piece.len() as u64;
            whole = whole.append(&piece, announced);
        }
        Err(self.too_large(limit))
    }

    async fn next_chunk(&mut self) -> Result<Option<Bytes>, AttemptError> {
        self.body.next().await.transpose().map_err(|error| AttemptError::Transport(error, self.side_effect_possible))
    }

    fn too_large(&self, limit: u64) -> AttemptError {
        AttemptError::Final(HttpError::TooLarge { request: describe_request(&self.request), limit })
    }

    /// Reads the body of a failure, up to [`MAX_ERROR_BODY_BYTES`]. An interrupted body becomes empty, so that the
    /// error still reports the status.
    pub(super) async fn read_error_body(&mut self) -> Bytes {
        let mut body = BytesMut::new();
        while body.len() < MAX_ERROR_BODY_BYTES {
            match self.body.next().await {
                Some(Ok(piece)) => body.extend_from_slice(&piece),
                Some(Err(_)) => return Bytes::new(),
                None => return body.freeze(),
            }
        }
        body.freeze()
    }

    /// Reads from a failure whether and when another attempt makes sense, and releases the permit that waited for it.
    pub(super) fn retry_advice(&mut self, body: &[u8], parts: &ClientParts) -> RetryAdvice {
        let advice = RetryAdvice::from_response(self.status, &self.headers, body, &parts.retry, parts.clock.now());
        if let Some(permit) = self.permit.take() {
            report_to_limiter(permit, &self.headers, &RateLimitHeaders::parse(&self.headers), &self.url, Some(&advice));
        }
        advice
    }

    /// Converts the response into a failure without secrets: those of the connection, and those of the failed request,
    /// which the caller or a signature may have added.
    pub(super) fn into_failure(
        self,
        prepared: &PreparedRequest,
        body: Bytes,
        attempts: u32,
        limited: bool,
    ) -> HttpFailure {
        let redactor = redactor_of(&prepared.redactor, &self.request_head);
        let response = (self.status, self.headers, body);
        let failure = redacted_failure(&redactor, (&prepared.method, &prepared.url), response, attempts);
        HttpFailure { is_rate_limited: limited, ..failure }
    }
}

/// Releases a permit with what a response reports about the rate limit.
fn report_to_limiter(
    permit: Permit,
    headers: &HeaderMap,
    limits: &RateLimitHeaders,
    url: &Url,
    advice: Option<&RetryAdvice>,
) {
    let limited_for = advice
        .filter(|advice| advice.limited)
        .map(|advice| advice.wait.or(advice.default_wait).unwrap_or(DEFAULT_LIMIT_WAIT));
    let dated = limits.windows.iter().any(|window| matches!(window.reset, Some(TimeSpec::At(_))));
    let date = dated.then(|| rate_limit_headers::server_date(headers)).flatten();
    permit.complete(&Outcome { path: url.path(), limits, server_date: date, limited_for });
}

/// Returns the method and redacted URL of a sent request, for errors.
pub(super) fn describe_request(request: &RedactedRequest) -> String {
    format!("{} {}", request.method, redact::redacted_url(&request.url))
}
