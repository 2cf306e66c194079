//! Paths with values, for `path!`, a mapper's `endpoint = "…"` and `confirm_deletes(get = "…")`.

use std::{borrow::Cow, fmt::Write as _, rc::Rc, sync::Arc};

use nango_grammar::segment::{is_segment, push_encoded};
use url::Url;

use crate::error::{Error, ErrorKind, Result};

/// A type whose values can be inserted into the path or the query of an endpoint: text, an integer, a `bool`, a `char`,
/// or an enum with `#[model]` whose variants have no data.
///
/// Implement it for your own types, such as an id:
///
/// ```
/// use std::borrow::Cow;
///
/// use nango_core::{PathValue, prelude::*};
///
/// struct IssueNumber(u64);
///
/// impl PathValue for IssueNumber {
///     fn path_value(&self) -> Cow<'_, str> {
///         self.0.to_string().into()
///     }
/// }
///
/// let number = IssueNumber(7);
/// assert_eq!(path!("/issues/{number}").into_string()?, "/issues/7");
/// # Ok::<(), Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "a value of type `{Self}` cannot be used in a path",
    label = "`{Self}` is neither text nor a number",
    note = "a value in a path is a `String`, a `&str`, an integer, a `bool`, a `char`, or an enum with `#[model]` \
            whose variants have no data",
    note = "see docs/reference/attributes.md#path in the repository"
)]
pub trait PathValue {
    /// Returns the value as text, before it is percent-encoded.
    fn path_value(&self) -> Cow<'_, str>;
}

macro_rules! path_values {
    (text: $($t:ty)*; display: $($d:ty)*; pointers: $($p:ty)*) => {
        $(impl PathValue for $t {
            fn path_value(&self) -> Cow<'_, str> {
                Cow::Borrowed(self)
            }
        })*
        $(impl PathValue for $d {
            fn path_value(&self) -> Cow<'_, str> {
                Cow::Owned(self.to_string())
            }
        })*
        $(impl<T: PathValue + ?Sized> PathValue for $p {
            fn path_value(&self) -> Cow<'_, str> {
                (**self).path_value()
            }
        })*
    };
}
path_values!(
    text: str String Cow<'_, str>;
    display: bool char u8 u16 u32 u64 u128 i8 i16 i32 i64 i128 usize isize uuid::Uuid;
    pointers: &T &mut T Box<T> Rc<T> Arc<T>
);

/// A path with its values, as returned by [`path!`](crate::path!). Requests accept it instead of a string.
///
/// With an invalid value, the request fails when it is sent.
#[derive(Debug)]
#[must_use = "a path is given to a request, such as `nango.get(path!(…))`"]
pub struct EndpointPath(Result<String, PathError>);

impl EndpointPath {
    /// Returns the path with its encoded values, for other uses than a request.
    ///
    /// # Errors
    ///
    /// Fails if a value is empty, `.` or `..`, which cannot be a segment of a path.
    pub fn into_string(self) -> Result<String> {
        self.0.map_err(|error| Error::new(ErrorKind::Input, error))
    }

    /// Fills the text between the values (one element more than `values`) with values and their names.
    pub(crate) fn fill(literals: &[&str], values: &[(&str, &dyn PathValue)]) -> Self {
        Self(fill(literals, values))
    }
}

/// A value that cannot be a segment of a path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is {value:?} in the path `{path}`: a value in a path must not be empty, `.` or `..`")]
pub(crate) struct PathError {
    /// The path with the names of its values in braces.
    pub(crate) path: String,
    pub(crate) name: String,
    pub(crate) value: String,
}

/// Joins literals and values. A value in the path stays one segment, a value after `?` stays one query value.
pub(crate) fn fill(literals: &[&str], values: &[(&str, &dyn PathValue)]) -> Result<String, PathError> {
    let mut path = String::new();
    let mut values_left = values.iter();
    let mut in_query = false;
    for literal in literals {
        path.push_str(literal);
        in_query |= literal.contains('?');
        let Some((name, value)) = values_left.next() else { break };
        let value = value.path_value();
        if !in_query && !is_segment(&value) {
            let names = values.iter().map(|(name, _)| *name);
            return Err(PathError {
                path: template(literals, names),
                name: (*name).to_owned(),
                value: value.into_owned(),
            });
        }
        push_encoded(&mut path, &value);
    }
    Ok(path)
}

/// Returns the path as declared, with the names of its values in braces.
fn template<'a>(literals: &[&str], names: impl Iterator<Item = &'a str>) -> String {
    let mut names = names;
    let mut text = String::new();
    for literal in literals {
        text.push_str(literal);
        if let Some(name) = names.next() {
            _ = write!(text, "{{{name}}}");
        }
    }
    text
}

/// Endpoint of a request: a string, or a path with values, [`path!`](crate::path!).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no endpoint",
    label = "neither a string nor `path!(\"/items/{{id}}\")`",
    note = "an endpoint is a `&str`, a `String` or `path!(\"/items/{{id}}\")`",
    note = "see docs/reference/attributes.md#path in the repository"
)]
pub trait IntoEndpoint {
    /// Converts to an endpoint. An invalid value is reported when the request is sent.
    fn into_endpoint(self) -> EndpointPath;
}

// Implemented per type: for a blanket implementation, error messages would list all types that convert to `String`.
macro_rules! endpoints {
    ($($t:ty)*) => { $(
        impl IntoEndpoint for $t {
            fn into_endpoint(self) -> EndpointPath {
                EndpointPath(Ok(self.into()))
            }
        }
    )* };
}
endpoints!(&str &mut str String &String Box<str> Cow<'_, str> Url);

impl IntoEndpoint for &Url {
    fn into_endpoint(self) -> EndpointPath {
        EndpointPath(Ok(self.as_str().to_owned()))
    }
}

impl IntoEndpoint for EndpointPath {
    fn into_endpoint(self) -> EndpointPath {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prelude::path;

    #[test]
    fn value_stays_one_segment_when_it_holds_separators() {
        let cases = [
            ("nango", "/repos/nango/issues"),
            ("a/b", "/repos/a%2Fb/issues"),
            ("../../other", "/repos/..%2F..%2Fother/issues"),
            ("a?b#c&d=e", "/repos/a%3Fb%23c%26d%3De/issues"),
            ("%2e%2e", "/repos/%252e%252e/issues"),
            ("a b\\c\n", "/repos/a%20b%5Cc%0A/issues"),
            ("é", "/repos/%C3%A9/issues"),
            ("...", "/repos/.../issues"),
            ("..;x", "/repos/..%3Bx/issues"),
        ];
        for (value, expect) in cases {
            assert_eq!(fill(&["/repos/", "/issues"], &[("owner", &value)]).unwrap(), expect);
            assert_eq!(path!("/repos/{value}/issues").into_string().unwrap(), expect);
        }
        assert_eq!(fill(&["/", "-", ""], &[("a", &7_u64), ("b", &true)]).unwrap(), "/7-true");
    }

    #[test]
    fn value_stays_one_query_value_when_it_holds_separators() {
        let (owner, q) = ("o", "a&b=c#d+e ?é");
        let got = path!("/x/{owner}?q={q}&r={r}", r = 1).into_string().unwrap();
        assert_eq!(got, "/x/o?q=a%26b%3Dc%23d%2Be%20%3F%C3%A9&r=1");
        for plain in ["", ".", ".."] {
            assert_eq!(path!("/x?q={plain}").into_string().unwrap(), format!("/x?q={plain}"));
        }
    }

    #[test]
    fn value_that_is_no_segment_is_refused_with_its_name() {
        for value in ["", ".", ".."] {
            let error = path!("/repos/{owner}/x?q={value}", owner = value).into_string().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Input);
            let expect = format!(
                "`owner` is {value:?} in the path `/repos/{{owner}}/x?q={{value}}`: a value in a path must not be \
                 empty, `.` or `..`"
            );
            assert_eq!(error.to_string(), expect);
        }
    }

    #[test]
    fn enum_is_the_text_that_it_serializes_to() {
        /// Test data of a path.
        #[crate::model]
        #[serde(rename_all = "kebab-case")]
        enum State {
            /// Being reviewed.
            InReview,
        }
        let state = State::InReview;
        assert_eq!(path!("/issues/{state}").into_string().unwrap(), "/issues/in-review");
    }

    #[test]
    fn text_numbers_and_references_are_path_values() {
        struct Input {
            owner: String,
        }
        let input = Input { owner: "o".to_owned() };
        let (cow, boxed, shared) = (Cow::from("c"), Box::<str>::from("b"), Arc::<str>::from("s"));
        let (letter, id, minus) = ('l', uuid::Uuid::nil(), -1_i8);
        let got = path!("/{owner}/{cow}/{boxed}/{shared}/{letter}/{id}/{minus}", owner = input.owner);
        assert_eq!(got.into_string().unwrap(), format!("/o/c/b/s/l/{id}/-1"));
        assert_eq!(input.owner, "o", "a value is borrowed");
        assert_eq!(path!("/user").into_string().unwrap(), "/user");
        assert_eq!(path!("/{type}", r#type = 1).into_string().unwrap(), "/1");
    }
}
