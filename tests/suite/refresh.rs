//! Renewing tokens, against authorization servers that we did not write: many requests make one token request, whatever
//! goes wrong is told, and a connection recovers or says that it must be made again.

mod crowds;
mod failures;
mod killed;
mod stage;

pub(crate) use crowds::a_renewal_is_slow;
pub(crate) use failures::{a_token_is_still_good, an_answer_is_lost};
#[cfg(debug_assertions)]
pub(crate) use killed::at_every_step as killed_at_every_step;
pub(crate) use killed::while_the_answer_is_on_its_way as killed_while_the_answer_is_on_its_way;
