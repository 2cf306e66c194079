//! Renewing tokens, against authorization servers that we did not write: many requests make one token request, whatever
//! goes wrong is told, and a connection recovers or says that it must be made again.

mod concurrent;
mod failures;
mod fixture;
mod killed;

pub(crate) use concurrent::check_refresh_outlasts_lease;
pub(crate) use failures::{check_lost_token_response, check_valid_token_while_server_is_down};
#[cfg(debug_assertions)]
pub(crate) use killed::check_kill_at_refresh_failpoints as killed_at_every_step;
pub(crate) use killed::check_kill_during_token_response as killed_while_the_answer_is_on_its_way;
