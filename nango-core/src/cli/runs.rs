//! `registry runs`: runs of functions as they are stored.

mod list;
mod show;

use clap::ArgMatches;

use super::{Command, CommandError, Context, Exit, group};

/// Command group `registry runs …`.
#[derive(Debug)]
pub(super) struct Runs;

const COMMANDS: [&dyn Command; 2] = [&list::List, &show::Show];

impl Command for Runs {
    fn clap(&self) -> clap::Command {
        group::clap("runs", "Lists the runs of functions, and shows one with its log", &COMMANDS)
    }

    fn run(&self, matches: &ArgMatches, context: &mut Context) -> Result<Exit, CommandError> {
        group::run(&COMMANDS, matches, context)
    }
}
