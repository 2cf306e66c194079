//! `registry connection test`: verifies the credentials of a connection.

use clap::{ArgMatches, Args, FromArgMatches};

use crate::{
    cli::{Command, CommandError, Context, Exit, lookup, remedy, table::utc_time},
    run::test_connection,
    wire::ConnectionTestJson,
};

/// `registry connection test <integration> <id>`
#[derive(Debug)]
pub(super) struct Test;

#[derive(Debug, Args)]
struct Arguments {
    /// Name of the integration
    integration: String,
    /// Id of the connection
    id: String,
}

impl Command for Test {
    fn clap(&self) -> clap::Command {
        let about = "Verifies the credentials of a connection, and refreshes its token if a refresh is due";
        Arguments::augment_args(clap::Command::new("test").about(about))
            .after_help("Example: registry connection test hubspot acme")
    }

    fn run(&self, matches: &ArgMatches, context: &mut Context) -> Result<Exit, CommandError> {
        let arguments = Arguments::from_arg_matches(matches)?;
        let integration = lookup::integration(context.registry(), &arguments.integration)?.to_owned();
        let runtime = context.open_existing()?;
        let connection = context.block_on(lookup::connection(&runtime, &integration, &arguments.id))?;
        let id = &connection.id;
        let tested = match context.block_on(test_connection(&runtime, &integration, id)) {
            Ok(tested) => tested,
            Err(error) => {
                context.terminal.json(&ConnectionTestJson::failed(&connection, &error))?;
                context.terminal.note(format_args!("error: {}", remedy::message(&error)));
                return Ok(Exit::Failed);
            }
        };
        context.terminal.json(&ConnectionTestJson::succeeded(&connection, &tested))?;
        let terminal = &mut context.terminal;
        let found = match &tested.request {
            Some(request) => format!("works: {request} succeeded"),
            None => "can be decrypted; its provider declares no request that verifies credentials".to_owned(),
        };
        terminal.line(format_args!("connection {id} of {integration} {found}"))?;
        if tested.refreshed {
            terminal.line("Its token was refreshed.")?;
        }
        if let Some(ends) = tested.token_expires_at {
            terminal.line(format_args!("Its token expires at {} UTC.", utc_time(ends)))?;
        }
        Ok(Exit::Success)
    }
}
