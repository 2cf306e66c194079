//! Example integrations, which are also the templates for new ones.
//!
//! Each module is an integration. An annotated function in it is a sync, an action, a webhook handler, or a handler of
//! a connection event. Copy the example that is closest to your use case:
//!
//! | use case | example |
//! | --- | --- |
//! | a small list, by hand | [`github::issues_demo`](github::issues_demo()) |
//! | a list with `Link` headers, as a mapper | [`github::repo_issues`](github::repo_issues()) |
//! | the same list, by hand | [`github::repo_issues_by_hand`](github::repo_issues_by_hand()) |
//! | a list with cursors, as a mapper | [`hubspot::contacts`](hubspot::contacts()) |
//! | a list with offsets, as a mapper | [`jira::projects`](jira::projects()) |
//! | a list that is requested with POST, as a mapper | [`notion::pages`](notion::pages()) |
//! | a list by GraphQL, as a mapper | [`linear::issues`](linear::issues()) |
//! | records that leave the list when they are deactivated | [`slack::users`](slack::users()) |
//! | a list with parameters, as a mapper | [`slack::channels`](slack::channels()) |
//! | a feed of changes whose position the API returns, as a mapper | [`zendesk::tickets`](zendesk::tickets()), [`google_calendar::events`](google_calendar::events()) |
//! | a list for each record of another sync, as a mapper | [`slack::messages`](slack::messages()) |
//! | a list that continues after its last record, as a mapper | [`stripe::customers`](stripe::customers()) |
//! | records with parts that are records too, as a mapper of several models | [`shopify::orders`](shopify::orders()) |
//! | an operation at the provider | [`github::create_issue`](github::create_issue()), [`github::update_issue`](github::update_issue()) |
//! | changes from webhooks | [`github::issue_changed`](github::issue_changed()), [`stripe::invoice_changed`](stripe::invoice_changed()) |
//! | the validation of a new connection | [`github::check_repository`](github::check_repository()) |

mod demo;
pub mod github;
pub mod google_calendar;
pub mod hubspot;
pub mod jira;
pub mod linear;
pub mod mappers;
pub mod notion;
pub mod shopify;
pub mod slack;
pub mod stripe;
pub mod zendesk;

use std::process::ExitCode;

pub use demo::standin;

/// Runs the `registry` binary with the built-in commands and the demo.
pub fn main() -> ExitCode {
    nango_core::App::new().commit(option_env!("NANGO_BUILD_COMMIT")).command(Box::new(demo::Demo)).main()
}
