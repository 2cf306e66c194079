//! State of the stand-in: clock, repositories, and received requests.

use jiff::{SignedDuration, Timestamp};

use super::issue::{Issue, NewIssue};

/// Requests per hour that the rate limit headers show. The limit is not enforced.
pub(super) const RATE_LIMIT: u64 = 5000;

/// Request that the stand-in received, without secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReceivedRequest {
    /// HTTP method, such as `GET`.
    pub method: String,
    /// Path without the query.
    pub path: String,
    /// Query as it was sent, without the question mark; empty if there was none.
    pub query: String,
    /// Whether the request had an `Authorization` header.
    pub authorized: bool,
}

#[derive(Debug)]
pub(super) struct GithubData {
    now: Timestamp,
    repositories: Vec<Repository>,
    received_requests: Vec<ReceivedRequest>,
}

impl GithubData {
    pub(super) fn new(repositories: Vec<Repository>, now: Timestamp) -> Self {
        Self { now, repositories, received_requests: Vec::new() }
    }

    /// Advances the clock by one second and returns the time.
    pub(super) fn tick(&mut self) -> Timestamp {
        self.now = self.now.saturating_add(SignedDuration::from_secs(1)).unwrap_or(self.now);
        self.now
    }

    pub(super) fn now(&self) -> Timestamp {
        self.now
    }

    pub(super) fn record_request(&mut self, request: ReceivedRequest) {
        self.received_requests.push(request);
    }

    pub(super) fn received_requests(&self) -> &[ReceivedRequest] {
        &self.received_requests
    }

    /// Finds a repository by `owner/name`, case-insensitive like GitHub.
    pub(super) fn repository(&self, name: &str) -> Option<&Repository> {
        self.repositories.iter().find(|repository| repository.name.eq_ignore_ascii_case(name))
    }

    pub(super) fn repository_mut(&mut self, name: &str) -> Option<&mut Repository> {
        self.repositories.iter_mut().find(|repository| repository.name.eq_ignore_ascii_case(name))
    }

    pub(super) fn repository_by_id(&self, id: u64) -> Option<&Repository> {
        self.repositories.iter().find(|repository| repository.id == id)
    }
}

#[derive(Debug)]
pub(super) struct Repository {
    pub(super) id: u64,
    /// Full name, `owner/name`.
    pub(super) name: String,
    /// Label that the repository's automation adds to an issue whose title starts with `[label]`.
    pub(super) labelled_by_title: Option<&'static str>,
    /// Issues by number: issue `n` has the index `n - 1`. Deleted issues stay, so that no number is reused.
    issues: Vec<Issue>,
}

impl Repository {
    pub(super) fn new(id: u64, name: &str, labelled_by_title: Option<&'static str>) -> Self {
        Self { id, name: name.to_owned(), labelled_by_title, issues: Vec::new() }
    }

    /// Adds an issue with the next number.
    pub(super) fn open(&mut self, issue: NewIssue, now: Timestamp) -> &mut Issue {
        let NewIssue { title, body, mut labels, pull_request } = issue;
        if let Some(label) = self.labelled_by_title
            && title
                .strip_prefix('[')
                .and_then(|rest| rest.strip_prefix(label))
                .is_some_and(|rest| rest.starts_with(']'))
            && !labels.iter().any(|given| given == label)
        {
            labels.push(label.to_owned());
        }
        let number = self.issues.len() as u64 + 1;
        let author = AUTHORS[self.issues.len() % AUTHORS.len()];
        self.issues.push(Issue {
            number,
            title,
            body,
            labels,
            author,
            pull_request,
            created: now,
            updated: now,
            closed: None,
            deleted: false,
        });
        let last = self.issues.len() - 1;
        &mut self.issues[last]
    }

    pub(super) fn issues(&self) -> impl Iterator<Item = &Issue> {
        self.issues.iter().filter(|issue| !issue.deleted)
    }

    /// Returns the issue with this number, also if it was deleted.
    pub(super) fn find(&self, number: u64) -> Option<&Issue> {
        self.issues.get(index(number)?)
    }

    pub(super) fn issue_mut(&mut self, number: u64) -> Option<&mut Issue> {
        self.issues.get_mut(index(number)?).filter(|issue| !issue.deleted)
    }

    pub(super) fn delete(&mut self, number: u64) -> bool {
        self.issue_mut(number).map(|issue| issue.deleted = true).is_some()
    }

    pub(super) fn restore(&mut self, number: u64) -> bool {
        let deleted = index(number).and_then(|index| self.issues.get_mut(index)).filter(|issue| issue.deleted);
        deleted.map(|issue| issue.deleted = false).is_some()
    }
}

/// Logins of the authors, which are assigned to issues in turn.
const AUTHORS: [&str; 3] = ["ada-demo", "grace-demo", "linus-demo"];

fn index(number: u64) -> Option<usize> {
    usize::try_from(number.checked_sub(1)?).ok()
}
