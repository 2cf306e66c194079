//! Commands of one subject: `registry connection …`, `registry database …`.

use clap::ArgMatches;

use super::{Command, CommandError, Context, Exit};

/// The commands below a word.
pub(super) type Commands = [&'static dyn Command];

/// The word, with its commands below it.
pub(super) fn clap(name: &'static str, about: &'static str, commands: &Commands) -> clap::Command {
    clap::Command::new(name)
        .about(about)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands(commands.iter().map(|command| command.clap()))
}

/// Does the one that was named.
pub(super) fn run(commands: &Commands, matches: &ArgMatches, context: &mut Context) -> Result<Exit, CommandError> {
    let named = matches.subcommand().and_then(|(name, own)| {
        let command = commands.iter().find(|command| command.clap().get_name() == name)?;
        Some((command, own))
    });
    match named {
        Some((command, own)) => command.run(own, context),
        None => Ok(Exit::Usage),
    }
}
