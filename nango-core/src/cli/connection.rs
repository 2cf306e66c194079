//! `registry connection`: the customers' connections.

mod add;
mod list;
mod metadata;
mod remove;
mod show;

use clap::ArgMatches;

use super::{Command, Context, Exit, Fault, check::provider_of};
use crate::config::Config;

/// `registry connection …`
#[derive(Debug)]
pub(super) struct Connection;

const COMMANDS: [&dyn Command; 5] = [&add::Add, &list::List, &show::Show, &remove::Remove, &metadata::SetMetadata];

impl Command for Connection {
    fn clap(&self) -> clap::Command {
        clap::Command::new("connection")
            .about("Adds, lists, shows and removes connections")
            .subcommand_required(true)
            .arg_required_else_help(true)
            .subcommands(COMMANDS.map(Command::clap))
    }

    fn run(&self, matches: &ArgMatches, context: &mut Context) -> Result<Exit, Fault> {
        let named = matches.subcommand().and_then(|(name, own)| {
            let command = COMMANDS.into_iter().find(|command| command.clap().get_name() == name)?;
            Some((command, own))
        });
        match named {
            Some((command, own)) => command.run(own, context),
            None => Ok(Exit::Usage),
        }
    }
}

/// The provider's name, as lists and details show it.
fn provider<'a>(config: &'a Config, connection: &'a crate::store::Connection) -> &'a str {
    provider_of(config, &connection.integration)
}
