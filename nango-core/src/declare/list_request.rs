//! Request of a mapper: its method, and the query, headers and body that its attribute declares.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use crate::error::{Error, ErrorKind, Result};

/// Method of a mapper's requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ListMethod {
    /// The default.
    #[default]
    Get,
    /// Parameters of pages and `since` are sent in the body.
    Post,
    /// As [`Self::Post`].
    Put,
    /// As [`Self::Post`].
    Patch,
}

impl ListMethod {
    /// Returns the name in requests and in `endpoint = "POST /path"`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
        }
    }

    /// Returns whether requests have a body, which then carries the parameters.
    pub const fn has_body(self) -> bool {
        !matches!(self, Self::Get)
    }
}

/// Adds values that depend on the connection's metadata, which is the first argument.
type AddValues = fn(Value, &mut RequestValues) -> Result<()>;

/// Returns the JSON text of a body that depends on the connection's metadata.
type WriteBody = fn(Value) -> Result<Vec<u8>>;

/// The parts of a mapper's requests besides the endpoint. Each part is a function of the connection's metadata.
#[derive(Debug, Clone, Copy)]
pub struct ListRequest {
    /// The method.
    pub method: ListMethod,
    /// Adds the parameters of `query(…)`.
    pub query: Option<AddValues>,
    /// Adds the headers of `headers(…)`.
    pub headers: Option<AddValues>,
    /// Names of the parameters of `query(…)`, for descriptions.
    pub query_names: &'static [&'static str],
    /// Names of the headers of `headers(…)`, for descriptions.
    pub header_names: &'static [&'static str],
    /// Returns the JSON text of `body = …`.
    pub body: Option<WriteBody>,
}

impl ListRequest {
    /// A GET request with nothing but its endpoint.
    pub const GET: Self =
        Self { method: ListMethod::Get, query: None, headers: None, query_names: &[], header_names: &[], body: None };

    /// Returns whether a part depends on values that are read when a run starts.
    pub(crate) const fn has_values(&self) -> bool {
        self.query.is_some() || self.headers.is_some() || self.body.is_some()
    }
}

/// Names and values of the parameters or headers of a request, in order.
#[derive(Default)]
pub struct RequestValues(Vec<(&'static str, Value)>);

impl RequestValues {
    /// Adds a value as text. `None` and `null` add nothing.
    ///
    /// # Errors
    ///
    /// Fails if the value is not text, a number or a boolean in JSON, with an error that contains its name.
    pub fn add<T: RequestValue + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<()> {
        match value.to_json() {
            Ok(Value::Null) => {}
            Ok(value @ (Value::String(_) | Value::Number(_) | Value::Bool(_))) => self.0.push((name, value)),
            Ok(Value::Array(_)) => return Err(unfit(name, "a list")),
            Ok(Value::Object(_)) => return Err(unfit(name, "an object")),
            Err(error) => {
                return Err(Error::new(ErrorKind::Internal, error)
                    .context(format!("the value of `{name}` cannot be serialized")));
            }
        }
        Ok(())
    }

    /// Converts to the values as text, for a query, headers or a form.
    pub(crate) fn into_pairs(self) -> Vec<(&'static str, String)> {
        let text = |value| match value {
            Value::String(text) => text,
            value => value.to_string(),
        };
        self.0.into_iter().map(|(name, value)| (name, text(value))).collect()
    }

    /// Converts to the values with their JSON types, for a JSON body.
    pub(crate) fn into_values(self) -> Vec<(&'static str, Value)> {
        self.0
    }
}

/// Values may contain secrets, so only names are shown.
impl fmt::Debug for RequestValues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

#[cold]
fn unfit(name: &str, found: &str) -> Error {
    let message = format!(
        "the value of `{name}` is {found}: a parameter or a header is text, a number, a boolean, or an enum or a type \
         that serializes to one of these; `None` sends none"
    );
    Error::new(ErrorKind::Internal, message)
}

/// A value of `query(…)` or `headers(…)` of a mapper: anything that serializes to text, a number or a boolean.
#[diagnostic::on_unimplemented(
    message = "a value of type `{Self}` cannot be a parameter or a header of a request",
    label = "`{Self}` cannot be serialized",
    note = "a value is text, a number, a `bool`, an `Option` of these, or an enum that serializes to text",
    note = "see docs/reference/attributes.md#sync in the repository"
)]
pub trait RequestValue {
    /// Converts the value to JSON.
    #[doc(hidden)]
    fn to_json(&self) -> Result<Value, serde_json::Error>;
}

#[diagnostic::do_not_recommend]
impl<T: Serialize + ?Sized> RequestValue for T {
    fn to_json(&self) -> Result<Value, serde_json::Error> {
        serde_json::to_value(self)
    }
}

/// Returns the method of an endpoint that is a constant, such as `"POST /graphql"`. A wrong constant does not compile.
///
/// # Panics
///
/// Panics at compile time if the method is not one of a mapper.
pub const fn method_of(endpoint: &str) -> ListMethod {
    let end = path_start(endpoint);
    let (method, _) = endpoint.split_at(end);
    match method.as_bytes() {
        b"" | b"GET " => ListMethod::Get,
        b"POST " => ListMethod::Post,
        b"PUT " => ListMethod::Put,
        b"PATCH " => ListMethod::Patch,
        _ => panic!(
            "the constant of `endpoint` begins with a path, or with one of the methods GET, POST, PUT and PATCH and \
             one space: \"POST /items\""
        ),
    }
}

/// Returns the method of a constant endpoint with a body. A wrong constant does not compile.
///
/// # Panics
///
/// Panics at compile time if requests with the method have no body.
pub const fn method_with_body_of(endpoint: &str) -> ListMethod {
    let method = method_of(endpoint);
    assert!(method.has_body(), "`body` needs a method with a body in the constant of `endpoint`: \"POST /items\"");
    method
}

/// Returns the path of an endpoint that is a constant. A wrong constant does not compile.
///
/// # Panics
///
/// Panics at compile time if the path has names in braces, which only a string literal can have, or is invalid.
pub const fn path_of(endpoint: &str) -> &str {
    let (_, path) = endpoint.split_at(path_start(endpoint));
    let bytes = path.as_bytes();
    assert!(
        !bytes.is_empty() && bytes[0] == b'/',
        "the path in the constant of `endpoint` starts with `/`: \"/items\""
    );
    let mut at = 0;
    while at < bytes.len() {
        assert!(
            bytes[at] != b'{' && bytes[at] != b'}',
            "a constant of `endpoint` has no values in braces: write the path as a string literal in the attribute"
        );
        assert!(
            bytes[at] > b' ' && bytes[at] != b'\\',
            "the path in the constant of `endpoint` has no spaces, control characters and backslashes: write `%20`"
        );
        at += 1;
    }
    path
}

/// Returns the index of the first `/`, or the length of the text.
const fn path_start(endpoint: &str) -> usize {
    let bytes = endpoint.as_bytes();
    let mut at = 0;
    while at < bytes.len() && bytes[at] != b'/' {
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    #[serde(rename_all = "snake_case")]
    enum State {
        InReview,
    }

    #[test]
    fn scalar_values_are_sent_as_text_and_absent_ones_are_not_sent() {
        let mut values = RequestValues::default();
        values.add("text", "a b").unwrap();
        values.add("string", &String::from("c")).unwrap();
        values.add("number", &-7).unwrap();
        values.add("big", &u64::MAX).unwrap();
        values.add("float", &1.5).unwrap();
        values.add("yes", &true).unwrap();
        values.add("char", &'x').unwrap();
        values.add("state", &State::InReview).unwrap();
        values.add("some", &Some(1)).unwrap();
        values.add("none", &None::<String>).unwrap();
        let shown = format!("{values:?}");
        assert!(!shown.contains("a b") && shown.contains("text"), "{shown}");
        let pairs: Vec<String> = values.into_pairs().iter().map(|(name, value)| format!("{name}={value}")).collect();
        let expect = [
            "text=a b",
            "string=c",
            "number=-7",
            "big=18446744073709551615",
            "float=1.5",
            "yes=true",
            "char=x",
            "state=in_review",
            "some=1",
        ];
        assert_eq!(pairs, expect);
    }

    #[test]
    fn list_or_object_is_an_error_with_the_name_of_its_parameter() {
        let mut values = RequestValues::default();
        let error = values.add("tags", &["a"]).unwrap_err().to_string();
        assert!(error.starts_with("the value of `tags` is a list: a parameter"), "{error}");
        let error = values.add("filter", &serde_json::json!({ "a": 1 })).unwrap_err().to_string();
        assert!(error.starts_with("the value of `filter` is an object"), "{error}");
    }

    #[test]
    fn constant_endpoint_is_a_method_and_a_path() {
        for (text, method, path) in [
            ("/items", ListMethod::Get, "/items"),
            ("GET /items?a=1", ListMethod::Get, "/items?a=1"),
            ("POST /graphql", ListMethod::Post, "/graphql"),
            ("PUT /a", ListMethod::Put, "/a"),
            ("PATCH /a", ListMethod::Patch, "/a"),
        ] {
            assert_eq!((method_of(text), path_of(text)), (method, path), "{text}");
        }
        assert_eq!(method_with_body_of("POST /graphql").name(), "POST");
    }
}
