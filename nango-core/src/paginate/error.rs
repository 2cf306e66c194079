//! Errors of walks. Each names the page, its request and, if there is one, the setting that fixes the problem.

use std::error::Error as StdError;

use crate::{
    error::{Error, ErrorKind, register_layer_error},
    http::{BodyError, HttpError},
    redact::{Redactor, one_line},
};

/// Number of characters that are shown of an error in a body.
const SHOWN_ERROR: usize = 200;

/// Remedy if the API reports the end in another way than by its cursor.
const CIRCLE_HINT: &str = "; if the API reports the end elsewhere, declare `has_more` or `is_last`";

/// Error of a walk that cannot start or continue. `at` is the page and its request: `page 2 of GET
/// https://api.example.com/items`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum PaginateError {
    /// The pagination settings are incomplete or contradict each other.
    #[error("{0}")]
    Settings(String),
    /// The request of a page failed.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// A page is not JSON.
    #[error(transparent)]
    NotJson(BodyError),
    /// The path of the records does not exist in the body.
    #[error("{at} has nothing at `{path}`: {found}")]
    Missing {
        /// Page and request.
        at: String,
        /// Declared path of the records.
        path: String,
        /// Description of the value at the longest existing prefix of the path.
        found: String,
    },
    /// The value at the path of the records is not a list.
    #[error(
        "{at} is not {expected} of records but {what}{}{hint}",
        if path.is_empty() { String::new() } else { format!(" at `{path}`") }
    )]
    NotAList {
        /// Page and request.
        at: String,
        /// Path of the records; empty for the whole body.
        path: String,
        /// Description of the value.
        what: String,
        /// Type that is declared: `a list`, or `an object`.
        expected: &'static str,
        /// Setting that fixes the problem, after a semicolon; may be empty.
        hint: String,
    },
    /// The request after a full page failed with a status that is not declared as the end of the list.
    #[error(
        "{at} failed; if {status} means that the list ended with the previous page, declare `end_status({status})`"
    )]
    AfterLast {
        /// Page and request.
        at: String,
        /// Status code of the response.
        status: u16,
        /// Failure of the request.
        source: HttpError,
    },
    /// The list is missing, and the body contains an error.
    #[error("{at} has no list of records but an error at `{key}`: {}", first(start, SHOWN_ERROR))]
    InBody {
        /// Page and request.
        at: String,
        /// Key of the error, `error` or `errors`.
        key: &'static str,
        /// First characters of the JSON of the error.
        start: String,
    },
    /// The status is a success, but not the status of a page.
    #[error("{at} has status {status}, but a page must have status 200, 201, 203, 204 or 206")]
    Status {
        /// Page and request.
        at: String,
        /// Status code of the response.
        status: u16,
    },
    /// A member of the `Link` header has the relation, but no readable target.
    #[error("{at} has a `Link` header whose `{rel}` has no readable target")]
    UnreadableLink {
        /// Page and request.
        at: String,
        /// Relation of the link.
        rel: String,
    },
    /// The walk reached a bound.
    #[error(
        "{at} reaches the limit of {bound}: saved records are kept, nothing is deleted; if the list is that long, \
                 raise `{setting}` under `[limits]` in nango.toml"
    )]
    Bound {
        /// Page and request.
        at: String,
        /// Value of the bound, such as `100000 pages`.
        bound: String,
        /// Name of the setting.
        setting: &'static str,
    },
    /// The cursor or link to the next page is unusable.
    #[error("{at} has no usable {what} at `{location}`")]
    Next {
        /// Page and request.
        at: String,
        /// Type of the value, `cursor` or `link`.
        what: &'static str,
        /// Path of the value.
        location: String,
        /// Reason why it is unusable.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// A page with records leads to a cursor or link of an earlier page.
    #[error("{at} leads to a {what} of an earlier page, so the walk would never end{CIRCLE_HINT}")]
    Circle {
        /// Page and request.
        at: String,
        /// Type of the value, `cursor` or `link`.
        what: &'static str,
    },
    /// The API ignores the offset.
    #[error("{at} has the same records as the previous page: the API ignores {name}, so the walk would never end")]
    SamePage {
        /// Page and request.
        at: String,
        /// Parameter in backquotes, or `the link`.
        name: String,
    },
}

register_layer_error!(PaginateError);

impl PaginateError {
    /// Removes secrets from the quoted parts of a response.
    pub(super) fn redacted(self, redactor: &Redactor) -> Self {
        match self {
            Self::NotJson(error) => Self::NotJson(error.redacted(redactor)),
            Self::InBody { at, key, start } => Self::InBody { at, key, start: redactor.hide(&start).into_owned() },
            other => other,
        }
    }

    /// Converts to the error of functions. A failed status is available by [`Error::http`].
    #[must_use]
    pub(crate) fn into_error(self) -> Error {
        match self {
            Self::Http(error) => error.into_error(),
            Self::AfterLast { ref at, status, source } => {
                let hint = format!(
                    "{at}: if {status} means that the list ended with the previous page, declare `end_status({status})`"
                );
                source.into_error().context(hint)
            }
            Self::Settings(_) => Error::new(ErrorKind::Internal, self),
            other => Error::new(ErrorKind::Decode, other),
        }
    }
}

/// Returns the first characters of a text, on one line.
fn first(text: &str, length: usize) -> String {
    one_line(text).chars().take(length).collect()
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderMap;

    use super::*;
    use crate::{error::HttpFailure, json};

    const AT: &str = "page 2 of GET https://h.test/a";

    #[track_caller]
    fn check(error: PaginateError, kind: ErrorKind, expect: &str) -> Error {
        let error = Error::from(error);
        assert_eq!((error.kind(), error.to_string().as_str()), (kind, expect));
        assert_eq!(error.remedy(), None);
        error
    }

    fn failed(status: u16) -> HttpError {
        let (method, url) = ("GET".to_owned(), "https://h.test/a".to_owned());
        HttpError::Status(Box::new(HttpFailure::new(method, url, status, HeaderMap::new(), bytes::Bytes::new(), 1)))
    }

    #[test]
    fn question_mark_operator_keeps_kind_and_causes() {
        check(PaginateError::Settings("`limit` is 0".to_owned()), ErrorKind::Internal, "`limit` is 0");
        let next =
            |source| PaginateError::Next { at: AT.to_owned(), what: "link", location: "next".to_owned(), source };
        let text = "page 2 of GET https://h.test/a has no usable link at `next`: relative URL without a base";
        check(next(url::ParseError::RelativeUrlWithoutBase.into()), ErrorKind::Decode, text);
        // The value of a cursor may be secret.
        let error = serde_json::from_str::<u8>("\"hush\"").unwrap_err();
        assert!(!Error::from(next(error.into())).to_string().contains("hush"));
        let source = json::decode::<u8>(b"<").unwrap_err();
        let error = BodyError::new(AT.to_owned(), 200, &HeaderMap::new(), b"<", source);
        check(PaginateError::NotJson(error.clone()), ErrorKind::Decode, &error.to_string());
    }

    #[test]
    fn failed_status_is_found_after_the_question_mark_operator() {
        let status = failed(404);
        let text = status.to_string();
        let error = check(PaginateError::Http(status), ErrorKind::Http, &text);
        assert_eq!(error.http().map(|http| http.status), Some(404));
        let after = PaginateError::AfterLast { at: AT.to_owned(), status: 404, source: failed(404) };
        let hint = "if 404 means that the list ended with the previous page, declare `end_status(404)`";
        let error = check(after, ErrorKind::Http, &format!("{AT}: {hint}: {text}"));
        assert_eq!(error.http().map(|http| http.status), Some(404));
    }
}
