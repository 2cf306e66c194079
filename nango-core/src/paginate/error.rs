//! Why a walk cannot begin, or go on.

use crate::{
    error::{Error, ErrorKind},
    http::HttpError,
};

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
    #[error("{at} is not JSON but {content_type}: {message}; it begins with `{start}`")]
    NotJson {
        /// The page.
        at: String,
        /// What the API calls it.
        content_type: String,
        /// What the parser says.
        message: String,
        /// The first characters.
        start: String,
    },
    /// There is nothing at the path of the records.
    #[error("{at} has nothing at `{path}`: {there}")]
    Missing {
        /// The page.
        at: String,
        /// The path that was asked for.
        path: String,
        /// How far it leads, and what is there.
        there: String,
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
    /// What should lead to the next page cannot.
    #[error("{at} has no usable {what} at `{place}`: {reason}")]
    Next {
        /// The page.
        at: String,
        /// `cursor` or `link`.
        what: &'static str,
        /// Where it stands.
        place: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The API leads in a circle.
    #[error("{at} leads to a {what} that was there before: the walk would never end")]
    Circle {
        /// The page.
        at: String,
        /// `cursor` or `link`.
        what: &'static str,
    },
    /// The API does not look at the offset.
    #[error("{at} is the same as the page before: the API does not look at `{name}`, so the walk would never end")]
    SamePage {
        /// The page.
        at: String,
        /// The parameter.
        name: String,
    },
}

impl PaginateError {
    /// The error that functions see. A status failure stays reachable by [`Error::http`].
    #[must_use]
    pub fn into_error(self) -> Error {
        match self {
            Self::Http(error) => error.into_error(),
            Self::Settings(_) => Error::new(ErrorKind::Internal, self),
            other => Error::new(ErrorKind::Decode, other),
        }
    }
}
