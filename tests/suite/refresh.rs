//! Token refresh against third-party authorization servers: concurrent requests share one token request, every failure
//! is reported, and the connection recovers or reports that it must be connected again.

mod concurrent;
mod dry_run;
mod failures;
mod fixture;
mod killed;

pub(crate) use concurrent::check_refresh_outlasts_lease;
pub(crate) use failures::{check_lost_token_response, check_valid_token_while_server_is_down};
#[cfg(debug_assertions)]
pub(crate) use killed::check_kill_at_refresh_failpoints;
pub(crate) use killed::check_kill_during_token_response;
