//! The integrations of this product.
//!
//! A module here is an integration; an annotated function in it is a sync, an action, a webhook handler or a function
//! that runs on an event of a connection. Copy what is nearest to what you need:
//!
//! | you need | look at |
//! | --- | --- |
//! | a few records, by hand | [`github::issues_demo`](github::issues_demo()) |
//! | a list as one mapping, by links | [`github::repo_issues`](github::repo_issues()) |
//! | the same with a loop of your own | [`github::repo_issues_by_hand`](github::repo_issues_by_hand()) |
//! | a list by cursor | [`hubspot::contacts`](hubspot::contacts()) |
//! | a list by offset | [`jira::projects`](jira::projects()) |
//! | an operation | [`github::create_issue`](github::create_issue()), [`github::update_issue`](github::update_issue()) |
//! | changes as they happen | [`github::issue_changed`](github::issue_changed()) |
//! | to check a new connection | [`github::check_repository`](github::check_repository()) |

mod demo;
pub mod github;
pub mod hubspot;
pub mod jira;
pub mod mappers;

use std::process::ExitCode;

pub use demo::standin;

/// The `registry` binary with the commands of this crate.
pub fn main() -> ExitCode {
    nango_core::App::new().command(Box::new(demo::Demo)).main()
}
