//! Where an interrupted walk may go on.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

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
/// Parts of names of parameters that hold on to a record.
const HOLDS: [&str; 10] =
    ["cursor", "token", "after", "before", "marker", "bookmark", "continu", "scroll", "sinceid", "lastid"];

/// The way to the next page, to be kept with the page before it. It may hold a secret: store it sealed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    pub(super) to: To,
    token: bool,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum To {
    /// The value of the cursor's parameter: a string or a number.
    Cursor(Value),
    /// An absolute URL.
    Link(String),
}

impl Place {
    pub(super) fn cursor(name: &str, value: &Value) -> Self {
        let counts = counts(name) && (value.is_number() || value.as_str().is_some_and(is_number));
        Self { to: To::Cursor(value.clone()), token: !counts }
    }

    pub(super) fn link(url: &Url) -> Self {
        let mut holds = false;
        let mut counting = false;
        for (name, value) in url.query_pairs() {
            counting |= counts(&name) && is_number(&value);
            holds |= !value.is_empty() && HOLDS.iter().any(|part| plain(&name).contains(part));
        }
        Self { to: To::Link(url.as_str().to_owned()), token: holds && !counting }
    }

    /// Whether it holds on to a record, rather than counting pages or records. Only then may a walk that ends in deletes
    /// go on from here: a count has moved when records came or went meanwhile. What is not known counts as a count.
    pub fn is_token(&self) -> bool {
        self.token
    }
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

fn is_number(value: &str) -> bool {
    !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn tokens_and_counts_are_told_apart() {
        let cursor = |name, value| Place::cursor(name, &value).is_token();
        assert!(cursor("after", json!("100")) && cursor("cursor", json!(5)) && cursor("offset", json!("b3Blbg")));
        assert!(!cursor("offset", json!(100)) && !cursor("$skip", json!("10")) && !cursor("page", json!(2)));

        let link = |query: &str| Place::link(&format!("https://h.test/x?{query}").parse().unwrap()).is_token();
        assert!(link("after=Y3Vyc29y&per_page=100") && link("page%5Bafter%5D=x&limit=3") && link("page_token=2"));
        for count in ["page=2", "offset=10&limit=10", "page%5Bnumber%5D=2&after=", "startAt=50&cursor=x", "x=1", ""] {
            assert!(!link(count), "{count}");
        }
    }

    #[test]
    fn a_place_is_kept_and_not_shown() {
        let places = [Place::cursor("c", &json!(0)), Place::link(&"https://h.test/?cursor=hush".parse().unwrap())];
        for place in places {
            let kept: Place = serde_json::from_str(&serde_json::to_string(&place).unwrap()).unwrap();
            assert_eq!(kept, place);
            assert!(!format!("{place:?}").contains("hush"));
        }
    }
}
