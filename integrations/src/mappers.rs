//! Mapping functions that several syncs share. They are plain functions without attributes.

use crate::github::{ApiIssue, GithubIssueDemo};

/// Maps an issue of the API to the model of the demo syncs.
pub fn to_github_issue_demo(issue: ApiIssue) -> GithubIssueDemo {
    GithubIssueDemo { id: issue.id, title: issue.title, url: issue.html_url }
}
