//! What a caller asks for ([`Call`]), and what leaves the house ([`Outgoing`]).

use std::fmt;

use bytes::Bytes;
use reqwest::{
    Method,
    header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
};
use url::Url;

use super::redact;

/// What a request carries.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum Body {
    /// Nothing.
    #[default]
    Empty,
    /// JSON text.
    Json(Bytes),
    /// The fields of a form, sent URL-encoded.
    Form(Vec<(String, String)>),
    /// Anything else.
    Raw {
        /// What is sent.
        bytes: Bytes,
        /// What it is; empty: the caller sets the header, or there is none.
        content_type: String,
    },
}

impl Body {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        *self == Self::Empty
    }

    fn content_type(&self) -> Option<HeaderValue> {
        match self {
            Self::Empty => None,
            Self::Json(_) => Some(HeaderValue::from_static("application/json")),
            Self::Form(_) => Some(HeaderValue::from_static("application/x-www-form-urlencoded")),
            Self::Raw { content_type, .. } if content_type.is_empty() => None,
            Self::Raw { content_type, .. } => HeaderValue::from_str(content_type).ok(),
        }
    }

    /// What it is and what it holds, for who signs it.
    pub(crate) fn seen(&self) -> (Option<String>, Bytes) {
        let content_type = self.content_type().and_then(|value| value.to_str().ok().map(str::to_owned));
        (content_type, self.clone().into_bytes())
    }

    fn into_bytes(self) -> Bytes {
        match self {
            Self::Empty => Bytes::new(),
            Self::Json(bytes) | Self::Raw { bytes, .. } => bytes,
            Self::Form(fields) => {
                url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish().into()
            }
        }
    }
}

/// Bodies may hold anything, so only kind and size are shown.
impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("Empty"),
            Self::Json(bytes) => write!(f, "Json({} bytes)", bytes.len()),
            Self::Form(fields) => write!(f, "Form({} fields)", fields.len()),
            Self::Raw { bytes, content_type } => write!(f, "Raw({} bytes of {content_type:?})", bytes.len()),
        }
    }
}

/// A request as a function writes it: relative to the connection's base URL, and without credentials.
#[derive(Clone)]
#[non_exhaustive]
pub struct Call {
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
    /// Another base URL for this call; the caller vouches for it, so credentials are sent to its origin.
    pub base_url: Option<String>,
}

impl Call {
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
        self.headers = redact::plain_headers(&self.headers);
        self
    }

    /// Takes these statuses for answers.
    #[must_use]
    pub fn accept(mut self, statuses: impl IntoIterator<Item = u16>) -> Self {
        self.accept.extend(statuses);
        self
    }
}

impl fmt::Debug for Call {
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
pub struct Outgoing {
    /// The method.
    pub method: Method,
    /// Where it goes.
    pub url: Url,
    /// Its headers, credentials included.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Body,
}

impl Outgoing {
    /// A request without headers and body.
    pub fn new(method: Method, url: Url) -> Self {
        Self { method, url, headers: HeaderMap::new(), body: Body::Empty }
    }

    /// Method, URL, headers (with the body's type) and bytes.
    pub fn into_wire(self) -> (Method, Url, HeaderMap, Bytes) {
        let Self { method, url, mut headers, body } = self;
        if let Some(content_type) = body.content_type() {
            headers.entry(CONTENT_TYPE).or_insert(content_type);
        }
        (method, url, headers, body.into_bytes())
    }
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing")
            .field("method", &self.method)
            .field("url", &redact::redact_url(&self.url).as_str())
            .field("headers", &redact::redact_headers(&self.headers))
            .field("body", &self.body)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_secret() {
        let mut request = Outgoing::new(Method::POST, "https://u:hush@h.test/?api_key=hush&a=1".parse().unwrap());
        request.headers.insert("authorization", HeaderValue::from_static("Bearer hush"));
        let mut marked = HeaderValue::from_static("hush");
        marked.set_sensitive(true);
        request.headers.insert("x-plain", marked);
        request.body = Body::Json("{\"password\":\"hush\"}".into());
        let shown = format!("{request:?}");
        assert!(!shown.contains("hush") && shown.contains("a=1"), "{shown}");

        let call = Call::get("/x?api_key=hush").header("x-api-key".parse().unwrap(), HeaderValue::from_static("hush"));
        assert!(!format!("{call:?}").contains("hush"));
    }

    #[test]
    fn a_body_names_its_type_unless_the_caller_did() {
        let mut request = Outgoing::new(Method::POST, "https://h.test/".parse().unwrap());
        request.body = Body::Form(vec![("a b".into(), "c&d".into())]);
        let (_, _, headers, bytes) = request.clone().into_wire();
        assert_eq!(
            (headers["content-type"].as_bytes(), &bytes[..]),
            (&b"application/x-www-form-urlencoded"[..], &b"a+b=c%26d"[..])
        );
        request.headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        assert_eq!(request.into_wire().2["content-type"], "text/plain");
    }
}
