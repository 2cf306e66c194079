//! `registry encryption`: encryption of payloads at rest, and key rotation.

mod reseal;
mod rotate;
mod status;
mod switch;

use clap::ArgMatches;

use super::{Command, CommandError, Context, Exit, group};

/// Command group `registry encryption …`.
#[derive(Debug)]
pub(super) struct Encryption;

const COMMANDS: [&dyn Command; 4] = [&status::Status, &switch::ON, &switch::OFF, &rotate::Rotate];

impl Command for Encryption {
    fn clap(&self) -> clap::Command {
        group::clap("encryption", "Encrypts the payloads of records at rest, and rotates the keys", &COMMANDS)
    }

    fn run(&self, matches: &ArgMatches, context: &mut Context) -> Result<Exit, CommandError> {
        group::run(&COMMANDS, matches, context)
    }
}
