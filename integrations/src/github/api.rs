//! What GitHub's REST API sends, as far as the mappings read it.

use nango_core::prelude::*;

/// An issue. Pull requests come in the same list, with `pull_request` set.
#[model]
pub struct ApiIssue {
    /// GitHub's own number of it, unique over all repositories.
    pub id: u64,
    /// Its number in the repository.
    pub number: u64,
    /// The address for people.
    pub html_url: String,
    /// The title.
    pub title: String,
    /// The text, if any was written.
    pub body: Option<String>,
    /// `open` or `closed`.
    pub state: String,
    /// Why it was closed.
    pub state_reason: Option<String>,
    /// Who wrote it; `null` if the account is gone.
    pub user: Option<ApiUser>,
    /// Its labels.
    #[serde(default)]
    pub labels: Vec<ApiLabel>,
    /// Who is to do it.
    #[serde(default)]
    pub assignees: Vec<ApiUser>,
    /// How many comments it has.
    #[serde(default)]
    pub comments: u64,
    /// Its reactions.
    pub reactions: Option<ApiReactions>,
    /// When it was written.
    pub created_at: String,
    /// When it last changed.
    pub updated_at: String,
    /// When it was closed.
    pub closed_at: Option<String>,
    /// Set for pull requests.
    pub pull_request: Option<Value>,
}

/// An account.
#[model]
pub struct ApiUser {
    /// GitHub's number of it.
    pub id: u64,
    /// Its name.
    pub login: String,
}

/// A label of an issue.
#[model]
pub struct ApiLabel {
    /// Its name.
    pub name: String,
}

/// The reactions to an issue.
#[model]
pub struct ApiReactions {
    /// How many there are.
    pub total_count: u64,
}
