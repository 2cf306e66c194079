//! How an API is called.

use reqwest::{Method, header::HeaderName};
use serde_json::Value;

use super::{Param, RetryRules, Template, lookup_path};
use crate::declare::Paginate;

/// How an API is called.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct Proxy {
    /// Where endpoints lie; `None`: the entry does not say it, so the settings must.
    pub base_url: Option<Template>,
    /// Headers of every request.
    pub headers: Vec<(HeaderName, Template)>,
    /// Query parameters of every request.
    pub query: Vec<(String, Template)>,
    /// Fields that are merged over the body of every request that has one; a text whose value is missing is left out.
    pub body: Vec<(String, Param)>,
    /// How pages are found, where the API has one way for all its lists.
    pub paginate: Option<Paginate>,
    /// Which failures are worth another attempt, and where an answer tells how long to wait.
    pub retry: RetryRules,
    /// How credentials are tried.
    pub verification: Option<Verification>,
    /// Whether a redirect to another host gets the headers too, credentials among them.
    pub forward_headers: bool,
    /// Values of the connection's configuration that callers need, although no template asks for them.
    pub config: Vec<String>,
}

/// A request that tells whether credentials are good.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Verification {
    /// Endpoints, each a request of its own: one that answers well is enough.
    pub endpoints: Vec<Template>,
    /// How they are asked. Default: `GET`.
    pub method: Method,
    /// Headers of these requests.
    pub headers: Vec<(HeaderName, Template)>,
    /// The body, sent as JSON.
    pub data: Option<Param>,
    /// Another base URL for these requests.
    pub base_url: Option<Template>,
    /// The answer that is a refusal although its status is one of success.
    pub refusal: Option<Refusal>,
}

/// An answer of success whose body refuses the credentials.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Refusal {
    /// The path in the body, as [`lookup`](super::lookup) reads it.
    pub path: String,
    /// The value at `when` that is a refusal.
    pub value: Value,
    /// The path of the provider's message.
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

    /// Whether a body refuses: the provider's message, empty if it gives none.
    pub fn of(&self, body: &Value) -> Option<String> {
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
        let check = |body: Value, expect: Option<&str>| assert_eq!(refusal.of(&body).as_deref(), expect, "{body}");
        check(json!({ "ok": false, "error": { "text": "invalid_auth" } }), Some("invalid_auth"));
        check(json!({ "ok": false, "error": { "text": 7 } }), Some("7"));
        check(json!({ "ok": false }), Some(""));
        check(json!({ "ok": true, "error": { "text": "old" } }), None);
        check(json!({ "ok": "false" }), None);
        check(json!([]), None);
    }
}
