//! List of issues: filters, order, and links between pages.

use std::cmp::Reverse;

use jiff::Timestamp;

use super::issue::Issue;

const DEFAULT_PAGE_SIZE: usize = 30;
const MAX_PAGE_SIZE: usize = 100;

/// Parsed query of a list.
#[derive(Debug)]
pub(super) struct Listing {
    state: State,
    labels: Vec<String>,
    sort: Sort,
    ascending: bool,
    since: Option<Timestamp>,
    per_page: usize,
    page: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Closed,
    All,
}

#[derive(Debug, Clone, Copy)]
enum Sort {
    Created,
    Updated,
}

/// Name of a parameter with an invalid value.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct InvalidParameter(pub(super) &'static str);

impl Listing {
    /// Parses the parameters. Unknown ones are ignored, as GitHub does.
    pub(super) fn parse(query: &[(String, String)]) -> Result<Self, InvalidParameter> {
        let text = |name| query.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let number = |name| text(name).and_then(|value| value.parse::<usize>().ok()).filter(|&number| number > 0);
        Ok(Self {
            state: match text("state") {
                None | Some("open") => State::Open,
                Some("closed") => State::Closed,
                Some("all") => State::All,
                Some(_) => return Err(InvalidParameter("state")),
            },
            labels: text("labels")
                .unwrap_or_default()
                .split(',')
                .map(str::trim)
                .filter(|label| !label.is_empty())
                .map(str::to_owned)
                .collect(),
            sort: match text("sort") {
                None | Some("created") => Sort::Created,
                Some("updated") => Sort::Updated,
                Some(_) => return Err(InvalidParameter("sort")),
            },
            ascending: match text("direction") {
                None | Some("desc") => false,
                Some("asc") => true,
                Some(_) => return Err(InvalidParameter("direction")),
            },
            since: match text("since") {
                None => None,
                Some(text) => Some(text.parse().map_err(|_| InvalidParameter("since"))?),
            },
            per_page: number("per_page").unwrap_or(DEFAULT_PAGE_SIZE).min(MAX_PAGE_SIZE),
            page: number("page").unwrap_or(1),
        })
    }

    /// Returns the issues of the requested page, and the number of the last page.
    pub(super) fn page<'a>(&self, issues: impl Iterator<Item = &'a Issue>) -> (Vec<&'a Issue>, usize) {
        let mut found: Vec<&Issue> = issues.filter(|issue| self.matches(issue)).collect();
        let key = |issue: &Issue| match self.sort {
            Sort::Created => (issue.created, issue.number),
            Sort::Updated => (issue.updated, issue.number),
        };
        if self.ascending {
            found.sort_by_key(|issue| key(issue));
        } else {
            found.sort_by_key(|issue| Reverse(key(issue)));
        }
        let last = found.len().div_ceil(self.per_page).max(1);
        let skipped = (self.page - 1).saturating_mul(self.per_page);
        (found.into_iter().skip(skipped).take(self.per_page).collect(), last)
    }

    fn matches(&self, issue: &Issue) -> bool {
        let state = if issue.closed.is_some() { State::Closed } else { State::Open };
        (self.state == State::All || self.state == state)
            && self.since.is_none_or(|since| issue.updated >= since)
            && self.labels.iter().all(|label| issue.labels.iter().any(|given| given.eq_ignore_ascii_case(label)))
    }

    /// Returns the `Link` header: previous and first page if there is an earlier page, next and last if there is a
    /// later one.
    ///
    /// `query` is the query as it was sent. A link repeats it unchanged, except for the page.
    pub(super) fn links(&self, address: &str, query: &str, last: usize) -> Option<String> {
        let pairs = query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("page="));
        let remaining: Vec<&str> = pairs.collect();
        let previous = (self.page > 1).then(|| (self.page - 1).min(last));
        let has_next = self.page < last;
        let links: Vec<String> = [
            previous.map(|page| (page, "prev")),
            has_next.then(|| (self.page + 1, "next")),
            has_next.then_some((last, "last")),
            previous.map(|_| (1, "first")),
        ]
        .into_iter()
        .flatten()
        .map(|(page, rel)| {
            let query = [remaining.as_slice(), &[format!("page={page}").as_str()]].concat().join("&");
            format!("<{address}?{query}>; rel=\"{rel}\"")
        })
        .collect();
        (!links.is_empty()).then(|| links.join(", "))
    }
}
