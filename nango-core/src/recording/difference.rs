//! Differences between what a function asks and a recorded request.

use serde_json::Value;

use super::request_key::{BodyContent, RequestContent};

/// Maximum number of characters of a value in a message.
const SHOWN: usize = 200;

/// Difference between two requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Difference {
    /// Rank by which the nearest request is chosen: a greater one is a more different request.
    pub(super) rank: usize,
    /// Description for the message.
    pub(super) text: String,
}

/// Returns the differences of a request from a recorded one.
pub(super) fn differences(asked: &RequestContent, recorded: &RequestContent) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut add = |rank: usize, text: String| found.push(Difference { rank, text });
    if asked.address != recorded.address {
        add(100, format!("the address is {} instead of {}", asked.address, recorded.address));
    }
    if asked.parent != recorded.parent {
        let shown = |parent: &Option<String>| parent.as_ref().map_or("none".to_owned(), |parent| format!("`{parent}`"));
        add(50, format!("the parent is {} instead of {}", shown(&asked.parent), shown(&recorded.parent)));
    }
    if asked.method != recorded.method {
        add(20, format!("the method is {} instead of {}", asked.method, recorded.method));
    }
    for text in pairs("in the query", &asked.query, &recorded.query) {
        add(1, text);
    }
    for text in pairs("in the headers", &asked.headers, &recorded.headers) {
        add(1, text);
    }
    for text in bodies(&asked.body, &recorded.body) {
        add(1, text);
    }
    found
}

fn pairs(place: &str, asked: &[(String, String)], recorded: &[(String, String)]) -> Vec<String> {
    let mut names: Vec<&String> = asked.iter().chain(recorded).map(|(name, _)| name).collect();
    names.sort();
    names.dedup();
    let values = |pairs: &[(String, String)], name: &str| -> Vec<String> {
        pairs.iter().filter(|(known, _)| known == name).map(|(_, value)| format!("\"{}\"", short(value))).collect()
    };
    let text = |name: &String| {
        let (asked, recorded) = (values(asked, name), values(recorded, name));
        match (asked.is_empty(), recorded.is_empty()) {
            _ if asked == recorded => None,
            (true, _) => Some(format!("`{name}` {place} is missing; it was {}", recorded.join(", "))),
            (_, true) => Some(format!("`{name}` {place} is new: {}", asked.join(", "))),
            _ => Some(format!("`{name}` {place} is {} instead of {}", asked.join(", "), recorded.join(", "))),
        }
    };
    names.into_iter().filter_map(text).collect()
}

fn bodies(asked: &BodyContent, recorded: &BodyContent) -> Vec<String> {
    match (asked, recorded) {
        (asked, recorded) if asked == recorded => Vec::new(),
        (BodyContent::Json(asked), BodyContent::Json(recorded)) => {
            let mut texts = Vec::new();
            json(asked, recorded, "", &mut texts);
            texts
        }
        (BodyContent::Form(asked), BodyContent::Form(recorded)) => pairs("in the form", asked, recorded),
        (asked, recorded) => vec![format!("the body is {} instead of {}", shown(asked), shown(recorded))],
    }
}

/// Collects the paths at which two JSON values differ.
fn json(asked: &Value, recorded: &Value, at: &str, texts: &mut Vec<String>) {
    let subject = || if at.is_empty() { "the body".to_owned() } else { format!("`{at}` in the body") };
    match (asked, recorded) {
        (Value::Object(asked), Value::Object(recorded)) => {
            let new = asked.keys().filter(|name| !recorded.contains_key(*name));
            for name in recorded.keys().chain(new) {
                let at = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
                match (asked.get(name), recorded.get(name)) {
                    (Some(asked), Some(recorded)) => json(asked, recorded, &at, texts),
                    (None, Some(recorded)) => {
                        texts.push(format!("`{at}` in the body is missing; it was {}", short(&recorded.to_string())));
                    }
                    (Some(asked), None) => {
                        texts.push(format!("`{at}` in the body is new: {}", short(&asked.to_string())));
                    }
                    (None, None) => {}
                }
            }
        }
        (Value::Array(asked), Value::Array(recorded)) if asked.len() == recorded.len() => {
            for (i, (asked, recorded)) in asked.iter().zip(recorded).enumerate() {
                json(asked, recorded, &format!("{at}[{i}]"), texts);
            }
        }
        (asked, recorded) if asked == recorded => {}
        (asked, recorded) => texts.push(format!(
            "{} is {} instead of {}",
            subject(),
            short(&asked.to_string()),
            short(&recorded.to_string())
        )),
    }
}

fn shown(body: &BodyContent) -> String {
    match body {
        BodyContent::Json(value) => short(&value.to_string()),
        BodyContent::Form(fields) => {
            short(&fields.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&"))
        }
        BodyContent::Other(text) => format!("\"{}\"", short(text)),
    }
}

/// Formats a request for a message: `POST https://h.test/search?limit=2 {"query":"x"}`.
pub(super) fn describe(request: &RequestContent) -> String {
    let mut serializer = url::form_urlencoded::Serializer::new(String::new());
    let query = serializer.extend_pairs(&request.query).finish();
    let query = if query.is_empty() { query } else { format!("?{query}") };
    let body = match &request.body {
        BodyContent::Other(text) if text == "no body" => String::new(),
        body => format!(" {}", shown(body)),
    };
    let parent = request.parent.as_ref().map_or_else(String::new, |parent| format!(" of parent `{parent}`"));
    format!("{} {}{query}{body}{parent}", request.method, request.address)
}

fn short(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::request_key::tests::request;

    fn texts(asked: (&str, &str, &str), recorded: (&str, &str, &str)) -> Vec<String> {
        let content = |(method, url, body)| RequestContent::of(&request(method, url, body));
        differences(&content(asked), &content(recorded)).into_iter().map(|difference| difference.text).collect()
    }

    #[test]
    fn each_difference_is_named() {
        let asked = ("POST", "https://h.test/b?a=2&c=1", r#"{"x":{"y":1},"list":[1],"new":true}"#);
        let recorded = ("PUT", "https://h.test/a?a=1&d=3", r#"{"x":{"y":2},"list":[1,2],"old":null}"#);
        let expect = [
            "the address is https://h.test/b instead of https://h.test/a",
            "the method is POST instead of PUT",
            "`a` in the query is \"2\" instead of \"1\"",
            "`c` in the query is new: \"1\"",
            "`d` in the query is missing; it was \"3\"",
            "`x.y` in the body is 1 instead of 2",
            "`list` in the body is [1] instead of [1,2]",
            "`old` in the body is missing; it was null",
            "`new` in the body is new: true",
        ];
        assert_eq!(texts(asked, recorded), expect);
        assert_eq!(texts(asked, asked), Vec::<String>::new());
        let text = texts(("GET", "https://h.test/", "a"), ("GET", "https://h.test/", "b"));
        assert_eq!(text, ["the body is \"a\" instead of \"b\""]);
    }

    #[test]
    fn request_is_described_on_one_line() {
        let of = |method, url, body| describe(&RequestContent::of(&request(method, url, body)));
        assert_eq!(of("GET", "https://h.test/a?b=c%20d", ""), "GET https://h.test/a?b=c+d");
        assert_eq!(of("POST", "https://h.test/a", "[1]"), "POST https://h.test/a [1]");
        assert!(of("POST", "https://h.test/a", &"x".repeat(500)).ends_with("x…\""));
    }
}
