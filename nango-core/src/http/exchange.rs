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
    Body, ClientParts, HttpError, Outgoing, Sent, Stamp, TransportError,
    budget::{Outcome, Permit},
    client::Inner,
    join,
    limits::{self, Limits},
    moment::Moment,
    quota, redact,
    retry::Verdict,
};
use crate::{error::HttpFailure, redact::Redactor};

/// How many bytes of a failure's body are kept.
const FAILURE_BYTES: usize = 1 << 20;
/// How many redirects an attempt follows.
const MAX_REDIRECTS: usize = 5;
/// How long an API that refused without saying for how long is left alone.
const UNTOLD: Duration = Duration::from_secs(1);
const OUR_AGENT: &str = concat!("nango-rs/", env!("CARGO_PKG_VERSION"));

/// A call that is ready to be attempted.
pub(super) struct Plan {
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
    pub(super) max_body: u64,
    /// How long one request may take, its answer's body included; `None`: as long as it goes on.
    pub(super) timeout: Option<Duration>,
}

/// Why an attempt has no answer.
pub(super) enum Fault {
    /// Another attempt may end otherwise. The flag is [`Answer::acted`].
    Transport(TransportError, bool),
    /// None would.
    Final(HttpError),
}

/// The head of the last answer of an attempt.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) url: Url,
    pub(super) sent: Sent,
    /// URL and headers of the last request, secrets included.
    head: (Url, HeaderMap),
    pub(super) sent_at: i64,
    /// The version of the credentials that the last hop was sent with, if it had any.
    pub(super) stamp: Option<Stamp>,
    /// Whether an earlier hop took the request and redirected to its result.
    pub(super) acted: bool,
    /// Whether the last hop was sent without credentials because of its origin.
    pub(super) withheld: bool,
    /// The place in the budget, if only the body of a failure says whether a limit refused the request.
    permit: Option<Permit>,
    pub(super) body: BoxStream<'static, Result<Bytes, TransportError>>,
}

impl Plan {
    pub(super) fn accepts(&self, status: u16) -> bool {
        (200..300).contains(&status) || self.accept.as_ref().is_none_or(|accept| accept.contains(&status))
    }

    /// Method and place, for errors.
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.method, redact::place(&self.redactor.hide_url(self.url.clone())))
    }

    /// Sends the request and follows its redirects. Credentials are put in anew for every hop, and for none after the
    /// first that left the trusted origin: a foreign server must not choose what is asked with them. A provider that
    /// forwards headers vouches for where it redirects to.
    pub(super) async fn exchange(&self, client: &Inner) -> Result<Answer, Fault> {
        let sent_at = client.parts.clock.now();
        let mut hop = Outgoing {
            method: self.method.clone(),
            url: self.url.clone(),
            headers: self.headers.clone(),
            body: self.body.clone(),
            timeout: self.timeout,
            max_body: Some(self.max_body),
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
                permit = quota::place(&client.parts, &client.waits, request.url.path(), || self.name())
                    .await
                    .map_err(Fault::Final)?;
                for (name, value) in &client.parts.headers {
                    if !self.headers.contains_key(name) {
                        request.headers.append(name, value.clone());
                    }
                }
                join::add_query(&mut request.url, &client.parts.query);
                let used = client.parts.authorize.authorize(&mut request).await;
                stamp = Some(used.map_err(|error| Fault::Final(error.into()))?);
            }
            request.headers.entry(USER_AGENT).or_insert(HeaderValue::from_static(OUR_AGENT));
            let head = (request.url.clone(), request.headers.clone());
            let sent = Sent::of(&request.method, &request.url, &request.headers, &client.parts.redactor);
            client.count();
            let incoming = match client.parts.transport.send(request).await {
                Ok(incoming) => incoming,
                // The server had closed the connection before the request came: it costs no attempt, once.
                Err(TransportError::Stale(_)) if !sent_again && hop.may_be_sent_again() => {
                    sent_again = true;
                    continue;
                }
                Err(error) => return Err(Fault::Transport(error, acted)),
            };

            let failed = incoming.status >= 400;
            let in_body = failed && client.parts.retry.in_body.is_some() && !self.accepts(incoming.status);
            if let Some(permit) = permit.take_if(|_| !in_body) {
                let limits = Limits::read(&incoming.headers);
                let verdict = failed.then(|| {
                    let ClientParts { retry, clock, .. } = &client.parts;
                    Verdict::of_head(incoming.status, &incoming.headers, &limits, retry, clock.now())
                });
                account(permit, &incoming.headers, &limits, &hop.url, verdict.as_ref());
            }
            let Some(next) = self.redirect(&hop, incoming.status, &incoming.headers)? else {
                let (status, headers, body) = (incoming.status, incoming.headers, incoming.body);
                let (url, withheld) = (hop.url, !trusted);
                return Ok(Answer { status, headers, url, sent, head, sent_at, stamp, acted, withheld, permit, body });
            };
            if redirects == MAX_REDIRECTS {
                return Err(self.lost(format!("was redirected more than {MAX_REDIRECTS} times")));
            }
            let left = next.url.origin() != hop.url.origin();
            if hop.url.scheme() == "https" && next.url.scheme() == "http" {
                return Err(self.lost("was redirected from https to http, which is not followed".to_owned()));
            }
            let listed = trusted && client.parts.trusted_origins.contains(&next.url.origin());
            // The body was written for the origin that was asked: what it holds is not for the one that was named now.
            if left && !listed && !next.body.is_empty() {
                let to = redact::place(&self.redactor.hide_url(next.url.clone()));
                return Err(self.lost(format!(
                    "was redirected to another origin ({to}), and its body does not go there; if that is right, use its \
                     address as the base URL, or list its origin under `trusted_origins` of the integration in nango.toml"
                )));
            }
            acted |= next.method != hop.method;
            if !next.body.is_repeatable() {
                return Err(self.lost("was redirected, and its body is a stream that cannot be sent again".to_owned()));
            }
            hop = next;
            redirects += 1;
            if left && !listed && !(trusted && client.parts.forward_headers) {
                trusted = false;
                hop.headers = redact::plain_headers(&hop.headers);
            }
        }
    }

    /// The request that an answer redirects to, if it does.
    fn redirect(&self, hop: &Outgoing, status: u16, headers: &HeaderMap) -> Result<Option<Outgoing>, Fault> {
        let wanted = self.accept.as_ref().is_some_and(|accept| accept.contains(&status));
        if wanted || !matches!(status, 301 | 302 | 303 | 307 | 308) {
            return Ok(None);
        }
        let Some(location) = headers.get(LOCATION) else { return Ok(None) };
        let url = location.to_str().ok().and_then(|text| hop.url.join(text).ok());
        let Some(mut url) = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host()) else {
            return Err(self.lost("was redirected to something that is no web address".to_owned()));
        };
        url.set_fragment(None);
        let mut next = Outgoing { url, ..hop.clone() };
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

    fn lost(&self, reason: String) -> Fault {
        Fault::Final(HttpError::Redirect { sent: self.name(), reason })
    }
}

impl Answer {
    /// Reads the body up to `limit` bytes.
    pub(super) async fn read(&mut self, limit: u64) -> Result<Bytes, Fault> {
        let announced = self.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        if announced.is_some_and(|length| length > limit) {
            return Err(self.too_large(limit));
        }
        let Some(first) = self.piece().await? else { return Ok(Bytes::new()) };
        let mut length = first.len() as u64;
        let mut whole = Whole::One(first);
        while length <= limit {
            let Some(piece) = self.piece().await? else { return Ok(whole.into_bytes()) };
            length += piece.len() as u64;
            whole = whole.and(&piece, announced);
        }
        Err(self.too_large(limit))
    }

    async fn piece(&mut self) -> Result<Option<Bytes>, Fault> {
        self.body.next().await.transpose().map_err(|error| Fault::Transport(error, self.acted))
    }

    fn too_large(&self, limit: u64) -> Fault {
        Fault::Final(HttpError::TooLarge { sent: name(&self.sent), limit })
    }

    /// Reads the body of a failure, of which the beginning says enough. One that breaks off does not hide the status.
    pub(super) async fn read_failure(&mut self) -> Bytes {
        let mut body = BytesMut::new();
        while body.len() < FAILURE_BYTES {
            match self.body.next().await {
                Some(Ok(piece)) => body.extend_from_slice(&piece),
                Some(Err(_)) => return Bytes::new(),
                None => return body.freeze(),
            }
        }
        body.freeze()
    }

    /// What a failure says about another attempt.
    pub(super) fn verdict(&mut self, body: &[u8], parts: &ClientParts) -> Verdict {
        let verdict = Verdict::of(self.status, &self.headers, body, &parts.retry, parts.clock.now());
        if let Some(permit) = self.permit.take() {
            account(permit, &self.headers, &Limits::read(&self.headers), &self.url, Some(&verdict));
        }
        verdict
    }

    /// The failure without secrets: those of the connection, and those of the request that failed, which a caller or a
    /// signature may have put into it.
    pub(super) fn into_failure(self, plan: &Plan, mut body: Bytes, attempts: u32, limited: bool) -> HttpFailure {
        let redactor = plan.redactor.detached();
        for secret in redact::secrets_of(&self.head.0, &self.head.1) {
            redactor.add(secret);
        }
        let cut = body.len() >= FAILURE_BYTES;
        if let Some(hidden) = redactor.hidden(&body) {
            body = hidden.into();
        }
        if cut {
            // The end may hold a part of a secret.
            body.truncate(FAILURE_BYTES.min(body.len()).saturating_sub(redactor.longest()));
        }
        let url = redact::place(&redactor.hide_url(plan.url.clone()));
        let headers = redactor.hide_headers(self.headers);
        let method = plan.method.to_string();
        HttpFailure { limited, ..HttpFailure::new(method, url, self.status, headers, body, attempts) }
    }
}

/// Gives a place back with what an answer says.
fn account(permit: Permit, headers: &HeaderMap, limits: &Limits, url: &Url, verdict: Option<&Verdict>) {
    let refused =
        verdict.filter(|verdict| verdict.limited).map(|verdict| verdict.wait.or(verdict.usual).unwrap_or(UNTOLD));
    let dated = limits.windows.iter().any(|window| matches!(window.reset, Some(Moment::At(_))));
    let date = dated.then(|| limits::date(headers)).flatten();
    permit.answered(&Outcome { path: url.path(), limits, date, refused });
}

/// A body while it is read. One of a single piece, which most are, is not copied.
enum Whole {
    One(Bytes),
    More(BytesMut),
}

impl Whole {
    fn and(self, piece: &[u8], announced: Option<u64>) -> Self {
        let mut more = match self {
            Self::One(first) => {
                let expected = announced.and_then(|length| usize::try_from(length).ok()).unwrap_or(first.len() * 4);
                let mut more = BytesMut::with_capacity(expected);
                more.extend_from_slice(&first);
                more
            }
            Self::More(more) => more,
        };
        more.extend_from_slice(piece);
        Self::More(more)
    }

    fn into_bytes(self) -> Bytes {
        match self {
            Self::One(bytes) => bytes,
            Self::More(bytes) => bytes.freeze(),
        }
    }
}

/// Method and place, for errors.
pub(super) fn name(sent: &Sent) -> String {
    format!("{} {}", sent.method, redact::place(&sent.url))
}
