//! Resume points of interrupted walks.
//!
//! A walk can only resume safely at an opaque position: a position that counts records shifts when records are added or
//! deleted in the meantime.

use std::fmt;

use serde::{Deserialize, Serialize};
use url::Url;

use super::cursor::{Cursor, is_digits};

/// Names of parameters that count records or pages, so that the page at such a number shifts when records are added or
/// deleted.
const COUNTING_PARAMETERS: [&str; 13] = [
    "page",
    "pagenumber",
    "pageno",
    "pageindex",
    "pagenum",
    "p",
    "pg",
    "start",
    "startat",
    "startindex",
    "from",
    "index",
    "first",
];
/// Parts of names of parameters that contain the opaque position of a record.
const TOKEN_PARAMETER_PARTS: [&str; 11] =
    ["cursor", "token", "after", "before", "marker", "bookmark", "continu", "scroll", "sinceid", "lastid", "pageinfo"];

/// Cursor or link at which an interrupted walk resumes. It may contain a secret, so it is stored sealed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ResumePoint {
    #[serde(rename = "to")]
    pub(super) target: ResumeTarget,
    token: bool,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ResumeTarget {
    /// Value of the cursor parameter.
    Cursor(Cursor),
    /// An absolute URL.
    Link(String),
}

impl ResumePoint {
    /// Creates a resume point from the value of a cursor parameter.
    pub(super) fn cursor(value: &Cursor, token: bool) -> Self {
        Self { target: ResumeTarget::Cursor(value.clone()), token }
    }

    /// Creates a resume point from a link.
    pub(super) fn link(url: &Url, token: bool) -> Self {
        Self { target: ResumeTarget::Link(url.as_str().to_owned()), token }
    }

    /// Returns whether the position is opaque. Only then may a walk that deletes records or uses `since` resume here:
    /// records may shift across a counted position while the walk is interrupted.
    pub(crate) fn is_token(&self) -> bool {
        self.token
    }
}

/// Returns whether a link contains an opaque position: it has a token parameter and no counting parameter, or it
/// differs from the previous request only in its path.
pub(super) fn is_token_link(link: &Url, before: &Url) -> bool {
    let mut has_token = false;
    let mut counting = false;
    for (name, value) in link.query_pairs() {
        counting |= is_counting_parameter(&name) && is_digits(&value);
        has_token |= !value.is_empty() && TOKEN_PARAMETER_PARTS.iter().any(|part| normalized(&name).contains(part));
    }
    let sorted = |url: &Url| {
        let mut pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        pairs.sort();
        pairs
    };
    !counting && (has_token || sorted(link) == sorted(before))
}

impl fmt::Debug for ResumePoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let to = match &self.target {
            ResumeTarget::Cursor(_) => "Cursor(***)",
            ResumeTarget::Link(_) => "Link(***)",
        };
        write!(f, "ResumePoint {{ target: {to}, token: {} }}", self.token)
    }
}

fn normalized(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

fn is_counting_parameter(name: &str) -> bool {
    let name = normalized(name);
    COUNTING_PARAMETERS.contains(&name.as_str()) || name.contains("offset") || name.contains("skip")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn link_is_token_when_no_parameter_counts_and_one_holds_a_position() {
        let url = |query: &str| format!("https://h.test/x?{query}").parse::<Url>().unwrap();
        let link = |query: &str| is_token_link(&url(query), &url("limit=10"));
        let tokens = ["after=Y3Vyc29y&per_page=100", "page%5Bafter%5D=x&limit=3", "page_token=2", "page_info=eyJ"];
        for token in tokens {
            assert!(link(token), "{token}");
        }
        for count in ["page=2", "offset=10&limit=10", "page%5Bnumber%5D=2&after=", "startAt=50&cursor=x", "x=1", ""] {
            assert!(!link(count), "{count}");
        }
    }

    #[test]
    fn link_is_token_when_only_its_path_differs() {
        let url = |text: &str| format!("https://h.test/{text}").parse::<Url>().unwrap();
        assert!(is_token_link(&url("query/01g-2000"), &url("query")));
        assert!(is_token_link(&url("b?q=1&r=2"), &url("a?r=2&q=1")));
        assert!(!is_token_link(&url("b?q=1"), &url("a")));
        assert!(!is_token_link(&url("b?page=2"), &url("a?page=2")));
    }

    #[test]
    fn resume_point_survives_serialization_and_is_hidden_in_debug() {
        let points = [
            ResumePoint::cursor(&Cursor::Json(json!(0)), false),
            ResumePoint::link(&"https://h.test/?cursor=secret".parse().unwrap(), true),
        ];
        for resume_point in points {
            let restored: ResumePoint = serde_json::from_str(&serde_json::to_string(&resume_point).unwrap()).unwrap();
            assert_eq!(restored, resume_point);
            assert!(!format!("{resume_point:?}").contains("secret"));
        }
    }
}
