//! Groups of commands: `registry connection …`, `registry database …`.

use clap::ArgMatches;

use super::{Command, CommandError, Context, Exit};

/// Subcommands of a group.
pub(super) type Commands = [&'static dyn Command];

/// Builds the command of a group with its subcommands.
pub(super) fn clap(name: &'static str, about: &'static str, commands: &Commands) -> clap::Command {
    clap::Command::new(name)
        .about(about)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands(commands.iter().map(|command| command.clap()))
        .after_help(format!("Options and an example of a command: registry {name} COMMAND --help"))
}

/// Runs the subcommand that was given.
pub(super) fn run(commands: &Commands, matches: &ArgMatches, context: &mut Context) -> Result<Exit, CommandError> {
    let selected = matches.subcommand().and_then(|(name, own)| {
        let command = commands.iter().find(|command| command.clap().get_name() == name)?;
        Some((command, own))
    });
    match selected {
        Some((command, own)) => command.run(own, context),
        None => Ok(Exit::Usage),
    }
}
