//! Linear: issues of a team, by GraphQL.

mod issues;

pub use issues::{ApiIssue, ApiName, LinearIssue, LinearTeam, issues};
