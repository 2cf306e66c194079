//! Requests: as a caller describes them ([`RequestSpec`]), and as they are sent ([`OutgoingRequest`]).

use std::{fmt, sync::Arc, time::Duration};

use reqwest::{
    Method,
    header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
};
use url::Url;

use super::{Body, Payload, TransportError, redact};
use crate::declare::ErrorAt;

/// Description of a request by a function: relative to the connection's base URL, and without credentials.
#[derive(Clone)]
#[non_exhaustive]
pub struct RequestSpec {
    /// The HTTP method.
    pub method: Method,
    /// The path below the base URL, with or without a query, or an absolute URL. An absolute URL of another
    /// origin than the base URL's is requested without credentials.
    pub endpoint: String,
    /// Query parameters; they replace those of the same name in `endpoint`.
    pub query: Vec<(String, String)>,
    /// Headers; they override the integration's, which override the provider's.
    pub headers: HeaderMap,
    /// The request body.
    pub body: Body,
    /// Maximum number of retries after a failed attempt. Default 0.
    pub retries: u32,
    /// Statuses that are retried with every method, in addition to the default ones.
    pub retry_on: Vec<u16>,
    /// Statuses outside 200..=299 that count as success.
    pub accept: Vec<u16>,
    /// Limit of the buffered response body in bytes, in place of the client's limit.
    pub max_body_bytes: Option<u64>,
    /// Timeout of one request including its response body, in place of the client's.
    pub timeout: Option<Duration>,
    /// Whether the request only reads, whatever its method: it is resent as a `GET` is, and a redirect with status 301
    /// or 302 keeps its method and body. Default `false`.
    pub is_read: bool,
    /// Errors in successful responses. They are checked by the reader of the body, not by the client.
    pub error_at: Vec<ErrorAt>,
    /// Base URL of this request, in place of the connection's; the caller vouches for it: credentials are sent to its
    /// origin.
    pub base_url: Option<String>,
    /// Id of the record whose list the request reads, for recordings of runs. `None`: the list has no parent.
    pub parent: Option<Arc<str>>,
}

impl RequestSpec {
    /// Creates a request without parameters, headers, body and retries.
    pub fn new(method: Method, endpoint: impl Into<String>) -> Self {
        Self {
            method,
            endpoint: endpoint.into(),
            query: Vec::new(),
            headers: HeaderMap::new(),
            body: Body::Empty,
            retries: 0,
            retry_on: Vec::new(),
            accept: Vec::new(),
            max_body_bytes: None,
            timeout: None,
            is_read: false,
            error_at: Vec::new(),
            base_url: None,
            parent: None,
        }
    }

    /// Creates a `GET` request.
    pub fn get(endpoint: impl Into<String>) -> Self {
        Self::new(Method::GET, endpoint)
    }

    /// Adds a query parameter.
    #[must_use]
    pub fn query(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.query.push((name.into(), value.into()));
        self
    }

    /// Sets a header, replacing one of the same name.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Sets the request body.
    #[must_use]
    pub fn body(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    /// Sets the maximum number of retries after a failed attempt.
    #[must_use]
    pub fn retries(mut self, retries: u32) -> Self {
        self.retries = retries;
        self
    }

    /// Removes the headers that look like secrets, for a URL that the caller did not choose.
    pub(crate) fn without_secrets(mut self) -> Self {
        self.headers = redact::non_secret_headers(&self.headers);
        self
    }

    /// Adds statuses that count as success.
    #[must_use]
    pub fn accept(mut self, statuses: impl IntoIterator<Item = u16>) -> Self {
        self.accept.extend(statuses);
        self
    }
}

impl fmt::Debug for RequestSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestSpec")
            .field("method", &self.method)
            .field("endpoint", &self.endpoint.split(['?', '#']).next().unwrap_or_default())
            .field("headers", &redact::redact_headers(&self.headers))
            .field("body", &self.body)
            .field("retries", &self.retries)
            .finish_non_exhaustive()
    }
}

/// A request that is ready to be sent.
#[derive(Clone)]
pub struct OutgoingRequest {
    /// The HTTP method.
    pub method: Method,
    /// The URL, with its query.
    pub url: Url,
    /// The headers, including credentials.
    pub headers: HeaderMap,
    /// The request body.
    pub body: Body,
    /// Timeout including the response body; `None`: the client's default, or no timeout for a stream.
    pub timeout: Option<Duration>,
    /// Limit of the buffered response body in bytes; `None`: the client's limit.
    pub max_body_bytes: Option<u64>,
    /// The requesting integration, whose exceptions of the egress policy apply. `None`: no exceptions.
    pub integration: Option<Arc<str>>,
    /// Id of the record whose list the request reads, see [`RequestSpec::parent`].
    pub parent: Option<Arc<str>>,
    /// The request before credentials were added, if the run is recorded.
    pub(crate) unauthorized: Option<Arc<UnauthorizedRequest>>,
}

/// URL, headers and body of a request before the credentials of the connection were added.
#[derive(Clone)]
pub(crate) struct UnauthorizedRequest {
    /// The URL, with its query.
    pub(crate) url: Url,
    /// The headers.
    pub(crate) headers: HeaderMap,
    /// The request body.
    pub(crate) body: Body,
}

impl OutgoingRequest {
    /// Creates a request without headers and body.
    pub fn new(method: Method, url: Url) -> Self {
        Self {
            method,
            url,
            headers: HeaderMap::new(),
            body: Body::Empty,
            timeout: None,
            max_body_bytes: None,
            integration: None,
            parent: None,
            unauthorized: None,
        }
    }

    /// Returns the request without credentials, for a recording. Called before they are added.
    pub(crate) fn to_unauthorized(&self) -> UnauthorizedRequest {
        UnauthorizedRequest { url: self.url.clone(), headers: self.headers.clone(), body: self.body.clone() }
    }

    /// Returns method, URL, headers (including the body's content type) and payload.
    ///
    /// # Errors
    ///
    /// Fails if the body is a stream that was already sent.
    pub fn into_parts(self) -> Result<(Method, Url, HeaderMap, Payload), TransportError> {
        let Self { method, url, mut headers, body, .. } = self;
        let (payload, content_type) = body.into_payload()?;
        if let Some(content_type) = content_type {
            headers.entry(CONTENT_TYPE).or_insert(content_type);
        }
        Ok((method, url, headers, payload))
    }
}

impl fmt::Debug for OutgoingRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutgoingRequest")
            .field("method", &self.method)
            .field("url", &redact::redact_url(&self.url).as_str())
            .field("headers", &redact::redact_headers(&self.headers))
            .field("body", &self.body)
            .finish_non_exhaustive()
    }
}

/// Shown without secrets, like [`OutgoingRequest`].
impl fmt::Debug for UnauthorizedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnauthorizedRequest")
            .field("url", &redact::redact_url(&self.url).as_str())
            .field("body", &self.body)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_form_of_request_shows_no_secret() {
        let mut request =
            OutgoingRequest::new(Method::POST, "https://u:hush@h.test/?api_key=hush&a=1".parse().unwrap());
        request.headers.insert("authorization", HeaderValue::from_static("Bearer hush"));
        let mut marked = HeaderValue::from_static("hush");
        marked.set_sensitive(true);
        request.headers.insert("x-plain", marked);
        request.body = Body::Json("{\"password\":\"hush\"}".into());
        let shown = format!("{request:?}");
        assert!(!shown.contains("hush") && shown.contains("a=1"), "{shown}");

        let spec =
            RequestSpec::get("/x?api_key=hush").header("x-api-key".parse().unwrap(), HeaderValue::from_static("hush"));
        assert!(!format!("{spec:?}").contains("hush"));
    }

    #[test]
    fn body_sets_content_type_unless_given() {
        let mut request = OutgoingRequest::new(Method::POST, "https://h.test/".parse().unwrap());
        request.body = Body::Form(vec![("a b".into(), "c&d".into())]);
        let (_, _, headers, payload) = request.clone().into_parts().unwrap();
        assert_eq!(headers["content-type"], "application/x-www-form-urlencoded");
        assert!(matches!(payload, Payload::Full(bytes) if bytes == "a+b=c%26d"));
        request.headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        assert_eq!(request.into_parts().unwrap().2["content-type"], "text/plain");
    }
}
