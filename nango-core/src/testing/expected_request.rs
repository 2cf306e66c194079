//! The request that an answer is for, and the reasons why a received request is another one.

use std::fmt;

use serde_json::Value;

use super::received_request::ReceivedRequest;

/// Maximum number of characters of a body in a message.
const SHOWN_BODY: usize = 300;

/// The request that an answer is for. Every request fits in the parts that are not set.
#[derive(Debug, Clone, Default)]
pub(super) struct ExpectedRequest {
    method: Option<String>,
    path: String,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    body: Option<Value>,
}

/// Difference between a received request and the expected one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mismatch {
    /// Rank by which the nearest answer is chosen: a greater one is a more different request.
    pub(super) rank: usize,
    /// Description for the error.
    pub(super) reason: String,
}

impl ExpectedRequest {
    /// Creates an expectation of a path, which may have a query: `/issues?state=open`.
    pub(super) fn new(method: Option<&str>, path: &str) -> Self {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let query = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        Self { method: method.map(str::to_uppercase), path: path.to_owned(), query, ..Self::default() }
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn query(&mut self, name: &str, value: String) {
        self.query.push((name.to_owned(), value));
    }

    pub(super) fn header(&mut self, name: &str, value: &str) {
        self.headers.push((name.to_lowercase(), value.to_owned()));
    }

    pub(super) fn body(&mut self, body: Value) {
        self.body = Some(body);
    }

    /// Returns the differences of a received request; none if the answer is for it.
    pub(super) fn mismatches(&self, request: &ReceivedRequest) -> Vec<Mismatch> {
        let mut found = Vec::new();
        let mut add = |rank: usize, reason: String| found.push(Mismatch { rank, reason });
        if self.path != request.path {
            add(100, format!("the path is `{}`", request.path));
        }
        if let Some(method) = &self.method
            && *method != request.method
        {
            add(10, format!("the method is {}", request.method));
        }
        for (name, value) in &self.query {
            match request.query(name) {
                None => add(1, format!("the query has no `{name}`")),
                Some(first) if !request.query.iter().any(|(known, sent)| known == name && sent == value) => {
                    add(1, format!("`{name}` in the query is \"{first}\" instead of \"{value}\""));
                }
                Some(_) => {}
            }
        }
        for (name, value) in &self.headers {
            match request.header(name) {
                None => add(1, format!("the request has no header `{name}`")),
                Some(sent) if sent != value => {
                    add(1, format!("the header `{name}` is \"{sent}\" instead of \"{value}\""));
                }
                Some(_) => {}
            }
        }
        if let Some(expected) = &self.body {
            let mut reasons = Vec::new();
            missing(expected, &request.json(), "", &mut reasons);
            for reason in reasons {
                add(1, reason);
            }
        }
        found
    }
}

/// Collects what a body lacks of the expected part. Objects may have more fields; the elements of arrays are compared
/// in order, and their number must be equal.
fn missing(expected: &Value, sent: &Value, at: &str, reasons: &mut Vec<String>) {
    match (expected, sent) {
        (Value::Object(expected), Value::Object(sent)) => {
            for (name, expected) in expected {
                let at = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
                match sent.get(name) {
                    None => reasons.push(format!("the body has no `{at}`")),
                    Some(sent) => missing(expected, sent, &at, reasons),
                }
            }
        }
        (Value::Array(expected), Value::Array(sent)) if expected.len() == sent.len() => {
            for (i, (expected, sent)) in expected.iter().zip(sent).enumerate() {
                missing(expected, sent, &format!("{at}[{i}]"), reasons);
            }
        }
        (expected, sent) if expected == sent => {}
        (expected, sent) => {
            let subject = if at.is_empty() { "the body".to_owned() } else { format!("`{at}` in the body") };
            reasons.push(format!("{subject} is {} instead of {}", short(sent), short(expected)));
        }
    }
}

/// Formats the request that is expected: `POST /v1/search?limit=2 with the body {"query":"x"}`.
impl fmt::Display for ExpectedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let method = self.method.as_deref().map_or_else(String::new, |method| format!("{method} "));
        write!(f, "{method}{}{}", self.path, query_text(&self.query))?;
        for (name, value) in &self.headers {
            write!(f, " with the header {name}: {value}")?;
        }
        self.body.as_ref().map_or(Ok(()), |body| write!(f, " with the body {}", short(body)))
    }
}

/// Formats a received request in the same way.
pub(super) fn describe(request: &ReceivedRequest) -> String {
    let body = match request.json() {
        _ if request.body.is_empty() => String::new(),
        Value::Null => format!(" with a body of {} bytes", request.body.len()),
        body => format!(" with the body {}", short(&body)),
    };
    format!("{} {}{}{body}", request.method, request.path, query_text(&request.query))
}

fn query_text(query: &[(String, String)]) -> String {
    let pairs: Vec<String> = query.iter().map(|(name, value)| format!("{name}={value}")).collect();
    if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN_BODY) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request(method: &str, query: &[(&str, &str)], body: &Value) -> ReceivedRequest {
        ReceivedRequest {
            method: method.to_owned(),
            path: "/items".to_owned(),
            query: query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            headers: [("x-version".parse().unwrap(), "2".parse().unwrap())].into_iter().collect(),
            body: body.to_string().into(),
        }
    }

    fn reasons(expected: &ExpectedRequest, request: &ReceivedRequest) -> Vec<String> {
        expected.mismatches(request).into_iter().map(|mismatch| mismatch.reason).collect()
    }

    #[test]
    fn only_what_is_set_is_compared() {
        let sent =
            request("POST", &[("a", "1"), ("b", "2")], &json!({ "x": { "y": 1, "z": 2 }, "list": [{ "a": 1 }] }));
        assert_eq!(reasons(&ExpectedRequest::new(None, "/items"), &sent), Vec::<String>::new());
        let mut expected = ExpectedRequest::new(Some("post"), "/items?b=2");
        expected.header("X-Version", "2");
        expected.body(json!({ "x": { "y": 1 }, "list": [{}] }));
        assert_eq!(reasons(&expected, &sent), Vec::<String>::new());
    }

    #[test]
    fn each_difference_is_named() {
        let mut expected = ExpectedRequest::new(Some("POST"), "/things?a=2&c=1");
        expected.header("x-version", "1");
        expected.header("x-other", "1");
        expected.body(json!({ "x": { "y": "1" }, "list": [1, 2], "none": null }));
        let sent = request("GET", &[("a", "1")], &json!({ "x": { "y": 1 }, "list": [1] }));
        let expect = [
            "the path is `/items`",
            "the method is GET",
            "`a` in the query is \"1\" instead of \"2\"",
            "the query has no `c`",
            "the header `x-version` is \"2\" instead of \"1\"",
            "the request has no header `x-other`",
            "`x.y` in the body is 1 instead of \"1\"",
            "`list` in the body is [1] instead of [1,2]",
            "the body has no `none`",
        ];
        assert_eq!(reasons(&expected, &sent), expect);
    }

    #[test]
    fn repeated_parameter_matches_with_any_of_its_values() {
        let sent = request("GET", &[("id", "1"), ("id", "2")], &Value::Null);
        assert!(reasons(&ExpectedRequest::new(None, "/items?id=2"), &sent).is_empty());
    }

    #[test]
    fn form_is_compared_as_an_object_of_texts() {
        let mut sent = request("POST", &[], &Value::Null);
        sent.headers.insert("content-type", "application/x-www-form-urlencoded".parse().unwrap());
        sent.body = "name=Ada+L&age=36".into();
        let mut expected = ExpectedRequest::new(None, "/items");
        expected.body(json!({ "name": "Ada L" }));
        assert!(reasons(&expected, &sent).is_empty());
        assert_eq!(describe(&sent), "POST /items with the body {\"name\":\"Ada L\",\"age\":\"36\"}");
    }
}
