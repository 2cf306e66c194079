//! A request as the mock's provider received it.

use bytes::Bytes;
use reqwest::header::HeaderMap;
use serde_json::{Map, Value};

/// A request that the mock's provider received.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ReceivedRequest {
    /// The HTTP method, such as `GET`.
    pub method: String,
    /// The path of the URL, without the query.
    pub path: String,
    /// The decoded query parameters, in order.
    pub query: Vec<(String, String)>,
    /// The request headers.
    pub headers: HeaderMap,
    /// The bytes of the body.
    pub body: Bytes,
}

impl ReceivedRequest {
    /// Returns the first value of a query parameter.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Returns the value of a header, or `None` if it is missing or not text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Returns the body as JSON; `null` if it is not JSON. The fields of a form are an object of texts.
    pub fn json(&self) -> Value {
        let is_form =
            self.header("content-type").is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
        if is_form {
            let fields = url::form_urlencoded::parse(&self.body).map(|(name, value)| (name.into(), Value::from(value)));
            return Value::Object(fields.collect::<Map<_, _>>());
        }
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}
