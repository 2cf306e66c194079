//! `registry schedules`: schedules of the syncs of connections.

mod change;
mod list;
mod selection;
mod trigger;

use clap::ArgMatches;

use super::{Command, CommandError, Context, Exit, group};

/// Command group `registry schedules …`.
#[derive(Debug)]
pub(super) struct Schedules;

const COMMANDS: [&dyn Command; 4] = [&list::List, &change::PAUSE, &change::START, &trigger::Trigger];

impl Command for Schedules {
    fn clap(&self) -> clap::Command {
        group::clap("schedules", "Lists, pauses, starts and triggers the syncs of connections", &COMMANDS)
    }

    fn run(&self, matches: &ArgMatches, context: &mut Context) -> Result<Exit, CommandError> {
        group::run(&COMMANDS, matches, context)
    }
}
