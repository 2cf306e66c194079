//! `registry providers`: the provider catalogue, and the check of a file of provider entries.

mod check;
mod list;
mod show;

use clap::ArgMatches;

use super::{Command, CommandError, Context, Exit, group};

/// Name of the command.
pub(super) const NAME: &str = "providers";

/// Command group `registry providers …`.
#[derive(Debug)]
pub(super) struct Providers;

const COMMANDS: [&dyn Command; 3] = [&list::List, &show::Show, &check::Check];

impl Command for Providers {
    fn clap(&self) -> clap::Command {
        group::clap(NAME, "Lists, shows and checks the providers of the catalogue", &COMMANDS)
    }

    fn run(&self, matches: &ArgMatches, context: &mut Context) -> Result<Exit, CommandError> {
        group::run(&COMMANDS, matches, context)
    }
}
