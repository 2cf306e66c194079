//! `registry connection list`: all connections as a table.

use clap::{ArgMatches, Args, FromArgMatches};
use jiff::civil::Date;
use serde_json::json;

use crate::{
    cli::{
        Command, CommandError, Context, Exit, lifecycle,
        lookup::{self, add_command},
        table::{table, truncated, utc_time},
    },
    provider::Lifecycle,
    store::Connection,
    wire::{ConnectionList, ConnectionRow},
};

/// `registry connection list [INTEGRATION]`
#[derive(Debug)]
pub(super) struct List;

#[derive(Debug, Args)]
struct Arguments {
    /// Only the connections of this integration
    integration: Option<String>,
}

/// Returns the state of a connection: a failing token refresh, and the end of its provider's lifecycle.
fn state_text(connection: &Connection, lifecycle: Option<&Lifecycle>, today: Date) -> String {
    let token = match &connection.failure {
        None => None,
        Some(failure) if failure.refused => Some("reconnect".to_owned()),
        Some(_) => Some("failing".to_owned()),
    };
    let end = lifecycle.map(|lifecycle| lifecycle::end_cell(lifecycle, today));
    token.into_iter().chain(end).collect::<Vec<_>>().join(", ")
}

impl Command for List {
    fn clap(&self) -> clap::Command {
        Arguments::augment_args(clap::Command::new("list").about("Lists connections"))
            .after_help("Example: registry connection list hubspot")
    }

    fn run(&self, matches: &ArgMatches, context: &mut Context) -> Result<Exit, CommandError> {
        let arguments = Arguments::from_arg_matches(matches)?;
        let only = arguments.integration.as_deref();
        if let Some(integration) = only {
            lookup::integration(context.registry(), integration)?;
        }
        context.require_database_folder()?;
        let connections = if let Some(file) = context.missing_database() {
            let missing = format!("note: there is no database {} yet", file.display());
            context.terminal.note(missing);
            Vec::new()
        } else {
            let runtime = context.open()?;
            context.block_on(runtime.store.connections(only))?
        };
        let config = context.config().clone();
        let (catalogue, today) = (context.catalogue().clone(), context.today());
        let lifecycle =
            |connection: &Connection| catalogue.get(config.provider_of(&connection.integration))?.lifecycle.as_ref();
        let row = |connection| {
            ConnectionRow::new(connection, config.provider_of(&connection.integration))
                .lifecycle(lifecycle(connection), today)
        };
        let list: ConnectionList<'_> = connections.iter().map(row).collect();
        context.terminal.json(&list)?;
        if connections.is_empty() {
            let integration =
                only.or_else(|| context.registry().integrations().first().copied()).unwrap_or("INTEGRATION");
            let line = add_command(context.catalogue(), context.config(), integration, "ID");
            context.terminal.hint(format_args!("No connection yet. Add one:\n  {line}"));
            return Ok(Exit::Success);
        }
        let mut shown =
            table(&["integration", "id", "credentials", "state", "metadata", "added"], context.terminal.width());
        for connection in &connections {
            let metadata =
                if connection.metadata.is_empty() { String::new() } else { json!(connection.metadata).to_string() };
            shown.add_row([
                &connection.integration,
                &connection.id,
                &connection.auth,
                &state_text(connection, lifecycle(connection), today),
                &truncated(&metadata, 60),
                &utc_time(connection.created_at),
            ]);
        }
        context.terminal.line(shown)?;
        Ok(Exit::Success)
    }
}
