//! Mappings that several syncs share: ordinary functions in an ordinary module.

use crate::github::{ApiIssue, GithubIssueDemo};

/// An issue as the demo's syncs keep it.
pub fn to_github_issue_demo(issue: ApiIssue) -> GithubIssueDemo {
    GithubIssueDemo { id: issue.id, title: issue.title, url: issue.html_url }
}
