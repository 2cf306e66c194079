//! Request settings of a provider: base URL, headers, pagination, retry and verification.

use reqwest::{Method, header::HeaderName};
use serde_json::Value;

use super::{Param, RetryRules, Template, lookup_path};
use crate::declare::{ErrorAt, Paginate};

/// Settings for requests to an API.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct Proxy {
    /// Base URL of endpoints; `None` if the operator must set it.
    pub base_url: Option<Template>,
    /// Headers of every request.
    pub headers: Vec<(HeaderName, Template)>,
    /// Query parameters of every request.
    pub query: Vec<(String, Template)>,
    /// Fields that are merged into the body of every request that has one. A text without a value is omitted.
    pub body: Vec<(String, Param)>,
    /// Pagination, if it is the same for all lists of the API.
    pub paginate: Option<Paginate>,
    /// Errors in responses with a success status.
    pub errors: Vec<ErrorAt>,
    /// Rules for retries and waits.
    pub retry: RetryRules,
    /// Request that verifies credentials.
    pub verification: Option<Verification>,
    /// Whether a redirect to another host receives the headers, including credentials.
    pub forward_headers: bool,
    /// Names of connection configuration that is required although no template uses it.
    pub required_config: Vec<String>,
}

/// A request that verifies credentials.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Verification {
    /// Endpoints, requested one by one until one succeeds.
    pub endpoints: Vec<Template>,
    /// Method of the requests. Default: `GET`.
    pub method: Method,
    /// Headers of these requests.
    pub headers: Vec<(HeaderName, Template)>,
    /// The body, sent as JSON.
    pub data: Option<Param>,
    /// Another base URL for these requests.
    pub base_url: Option<Template>,
    /// Successful response that is a rejection.
    pub refusal: Option<Refusal>,
}

/// A response with a success status whose body rejects the credentials.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Refusal {
    /// Path in the body, as read by [`lookup_path`].
    pub path: String,
    /// Value at `path` that means a rejection.
    pub value: Value,
    /// Path of the provider's message in the body.
    pub message: Option<String>,
}

impl Verification {
    pub(super) fn new(endpoints: Vec<Template>) -> Self {
        Self { endpoints, method: Method::GET, headers: Vec::new(), data: None, base_url: None, refusal: None }
    }
}

impl Refusal {
    pub(super) fn new(path: String, value: Value, message: Option<String>) -> Self {
        Self { path, value, message }
    }

    /// Returns the provider's message if a body is a rejection, empty if there is no message; otherwise `None`.
    pub fn refusal_message(&self, body: &Value) -> Option<String> {
        if lookup_path(body, &self.path) != Some(&self.value) {
            return None;
        }
        let message = self.message.as_ref().and_then(|path| lookup_path(body, path));
        Some(match message {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Null) | None => String::new(),
            Some(other) => other.to_string(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn refusal_needs_the_value_and_may_have_a_message() {
        let refusal = Refusal::new("ok".into(), json!(false), Some("error.text".into()));
        let check =
            |body: Value, expect: Option<&str>| assert_eq!(refusal.refusal_message(&body).as_deref(), expect, "{body}");
        check(json!({ "ok": false, "error": { "text": "invalid_auth" } }), Some("invalid_auth"));
        check(json!({ "ok": false, "error": { "text": 7 } }), Some("7"));
        check(json!({ "ok": false }), Some(""));
        check(json!({ "ok": true, "error": { "text": "old" } }), None);
        check(json!({ "ok": "false" }), None);
        check(json!([]), None);
    }
}
