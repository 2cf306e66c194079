//! GitHub: issues of repositories.

mod api;
mod check_repository;
mod create_issue;
#[cfg(test)]
mod fixtures;
mod issue_changed;
mod issues_demo;
mod issues_demo_mapped;
mod labels;
mod models;
mod repo_issues;
mod repo_issues_by_hand;
mod update_issue;

pub use api::{ApiIssue, ApiLabel, ApiReactions, ApiUser};
pub use check_repository::check_repository;
pub use create_issue::create_issue;
pub use issue_changed::issue_changed;
pub use issues_demo::issues_demo;
pub use issues_demo_mapped::issues_demo_mapped;
pub use labels::{
    CreateLabelInput, GithubLabel, LabelInput, LabelsInput, UpdateLabelInput, create_label, delete_label, get_label,
    list_labels, update_label,
};
pub use models::{
    CreateIssueInput, CreateIssueResult, GithubIssue, GithubIssueChange, GithubIssueDemo, IssueEvent, Repository,
    UpdateIssueInput, UpdateIssueResult,
};
pub use repo_issues::repo_issues;
pub use repo_issues_by_hand::repo_issues_by_hand;
pub use update_issue::update_issue;
