//! Responses of GitHub's REST API, with the fields that the mappings read.

use nango_core::prelude::*;

/// An issue as GitHub sends it. Lists of issues also contain pull requests, with `pull_request` set.
#[model]
pub struct ApiIssue {
    /// Id of the issue, unique across all repositories.
    pub id: u64,
    /// Number of the issue in its repository.
    pub number: u64,
    /// URL of the issue on the website.
    pub html_url: String,
    /// Title of the issue.
    pub title: String,
    /// Text of the issue in Markdown.
    pub body: Option<String>,
    /// State, `open` or `closed`.
    pub state: String,
    /// Reason for the state, such as `completed`.
    pub state_reason: Option<String>,
    /// Author; `null` if the account no longer exists.
    pub user: Option<ApiUser>,
    /// Labels of the issue.
    #[serde(default)]
    pub labels: Vec<ApiLabel>,
    /// Users to whom the issue is assigned.
    #[serde(default)]
    pub assignees: Vec<ApiUser>,
    /// Number of comments.
    #[serde(default)]
    pub comments: u64,
    /// Reactions to the issue.
    pub reactions: Option<ApiReactions>,
    /// Time of creation (RFC 3339).
    pub created_at: String,
    /// Time of the last change (RFC 3339).
    pub updated_at: String,
    /// Time of closing (RFC 3339).
    pub closed_at: Option<String>,
    /// Links of the pull request; absent for an issue.
    pub pull_request: Option<Value>,
}

/// A user as GitHub sends it.
#[model]
pub struct ApiUser {
    /// Id of the user.
    pub id: u64,
    /// Login name.
    pub login: String,
}

/// A label of an issue as GitHub sends it.
#[model]
pub struct ApiLabel {
    /// Name of the label.
    pub name: String,
}

/// Reactions to an issue as GitHub sends them.
#[model]
pub struct ApiReactions {
    /// Number of reactions.
    pub total_count: u64,
}
