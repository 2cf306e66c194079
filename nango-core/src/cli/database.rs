//! `registry database`: maintenance of the database.

mod backup;
mod check;
mod copy;
mod empty;
mod erase;
mod prune;
mod remains;
mod retain;
mod vacuum;

use clap::ArgMatches;

use super::{Command, CommandError, Context, Exit, group};
pub(super) use remains::clear_removed;

/// Command group `registry database …`.
#[derive(Debug)]
pub(super) struct Database;

const COMMANDS: [&dyn Command; 8] = [
    &check::Check,
    &backup::Backup,
    &copy::Copy,
    &retain::Retain,
    &prune::Prune,
    &empty::Empty,
    &erase::Erase,
    &vacuum::Vacuum,
];

impl Command for Database {
    fn clap(&self) -> clap::Command {
        group::clap("database", "Checks, backs up, copies and cleans up the database", &COMMANDS)
    }

    fn run(&self, matches: &ArgMatches, context: &mut Context) -> Result<Exit, CommandError> {
        group::run(&COMMANDS, matches, context)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_database_command_has_its_own_help() {
        let abouts: BTreeSet<String> =
            COMMANDS.iter().filter_map(|command| command.clap().get_about().map(ToString::to_string)).collect();
        assert_eq!(abouts.len(), COMMANDS.len(), "{abouts:#?}");
    }
}
