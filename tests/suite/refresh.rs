//! Token refresh against third-party authorization servers: concurrent requests share one token request, every failure
//! is reported, and the connection recovers or reports that it must be connected again.

mod concurrent;
mod dry_run;
mod fixture;
mod killed_process;
mod server_failures;

pub(crate) use concurrent::check_refresh_outlasts_lease;
#[cfg(debug_assertions)]
pub(crate) use killed_process::check_kill_at_refresh_failpoints;
pub(crate) use killed_process::check_kill_during_token_response;
pub(crate) use server_failures::{check_lost_token_response, check_valid_token_while_server_is_down};
