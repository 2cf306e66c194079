//! One answer of the mock's provider, and how often it is used.

use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;

use super::expected_request::ExpectedRequest;

/// An answer to the requests that it expects.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) expected: ExpectedRequest,
    pub(super) response: MockResponse,
    /// Whether any number of requests receives it, including none.
    pub(super) always: bool,
    pub(super) served: bool,
}

/// Response to one request.
#[derive(Debug, Clone)]
pub(super) enum MockResponse {
    /// A complete response.
    Http { status: u16, headers: HeaderMap, body: Bytes },
    /// The connection is lost before the response.
    Lost,
    /// The run is cancelled while it waits for the response.
    Cancelled,
}

impl Answer {
    /// Creates an answer that is used once.
    pub(super) fn new(expected: ExpectedRequest, response: MockResponse) -> Self {
        Self { expected, response, always: false, served: false }
    }

    /// Returns whether another request can receive it.
    pub(super) fn is_left(&self) -> bool {
        self.always || !self.served
    }
}

impl MockResponse {
    /// Creates a response with a JSON body.
    ///
    /// # Panics
    ///
    /// Panics if a header is invalid or the body cannot be written as JSON.
    pub(super) fn json(status: u16, headers: &[(&str, &str)], body: &impl Serialize) -> Self {
        let mut map = HeaderMap::new();
        map.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for (name, value) in headers {
            match (HeaderName::try_from(*name), HeaderValue::try_from(*value)) {
                (Ok(name), Ok(value)) => drop(map.insert(name, value)),
                _ => panic!("`{name}: {value}` is not a valid header"),
            }
        }
        match serde_json::to_vec(body) {
            Ok(body) => Self::Http { status, headers: map, body: body.into() },
            Err(error) => panic!("the body of the answer cannot be written as JSON: {error}"),
        }
    }
}
