//! `registry api-keys`: keys of the HTTP API.

mod create;
#[cfg(feature = "server")]
mod first_start;
mod list;
mod new_key;
mod revoke;

#[cfg(feature = "server")]
pub(super) use first_start::prepare_first_start;
#[cfg(feature = "server")]
pub use first_start::{FirstKey, find_or_create_key};

use clap::ArgMatches;

use super::{Command, CommandError, Context, Exit, group};

/// Command group `registry api-keys …`.
#[derive(Debug)]
pub(super) struct ApiKeys;

const COMMANDS: [&dyn Command; 3] = [&create::Create, &list::List, &revoke::Revoke];

impl Command for ApiKeys {
    fn clap(&self) -> clap::Command {
        group::clap("api-keys", "Creates, lists and revokes keys of the HTTP API", &COMMANDS)
    }

    fn run(&self, matches: &ArgMatches, context: &mut Context) -> Result<Exit, CommandError> {
        group::run(&COMMANDS, matches, context)
    }
}
