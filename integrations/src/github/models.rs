//! The models that this product keeps of GitHub.

use nango_core::prelude::*;

use super::ApiIssue;

/// An issue of the demo repository.
#[model]
pub struct GithubIssueDemo {
    /// GitHub's own number of the issue.
    pub id: u64,
    /// Its title.
    pub title: String,
    /// Its address for people.
    pub url: String,
}

/// An issue of a repository. A webhook that is older than what is stored does not change it.
#[model(updated = "updated_at")]
pub struct GithubIssue {
    /// GitHub's own number of the issue, unique over all repositories.
    pub id: u64,
    /// Its number in the repository.
    pub number: u64,
    /// Its address for people.
    pub url: String,
    /// The title.
    pub title: String,
    /// The text.
    pub body: Option<String>,
    /// `open` or `closed`.
    pub state: String,
    /// Why it was closed.
    pub state_reason: Option<String>,
    /// Who wrote it; `null` if the account is gone.
    pub author: Option<String>,
    /// The author's number.
    pub author_id: Option<u64>,
    /// The names of its labels.
    pub labels: Vec<String>,
    /// Who is to do it.
    pub assignees: Vec<String>,
    /// How many comments it has.
    pub comments: u64,
    /// How many reactions it has.
    pub reactions: u64,
    /// When it was written (RFC 3339).
    pub created_at: String,
    /// When it last changed (RFC 3339).
    pub updated_at: String,
    /// When it was closed (RFC 3339).
    pub closed_at: Option<String>,
}

impl From<ApiIssue> for GithubIssue {
    fn from(issue: ApiIssue) -> Self {
        let (author, author_id) = issue.user.map(|user| (user.login, user.id)).unzip();
        Self {
            id: issue.id,
            number: issue.number,
            url: issue.html_url,
            title: issue.title,
            body: issue.body,
            state: issue.state,
            state_reason: issue.state_reason,
            author,
            author_id,
            labels: issue.labels.into_iter().map(|label| label.name).collect(),
            assignees: issue.assignees.into_iter().map(|user| user.login).collect(),
            comments: issue.comments,
            reactions: issue.reactions.map_or(0, |reactions| reactions.total_count),
            created_at: issue.created_at,
            updated_at: issue.updated_at,
            closed_at: issue.closed_at,
        }
    }
}

/// What a webhook may tell of an issue that changed.
#[patch(of = GithubIssue)]
pub struct GithubIssueChange {
    /// Which issue.
    pub id: u64,
    /// Its new title.
    pub title: Option<String>,
    /// Its new text, or that it has none any more.
    pub body: Patch<String>,
    /// Its new state.
    pub state: Option<String>,
    /// When it changed.
    pub updated_at: Option<String>,
}

/// A webhook of the type `issues.*`.
#[model]
pub struct IssueEvent {
    /// `edited`, `deleted`, …
    pub action: String,
    /// The issue, as far as the webhook tells.
    pub issue: GithubIssueChange,
}

/// Which repository a connection syncs: its metadata.
#[model]
pub struct Repository {
    /// The account that owns it.
    pub owner: String,
    /// Its name.
    pub repo: String,
}

/// An issue to create in the demo repository.
#[model]
pub struct CreateIssueInput {
    /// Its title; the action puts `[demo]` in front.
    pub title: String,
}

/// The issue that was created.
#[model]
pub struct CreateIssueResult {
    /// Its address for people.
    pub url: String,
    /// The status of GitHub's answer, 201.
    pub status: u16,
}

/// A change to an issue; what is left out stays as it is.
#[model]
pub struct UpdateIssueInput {
    /// The account that owns the repository.
    pub owner: String,
    /// The repository.
    pub repo: String,
    /// The issue's number in the repository.
    pub number: u64,
    /// A new title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// A new text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// `open` or `closed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
}

/// The issue after the change.
#[model]
pub struct UpdateIssueResult {
    /// Its address for people.
    pub url: String,
    /// Its state.
    pub state: String,
}
