//! Content of a request by which its answer is found: parent, method, URL, headers and body, independent of the order
//! of parameters and fields.

use serde_json::Value;
use url::Url;

use super::{format::RecordedRequest, mask::PREFIX};
use crate::redact::is_secret_name;

/// Placeholder of every secret in comparisons: its number differs between runs.
const ANY_SECRET: &str = "REDACTED";

/// Content of a request.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RequestContent {
    pub(super) parent: Option<String>,
    pub(super) method: String,
    /// The URL without its query.
    pub(super) address: String,
    /// The decoded parameters, sorted.
    pub(super) query: Vec<(String, String)>,
    /// The headers, sorted.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: BodyContent,
}

/// Content of a body.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum BodyContent {
    /// JSON, compared as a value.
    Json(Value),
    /// The decoded fields of a form, sorted.
    Form(Vec<(String, String)>),
    /// Another body.
    Other(String),
}

impl RequestContent {
    /// Reads the content of a request.
    pub(super) fn of(request: &RecordedRequest) -> Self {
        let (address, query) = match Url::parse(&request.url) {
            Ok(mut url) => {
                let query = sorted_pairs(url.query().unwrap_or_default().as_bytes());
                url.set_query(None);
                url.set_fragment(None);
                (normalized(url.as_str()), query)
            }
            Err(_) => (normalized(&request.url), Vec::new()),
        };
        let header = |(name, value): &(String, String)| (name.to_ascii_lowercase(), normalized(value));
        let mut headers: Vec<_> = request.headers.iter().map(header).collect();
        headers.sort();
        Self {
            parent: request.parent.clone(),
            method: request.method.clone(),
            address,
            query,
            body: BodyContent::of(request, &headers),
            headers,
        }
    }

    /// Returns a text that is equal for equal contents.
    pub(super) fn key(&self) -> String {
        let body = match &self.body {
            BodyContent::Json(value) => format!("json {}", sorted(value)),
            BodyContent::Form(fields) => format!("form {fields:?}"),
            BodyContent::Other(text) => format!("other {text}"),
        };
        format!("{:?} {} {} {:?} {:?} {body}", self.parent, self.method, self.address, self.query, self.headers)
    }
}

impl BodyContent {
    fn of(request: &RecordedRequest, headers: &[(String, String)]) -> Self {
        let content_type = headers.iter().find(|(name, _)| name == "content-type").map(|(_, value)| value.as_str());
        let Some(text) = request.body.text() else { return Self::Other(request.body.shown()) };
        if content_type.is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded")) {
            return Self::Form(sorted_pairs(text.as_bytes()));
        }
        let text = normalized(text);
        serde_json::from_str(&text).map_or_else(|_| Self::Other(text), Self::Json)
    }
}

fn sorted_pairs(encoded: &[u8]) -> Vec<(String, String)> {
    let pair = |(name, value): (std::borrow::Cow<'_, str>, std::borrow::Cow<'_, str>)| {
        let value = if is_secret_name(&name) { ANY_SECRET.to_owned() } else { normalized(&value) };
        (normalized(&name), value)
    };
    let mut pairs: Vec<_> = url::form_urlencoded::parse(encoded).map(pair).collect();
    // Values of one name stay in their order, which may be significant.
    pairs.sort_by(|(a, _), (b, _)| a.cmp(b));
    pairs
}

/// Returns the JSON with sorted names, as text.
fn sorted(value: &Value) -> String {
    match value {
        Value::Object(object) => {
            let mut fields: Vec<_> = object.iter().map(|(name, value)| format!("{name:?}:{}", sorted(value))).collect();
            fields.sort();
            format!("{{{}}}", fields.join(","))
        }
        Value::Array(list) => format!("[{}]", list.iter().map(sorted).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}

/// Replaces the numbered placeholders of secrets by one.
fn normalized(text: &str) -> String {
    let mut parts = text.split(PREFIX);
    let mut normal = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        match part[digits..].strip_prefix('_').filter(|_| digits > 0) {
            Some(rest) => normal = normal + ANY_SECRET + rest,
            None => normal = normal + PREFIX + part,
        }
    }
    normal
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::recording::body::RecordedBody;

    pub(in crate::recording) fn request(method: &str, url: &str, body: &str) -> RecordedRequest {
        RecordedRequest {
            parent: None,
            method: method.to_owned(),
            url: url.to_owned(),
            headers: Vec::new(),
            body: RecordedBody::new(body.as_bytes()),
        }
    }

    #[test]
    fn order_and_placeholders_do_not_distinguish_requests() {
        let key = |url: &str, body: &str| RequestContent::of(&request("POST", url, body)).key();
        let one = key("https://h.test/REDACTED_1_/a?b=1&a=2&api_key=x", r#"{"a":{"x":1,"y":2},"t":"REDACTED_2_"}"#);
        let two =
            key("https://h.test/REDACTED_7_/a?a=2&api_key=REDACTED_1_&b=1", r#"{"t":"REDACTED_9_","a":{"y":2,"x":1}}"#);
        assert_eq!(one, two);
        assert_ne!(
            one,
            key("https://h.test/REDACTED_1_/a?b=2&a=2&api_key=x", r#"{"a":{"x":1,"y":2},"t":"REDACTED_2_"}"#)
        );
        assert_ne!(key("https://h.test/?a=1&a=2", ""), key("https://h.test/?a=2&a=1", ""));
        assert_ne!(key("https://h.test/", "[1,2]"), key("https://h.test/", "[2,1]"));
        assert_eq!(normalized("aREDACTED_xREDACTED_12_bREDACTED__"), "aREDACTED_xREDACTEDbREDACTED__");
    }

    #[test]
    fn parent_distinguishes_requests() {
        let child =
            |parent: &str| RecordedRequest { parent: Some(parent.to_owned()), ..request("GET", "https://h.test/", "") };
        assert_ne!(RequestContent::of(&child("a")).key(), RequestContent::of(&child("b")).key());
    }
}
