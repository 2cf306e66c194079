//! `registry providers`: the APIs that are known, and whether a file of them can be used.

mod check;
mod list;
mod show;

use clap::ArgMatches;

use super::{Command, CommandError, Context, Exit, group};

/// The name of the command.
pub(super) const NAME: &str = "providers";

/// `registry providers …`
#[derive(Debug)]
pub(super) struct Providers;

const COMMANDS: [&dyn Command; 3] = [&list::List, &show::Show, &check::Check];

impl Command for Providers {
    fn clap(&self) -> clap::Command {
        group::clap(NAME, "Lists, shows and checks the APIs that are known", &COMMANDS)
    }

    fn run(&self, matches: &ArgMatches, context: &mut Context) -> Result<Exit, CommandError> {
        group::run(&COMMANDS, matches, context)
    }
}
