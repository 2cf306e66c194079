//! Why a walk cannot begin, or go on.

use crate::{
    error::{Error, ErrorKind},
    http::{BodyError, HttpError},
    redact::{Redactor, one_line},
};

/// How many characters of an error in a body are shown.
const SHOWN_ERROR: usize = 200;

/// What a user can declare if the API reports the end in another way than by its cursor.
const CIRCLE_HINT: &str = "; if the API reports the end elsewhere, declare `has_more` or `is_last`";

/// Why a walk cannot begin, or go on. `at` is the page and its request: `page 2 of GET https://api.example.com/items`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PaginateError {
    /// The settings do not suffice, or contradict each other.
    #[error("{0}")]
    Settings(String),
    /// A page has no usable answer.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// A page is not JSON.
    #[error(transparent)]
    NotJson(BodyError),
    /// There is nothing at the path of the records.
    #[error("{at} has nothing at `{path}`: {found}")]
    Missing {
        /// The page.
        at: String,
        /// The path that was asked for.
        path: String,
        /// How far it leads, and what is there.
        found: String,
    },
    /// What should be the records is no list.
    #[error("{at} is no list of records but {what}{}", if path.is_empty() { String::from("; `response_path` says where in it they are") } else { format!(" at `{path}`") })]
    NotAList {
        /// The page.
        at: String,
        /// The path of the records; empty: the whole body.
        path: String,
        /// What it is.
        what: String,
    },
    /// A status behind a full page that is not declared as the end of the list.
    #[error("{at} failed; if {status} means that the list ended with the page before, declare `end_status({status})`")]
    AfterLast {
        /// The page.
        at: String,
        /// The status.
        status: u16,
        /// The failure.
        source: HttpError,
    },
    /// The list is missing, and the body carries an error.
    #[error("{at} has no list of records but an error at `{key}`: {}", first(start, SHOWN_ERROR))]
    InBody {
        /// The page.
        at: String,
        /// `error` or `errors`.
        key: &'static str,
        /// The first characters of its JSON.
        start: String,
    },
    /// The status is neither that of a page nor that of a failure.
    #[error("{at} was answered with {status}, which is no page: 200, 201, 203, 204 and 206 are")]
    Status {
        /// The page.
        at: String,
        /// The status.
        status: u16,
    },
    /// A member of the `Link` header carries the relation and has no readable target.
    #[error("{at} has a `Link` header whose `{rel}` has no readable target")]
    UnreadableLink {
        /// The page.
        at: String,
        /// The relation.
        rel: String,
    },
    /// The walk reached a bound.
    #[error(
        "{at} reaches the bound of {bound}: what was saved stays, nothing is deleted; if the list is that long, raise \
         `{setting}` under `[limits]` in nango.toml"
    )]
    Bound {
        /// The page.
        at: String,
        /// The bound, such as `100000 pages`.
        bound: String,
        /// The name of the setting.
        setting: &'static str,
    },
    /// What should lead to the next page cannot.
    #[error("{at} has no usable {what} at `{location}`: {reason}")]
    Next {
        /// The page.
        at: String,
        /// `cursor` or `link`.
        what: &'static str,
        /// Where it stands.
        location: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The API leads in a circle.
    #[error("{at} leads to a {what} that was there before: the walk would never end{CIRCLE_HINT}")]
    Circle {
        /// The page.
        at: String,
        /// `cursor` or `link`.
        what: &'static str,
    },
    /// The API does not look at the offset.
    #[error(
        "{at} has the same records as the page before: the API does not look at {name}, so the walk would never end"
    )]
    SamePage {
        /// The page.
        at: String,
        /// The parameter in backquotes, or `the link`.
        name: String,
    },
}

impl PaginateError {
    /// The error without secrets in what it quotes of an answer.
    pub(super) fn redacted(self, redactor: &Redactor) -> Self {
        match self {
            Self::NotJson(error) => Self::NotJson(error.redacted(redactor)),
            Self::InBody { at, key, start } => Self::InBody { at, key, start: redactor.hide(&start).into_owned() },
            other => other,
        }
    }

    /// The error that functions see. A status failure stays reachable by [`Error::http`].
    #[must_use]
    pub fn into_error(self) -> Error {
        match self {
            Self::Http(error) => error.into_error(),
            Self::AfterLast { ref at, status, source } => {
                let hint = format!(
                    "{at}: if {status} means that the list ended with the page before, declare `end_status({status})`"
                );
                source.into_error().context(hint)
            }
            Self::Settings(_) => Error::new(ErrorKind::Internal, self),
            other => Error::new(ErrorKind::Decode, other),
        }
    }
}

/// The first characters of a text, on one line.
fn first(text: &str, length: usize) -> String {
    one_line(text).chars().take(length).collect()
}
