//! `registry webhooks`: webhooks that the server sends.

mod key;

use clap::ArgMatches;

use super::{Command, CommandError, Context, Exit, group};

/// Command group `registry webhooks …`.
#[derive(Debug)]
pub(super) struct Webhooks;

const COMMANDS: [&dyn Command; 1] = [&key::Key];

impl Command for Webhooks {
    fn clap(&self) -> clap::Command {
        group::clap("webhooks", "Shows the key that signs webhooks", &COMMANDS)
    }

    fn run(&self, matches: &ArgMatches, context: &mut Context) -> Result<Exit, CommandError> {
        group::run(&COMMANDS, matches, context)
    }
}
