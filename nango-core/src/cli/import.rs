//! `registry import`: imports connections from another server.

mod nango;
mod plan;
mod source;
mod transfer;

use clap::ArgMatches;

use super::{Command, CommandError, Context, Exit, group};

/// Command group `registry import …`.
#[derive(Debug)]
pub(super) struct Import;

const COMMANDS: [&dyn Command; 1] = [&nango::Nango];

impl Command for Import {
    fn clap(&self) -> clap::Command {
        group::clap("import", "Imports connections from another server", &COMMANDS)
    }

    fn run(&self, matches: &ArgMatches, context: &mut Context) -> Result<Exit, CommandError> {
        group::run(&COMMANDS, matches, context)
    }
}
