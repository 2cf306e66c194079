//! `registry test`: tests of integrations.

mod new;

use clap::ArgMatches;

use super::{
    Command, CommandError, Context, Exit,
    group::{self, Commands},
};

const COMMANDS: &Commands = &[&new::New];

/// The group of commands `registry test …`
#[derive(Debug)]
pub(super) struct Test;

impl Command for Test {
    fn clap(&self) -> clap::Command {
        group::clap("test", "Writes tests of functions", COMMANDS)
    }

    fn run(&self, matches: &ArgMatches, context: &mut Context) -> Result<Exit, CommandError> {
        group::run(COMMANDS, matches, context)
    }
}
