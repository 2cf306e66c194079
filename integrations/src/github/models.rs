//! Models of the GitHub integration: records, patches, metadata, and inputs and outputs of actions.

use nango_core::prelude::*;

use super::ApiIssue;

/// An issue of the demo repository.
#[model]
pub struct GithubIssueDemo {
    /// Id of the issue.
    pub id: u64,
    /// Title of the issue.
    pub title: String,
    /// URL of the issue on the website.
    pub url: String,
}

/// An issue of a repository. A webhook that is older than the stored issue does not change it.
#[model(updated = "updated_at")]
pub struct GithubIssue {
    /// Id of the issue, unique across all repositories.
    pub id: u64,
    /// Number of the issue in its repository.
    pub number: u64,
    /// URL of the issue on the website.
    pub url: String,
    /// Title of the issue.
    pub title: String,
    /// Text of the issue in Markdown.
    pub body: Option<String>,
    /// State, `open` or `closed`.
    pub state: String,
    /// Reason for the state, such as `completed`.
    pub state_reason: Option<String>,
    /// Login of the author; `null` if the account no longer exists.
    pub author: Option<String>,
    /// Id of the author.
    pub author_id: Option<u64>,
    /// Names of the labels.
    pub labels: Vec<String>,
    /// Logins of the users to whom the issue is assigned.
    pub assignees: Vec<String>,
    /// Number of comments.
    pub comments: u64,
    /// Number of reactions.
    pub reactions: u64,
    /// Time of creation (RFC 3339).
    pub created_at: String,
    /// Time of the last change (RFC 3339).
    pub updated_at: String,
    /// Time of closing (RFC 3339).
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

/// Changes to an issue that a webhook contains.
#[patch(of = GithubIssue)]
pub struct GithubIssueChange {
    /// Id of the issue.
    pub id: u64,
    /// New title.
    pub title: Option<String>,
    /// New text; `null` removes the text.
    pub body: Patch<String>,
    /// New state.
    pub state: Option<String>,
    /// Time of the change (RFC 3339).
    pub updated_at: Option<String>,
}

/// A webhook of the type `issues.*`.
#[model]
pub struct IssueEvent {
    /// Action, such as `edited` or `deleted`.
    pub action: String,
    /// Changed fields of the issue.
    pub issue: GithubIssueChange,
}

/// Metadata of a connection: the repository to sync.
#[model]
pub struct Repository {
    /// Account that owns the repository.
    pub owner: String,
    /// Name of the repository.
    pub repo: String,
}

/// An issue to create in the demo repository.
#[model]
pub struct CreateIssueInput {
    /// Title of the issue; the action prepends `[demo]`.
    pub title: String,
}

/// The issue that was created.
#[model]
pub struct CreateIssueResult {
    /// URL of the issue on the website.
    pub url: String,
    /// Status of GitHub's response, 201.
    pub status: u16,
}

/// A change to an issue. Fields that are not given are unchanged.
#[model]
pub struct UpdateIssueInput {
    /// Account that owns the repository.
    pub owner: String,
    /// Name of the repository.
    pub repo: String,
    /// Number of the issue in the repository.
    pub number: u64,
    /// New title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// New text in Markdown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// New state, `open` or `closed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
}

/// The issue after the change.
#[model]
pub struct UpdateIssueResult {
    /// URL of the issue on the website.
    pub url: String,
    /// State, `open` or `closed`.
    pub state: String,
}
