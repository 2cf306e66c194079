//! What a caller asks for ([`Call`]), and what leaves the house ([`Outgoing`]).

use std::{fmt, sync::Arc, time::Duration};

use reqwest::{
    Method,
    header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
};
use url::Url;

use super::{Body, Payload, TransportError, redact, retry};

/// A request as a function writes it: relative to the connection's base URL, and without credentials.
#[derive(Clone)]
#[non_exhaustive]
pub struct RequestSpec {
    /// The method.
    pub method: Method,
    /// The path below the base URL, with or without a query, or a whole URL. A whole URL of another origin than the
    /// base URL's is asked without credentials.
    pub endpoint: String,
    /// Query parameters; they replace those of the same name in `endpoint`.
    pub query: Vec<(String, String)>,
    /// Headers; they win over the integration's, and these over the provider's.
    pub headers: HeaderMap,
    /// The body.
    pub body: Body,
    /// How often a failed attempt is followed by another. Default 0.
    pub retries: u32,
    /// Statuses that are tried again whatever the method, beside the usual ones.
    pub retry_on: Vec<u16>,
    /// Statuses outside 200..=299 that are answers, not failures.
    pub accept: Vec<u16>,
    /// How many bytes of the answer's body are held, in place of the client's limit.
    pub max_body_bytes: Option<u64>,
    /// How long one request may take, its answer's body included, in place of the client's.
    pub timeout: Option<Duration>,
    /// Another base URL for this call; the caller vouches for it, so credentials are sent to its origin.
    pub base_url: Option<String>,
}

impl RequestSpec {
    /// A request without parameters, headers, body and retries.
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
            base_url: None,
        }
    }

    /// `GET`.
    pub fn get(endpoint: impl Into<String>) -> Self {
        Self::new(Method::GET, endpoint)
    }

    /// Adds a query parameter.
    #[must_use]
    pub fn query(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.query.push((name.into(), value.into()));
        self
    }

    /// Sets a header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    /// How often a failed attempt is followed by another.
    #[must_use]
    pub fn retries(mut self, retries: u32) -> Self {
        self.retries = retries;
        self
    }

    /// The call without the headers that look like secrets, for a place that the caller did not choose.
    pub(crate) fn without_secrets(mut self) -> Self {
        self.headers = redact::non_secret_headers(&self.headers);
        self
    }

    /// Takes these statuses for answers.
    #[must_use]
    pub fn accept(mut self, statuses: impl IntoIterator<Item = u16>) -> Self {
        self.accept.extend(statuses);
        self
    }
}

impl fmt::Debug for RequestSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("method", &self.method)
            .field("endpoint", &self.endpoint.split(['?', '#']).next().unwrap_or_default())
            .field("headers", &redact::redact_headers(&self.headers))
            .field("body", &self.body)
            .field("retries", &self.retries)
            .finish_non_exhaustive()
    }
}

/// A request that is ready to leave.
#[derive(Clone)]
pub struct OutgoingRequest {
    /// The method.
    pub method: Method,
    /// Where it goes.
    pub url: Url,
    /// Its headers, credentials included.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Body,
    /// How long it may take, its answer's body included; `None`: the client's default, or as long as it goes on.
    pub timeout: Option<Duration>,
    /// How many bytes of the answer's body the pipeline holds; `None`: the client's limit.
    pub max_body_bytes: Option<u64>,
    /// The integration that asks; `None`: none, so that no exception of the egress policy is for it.
    pub integration: Option<Arc<str>>,
}

impl OutgoingRequest {
    /// Whether sending it twice does what sending it once does.
    pub(super) fn is_resendable(&self) -> bool {
        retry::is_idempotent(&self.method) && self.body.is_repeatable()
    }

    /// A request without headers and body.
    pub fn new(method: Method, url: Url) -> Self {
        Self {
            method,
            url,
            headers: HeaderMap::new(),
            body: Body::Empty,
            timeout: None,
            max_body_bytes: None,
            integration: None,
        }
    }

    /// Method, URL, headers (with the body's type) and what is sent.
    ///
    /// # Errors
    ///
    /// The body is a stream that was sent before.
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
        f.debug_struct("Outgoing")
            .field("method", &self.method)
            .field("url", &redact::redact_url(&self.url).as_str())
            .field("headers", &redact::redact_headers(&self.headers))
            .field("body", &self.body)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_secret() {
        let mut request =
            OutgoingRequest::new(Method::POST, "https://u:hush@h.test/?api_key=hush&a=1".parse().unwrap());
        request.headers.insert("authorization", HeaderValue::from_static("Bearer hush"));
        let mut marked = HeaderValue::from_static("hush");
        marked.set_sensitive(true);
        request.headers.insert("x-plain", marked);
        request.body = Body::Json("{\"password\":\"hush\"}".into());
        let shown = format!("{request:?}");
        assert!(!shown.contains("hush") && shown.contains("a=1"), "{shown}");

        let call =
            RequestSpec::get("/x?api_key=hush").header("x-api-key".parse().unwrap(), HeaderValue::from_static("hush"));
        assert!(!format!("{call:?}").contains("hush"));
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
