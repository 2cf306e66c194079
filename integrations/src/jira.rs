//! Jira: projects of a site.

mod projects;

pub use projects::{ApiProject, JiraProject, projects};
