//! `registry connection`: management of the customers' connections.

mod add;
mod list;
mod metadata;
mod remove;
mod show;
mod test;

use clap::ArgMatches;

use super::{Command, CommandError, Context, Exit, group};

/// Command group `registry connection …`.
#[derive(Debug)]
pub(super) struct Connection;

const COMMANDS: [&dyn Command; 6] =
    [&add::Add, &list::List, &show::Show, &test::Test, &remove::Remove, &metadata::SetMetadata];

impl Command for Connection {
    fn clap(&self) -> clap::Command {
        group::clap("connection", "Adds, lists, shows, tests and removes connections", &COMMANDS)
    }

    fn run(&self, matches: &ArgMatches, context: &mut Context) -> Result<Exit, CommandError> {
        group::run(&COMMANDS, matches, context)
    }
}
