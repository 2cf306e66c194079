//! One attempt: a request, and the redirects that it is sent through.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream::BoxStream};
use reqwest::{
    Method,
    header::{CONTENT_LENGTH, HeaderMap, HeaderValue, LOCATION, USER_AGENT},
};
use url::Url;

use super::{
    Body, ClientParts, CredentialsVersion, HttpError, OutgoingRequest, RedactedRequest, TransportError,
    client::ClientInner,
    endpoint, quota,
    rate_limit::{Outcome, Permit},
    rate_limit_headers::{self, RateLimitHeaders},
    redact,
    retry::RetryAdvice,
    time_spec::TimeSpec,
};
use crate::{error::HttpFailure, redact::Redactor};

/// How many bytes of a failure's body are kept.
const MAX_ERROR_BODY_BYTES: usize = 1 << 20;
/// How many redirects an attempt follows.
const MAX_REDIRECTS: usize = 5;
/// How long an API that refused without saying for how long is left alone.
const DEFAULT_LIMIT_WAIT: Duration = Duration::from_secs(1);
const DEFAULT_USER_AGENT: &str = concat!("nango-rs/", env!("CARGO_PKG_VERSION"));

/// A call that is ready to be attempted.
pub(super) struct PreparedRequest {
    pub(super) method: Method,
    pub(super) url: Url,
    /// Hides the secrets of the connection.
    pub(super) redactor: Redactor,
    /// The caller's headers.
    pub(super) headers: HeaderMap,
    pub(super) body: Body,
    /// Whether the request starts at an origin that gets credentials and the integration's headers.
    pub(super) trusted: bool,
    pub(super) retries: u32,
    pub(super) retry_on: Vec<u16>,
    /// Statuses that are answers beside 200..=299; `None`: all.
    pub(super) accept: Option<Vec<u16>>,
    /// How many bytes of the answer's body are held.
    pub(super) max_body_bytes: u64,
    /// How long one request may take, its answer's body included; `None`: as long as it goes on.
    pub(super) timeout: Option<Duration>,
}

/// Why an attempt has no answer.
pub(super) enum AttemptError {
    /// Another attempt may end otherwise. The flag is [`Answer::acted`].
    Transport(TransportError, bool),
    /// None would.
    Final(HttpError),
}

/// The head of the last answer of an attempt.
pub(super) struct ResponseHead {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) url: Url,
    pub(super) request: RedactedRequest,
    /// URL and headers of the last request, secrets included.
    request_head: (Url, HeaderMap),
    pub(super) sent_at: i64,
    /// The version of the credentials that the last hop was sent with, if it had any.
    pub(super) credentials_version: Option<CredentialsVersion>,
    /// Whether an earlier hop took the request and redirected to its result.
    pub(super) side_effect_possible: bool,
    /// Whether the last hop was sent without credentials because of its origin.
    pub(super) credentials_withheld: bool,
    /// The place in the budget, if only the body of a failure says whether a limit refused the request.
    permit: Option<Permit>,
    pub(super) body: BoxStream<'static, Result<Bytes, TransportError>>,
}

impl PreparedRequest {
    pub(super) fn accepts(&self, status: u16) -> bool {
        (200..300).contains(&status) || self.accept.as_ref().is_none_or(|accept| accept.contains(&status))
    }

    /// Method and place, for errors.
    pub(super) fn describe(&self) -> String {
        format!("{} {}", self.method, redact::redacted_url(&self.redactor.hide_url(self.url.clone())))
    }

    /// Sends the request and follows its redirects. Credentials are put in anew for every hop, and for none after the
    /// first that left the trusted origin: a foreign server must not choose what is asked with them. A provider that
    /// forwards headers vouches for where it redirects to.
    pub(super) async fn send_following_redirects(&self, client: &ClientInner) -> Result<ResponseHead, AttemptError> {
        let sent_at = client.parts.clock.now();
        let mut hop = OutgoingRequest {
            method: self.method.clone(),
            url: self.url.clone(),
            headers: self.headers.clone(),
            body: self.body.clone(),
            timeout: self.timeout,
            max_body_bytes: Some(self.max_body_bytes),
            integration: client.parts.integration.clone(),
        };
        let mut trusted = self.trusted;
        let mut acted = false;
        let mut redirects = 0;
        let mut sent_again = false;
        loop {
            let mut request = hop.clone();
            let (mut stamp, mut permit) = (None, None);
            if trusted {
                // First, so that credentials do not grow old in the line.
                permit =
                    quota::acquire_permit(&client.parts, &client.wait_timer, request.url.path(), || self.describe())
                        .await
                        .map_err(AttemptError::Final)?;
                for (name, value) in &client.parts.headers {
                    if !self.headers.contains_key(name) {
                        request.headers.append(name, value.clone());
                    }
                }
                endpoint::add_query(&mut request.url, &client.parts.query);
                let used = client.parts.authorize.authorize(&mut request).await;
                stamp = Some(used.map_err(|error| AttemptError::Final(error.into()))?);
            }
            request.headers.entry(USER_AGENT).or_insert(HeaderValue::from_static(DEFAULT_USER_AGENT));
            let head = (request.url.clone(), request.headers.clone());
            let sent = RedactedRequest::new(&request.method, &request.url, &request.headers, &client.parts.redactor);
            client.count_request();
            let incoming = match client.parts.transport.send(request).await {
                Ok(incoming) => incoming,
                // The server had closed the connection before the request came: it costs no attempt, once.
                Err(TransportError::StaleConnection(_)) if !sent_again && hop.is_resendable() => {
                    sent_again = true;
                    continue;
                }
                Err(error) => return Err(AttemptError::Transport(error, acted)),
            };

            let failed = incoming.status >= 400;
            let in_body = failed && client.parts.retry.body_wait.is_some() && !self.accepts(incoming.status);
            if let Some(permit) = permit.take_if(|_| !in_body) {
                let limits = RateLimitHeaders::parse(&incoming.headers);
                let verdict = failed.then(|| {
                    let ClientParts { retry, clock, .. } = &client.parts;
                    RetryAdvice::from_head(incoming.status, &incoming.headers, &limits, retry, clock.now())
                });
                report_to_limiter(permit, &incoming.headers, &limits, &hop.url, verdict.as_ref());
            }
            let Some(next) = self.redirect(&hop, incoming.status, &incoming.headers)? else {
                let (status, headers, body) = (incoming.status, incoming.headers, incoming.body);
                let (url, withheld) = (hop.url, !trusted);
                return Ok(ResponseHead {
                    status,
                    headers,
                    url,
                    request: sent,
                    request_head: head,
                    sent_at,
                    credentials_version: stamp,
                    side_effect_possible: acted,
                    credentials_withheld: withheld,
                    permit,
                    body,
                });
            };
            if redirects == MAX_REDIRECTS {
                return Err(self.redirect_error(format!("was redirected more than {MAX_REDIRECTS} times")));
            }
            let left = next.url.origin() != hop.url.origin();
            if hop.url.scheme() == "https" && next.url.scheme() == "http" {
                return Err(self.redirect_error("was redirected from https to http, which is not followed".to_owned()));
            }
            let listed = trusted && client.parts.trusted_origins.contains(&next.url.origin());
            // The body was written for the origin that was asked: what it holds is not for the one that was named now.
            if left && !listed && !next.body.is_empty() {
                let to = redact::redacted_url(&self.redactor.hide_url(next.url.clone()));
                return Err(self.redirect_error(format!(
                    "was redirected to another origin ({to}), and its body does not go there; if that is right, use its \
                     address as the base URL, or list its origin under `trusted_origins` of the integration in nango.toml"
                )));
            }
            acted |= next.method != hop.method;
            if !next.body.is_repeatable() {
                return Err(self
                    .redirect_error("was redirected, and its body is a stream that cannot be sent again".to_owned()));
            }
            hop = next;
            redirects += 1;
            if left && !listed && !(trusted && client.parts.forward_headers) {
                trusted = false;
                hop.headers = redact::non_secret_headers(&hop.headers);
            }
        }
    }

    /// The request that an answer redirects to, if it does.
    fn redirect(
        &self,
        hop: &OutgoingRequest,
        status: u16,
        headers: &HeaderMap,
    ) -> Result<Option<OutgoingRequest>, AttemptError> {
        let wanted = self.accept.as_ref().is_some_and(|accept| accept.contains(&status));
        if wanted || !matches!(status, 301 | 302 | 303 | 307 | 308) {
            return Ok(None);
        }
        let Some(location) = headers.get(LOCATION) else { return Ok(None) };
        let url = location.to_str().ok().and_then(|text| hop.url.join(text).ok());
        let Some(mut url) = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host()) else {
            return Err(self.redirect_error("was redirected to something that is no web address".to_owned()));
        };
        url.set_fragment(None);
        let mut next = OutgoingRequest { url, ..hop.clone() };
        let becomes_get = match status {
            303 => hop.method != Method::HEAD,
            301 | 302 => hop.method == Method::POST,
            _ => false,
        };
        if becomes_get && hop.method != Method::GET {
            next.method = Method::GET;
            next.body = Body::Empty;
            next.headers = hop
                .headers
                .iter()
                .filter(|(name, _)| !name.as_str().starts_with("content-"))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect();
        }
        Ok(Some(next))
    }

    fn redirect_error(&self, reason: String) -> AttemptError {
        AttemptError::Final(HttpError::Redirect { sent: self.describe(), reason })
    }
}

impl ResponseHead {
    /// Reads the body up to `limit` bytes.
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
        AttemptError::Final(HttpError::TooLarge { sent: describe_request(&self.request), limit })
    }

    /// Reads the body of a failure, of which the beginning says enough. One that breaks off does not hide the status.
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

    /// What a failure says about another attempt.
    pub(super) fn retry_advice(&mut self, body: &[u8], parts: &ClientParts) -> RetryAdvice {
        let verdict = RetryAdvice::from_response(self.status, &self.headers, body, &parts.retry, parts.clock.now());
        if let Some(permit) = self.permit.take() {
            report_to_limiter(
                permit,
                &self.headers,
                &RateLimitHeaders::parse(&self.headers),
                &self.url,
                Some(&verdict),
            );
        }
        verdict
    }

    /// The failure without secrets: those of the connection, and those of the request that failed, which a caller or a
    /// signature may have put into it.
    pub(super) fn into_failure(
        self,
        plan: &PreparedRequest,
        mut body: Bytes,
        attempts: u32,
        limited: bool,
    ) -> HttpFailure {
        let redactor = plan.redactor.detached();
        for secret in redact::request_secrets(&self.request_head.0, &self.request_head.1) {
            redactor.add(secret);
        }
        let cut = body.len() >= MAX_ERROR_BODY_BYTES;
        if let Some(hidden) = redactor.hide_bytes(&body) {
            body = hidden.into();
        }
        if cut {
            // The end may hold a part of a secret.
            body.truncate(MAX_ERROR_BODY_BYTES.min(body.len()).saturating_sub(redactor.max_pattern_len()));
        }
        let url = redact::redacted_url(&redactor.hide_url(plan.url.clone()));
        let headers = redactor.hide_headers(self.headers);
        let method = plan.method.to_string();
        HttpFailure { is_rate_limited: limited, ..HttpFailure::new(method, url, self.status, headers, body, attempts) }
    }
}

/// Gives a place back with what an answer says.
fn report_to_limiter(
    permit: Permit,
    headers: &HeaderMap,
    limits: &RateLimitHeaders,
    url: &Url,
    verdict: Option<&RetryAdvice>,
) {
    let refused = verdict
        .filter(|verdict| verdict.limited)
        .map(|verdict| verdict.wait.or(verdict.default_wait).unwrap_or(DEFAULT_LIMIT_WAIT));
    let dated = limits.windows.iter().any(|window| matches!(window.reset, Some(TimeSpec::At(_))));
    let date = dated.then(|| rate_limit_headers::server_date(headers)).flatten();
    permit.complete(&Outcome { path: url.path(), limits, server_date: date, limited_for: refused });
}

/// A body while it is read. One of a single piece, which most are, is not copied.
enum BodyBuffer {
    Single(Bytes),
    Joined(BytesMut),
}

impl BodyBuffer {
    fn append(self, piece: &[u8], announced: Option<u64>) -> Self {
        let mut more = match self {
            Self::Single(first) => {
                let expected = announced.and_then(|length| usize::try_from(length).ok()).unwrap_or(first.len() * 4);
                let mut more = BytesMut::with_capacity(expected);
                more.extend_from_slice(&first);
                more
            }
            Self::Joined(more) => more,
        };
        more.extend_from_slice(piece);
        Self::Joined(more)
    }

    fn into_bytes(self) -> Bytes {
        match self {
            Self::Single(bytes) => bytes,
            Self::Joined(bytes) => bytes.freeze(),
        }
    }
}

/// Method and place, for errors.
pub(super) fn describe_request(sent: &RedactedRequest) -> String {
    format!("{} {}", sent.method, redact::redacted_url(&sent.url))
}
