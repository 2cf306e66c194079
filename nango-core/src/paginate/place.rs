//! Resume points of interrupted walks, and whether a position counts records or is opaque.

use std::fmt;

use serde::{Deserialize, Serialize};
use url::Url;

use super::cursor::{Cursor, is_digits};

/// Names of parameters that count: what lies behind such a number moves when records are added or deleted.
const COUNTS: [&str; 13] = [
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
/// Parts of names of parameters that carry the position of a record.
const HOLDS: [&str; 11] =
    ["cursor", "token", "after", "before", "marker", "bookmark", "continu", "scroll", "sinceid", "lastid", "pageinfo"];

/// The way to the next page, to be kept with the page before it. It may hold a secret: store it sealed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    pub(super) to: To,
    token: bool,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum To {
    /// The value of the cursor's parameter.
    Cursor(Cursor),
    /// An absolute URL.
    Link(String),
}

impl Place {
    /// The value of a cursor's parameter.
    pub(super) fn cursor(value: &Cursor, token: bool) -> Self {
        Self { to: To::Cursor(value.clone()), token }
    }

    /// A link.
    pub(super) fn link(url: &Url, token: bool) -> Self {
        Self { to: To::Link(url.as_str().to_owned()), token }
    }

    /// Whether it carries an opaque position. Only then may a walk that deletes, or uses `since`, resume here: records
    /// shift across a number while the walk is interrupted.
    pub fn is_token(&self) -> bool {
        self.token
    }
}

/// Whether a link carries an opaque position: it has such a parameter and none that counts, or it differs from the request
/// before only in its path.
pub(super) fn is_token_link(link: &Url, before: &Url) -> bool {
    let mut holds = false;
    let mut counting = false;
    for (name, value) in link.query_pairs() {
        counting |= counts(&name) && is_digits(&value);
        holds |= !value.is_empty() && HOLDS.iter().any(|part| plain(&name).contains(part));
    }
    let sorted = |url: &Url| {
        let mut pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        pairs.sort();
        pairs
    };
    !counting && (holds || sorted(link) == sorted(before))
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let to = match &self.to {
            To::Cursor(_) => "Cursor(***)",
            To::Link(_) => "Link(***)",
        };
        write!(f, "Place {{ to: {to}, token: {} }}", self.token)
    }
}

fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

fn counts(name: &str) -> bool {
    let name = plain(name);
    COUNTS.contains(&name.as_str()) || name.contains("offset") || name.contains("skip")
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
    fn a_place_is_kept_and_not_shown() {
        let places = [
            Place::cursor(&Cursor::Json(json!(0)), false),
            Place::link(&"https://h.test/?cursor=hush".parse().unwrap(), true),
        ];
        for place in places {
            let kept: Place = serde_json::from_str(&serde_json::to_string(&place).unwrap()).unwrap();
            assert_eq!(kept, place);
            assert!(!format!("{place:?}").contains("hush"));
        }
    }
}
