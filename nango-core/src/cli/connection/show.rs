//! `registry connection show`: one connection with its configuration, metadata and record counts.

use clap::{ArgMatches, Args, FromArgMatches};
use serde_json::{Value, json};

use crate::{
    auth::Credentials,
    cli::{
        Command, CommandError, Context, Exit, lookup,
        table::{pluralized, utc_time},
    },
    error::Chain,
    wire::ConnectionDetail,
};

/// `registry connection show <integration> <id>`
#[derive(Debug)]
pub(super) struct Show;

#[derive(Debug, Args)]
struct Arguments {
    /// Name of the integration
    integration: String,
    /// Id of the connection
    id: String,
    /// Shows credentials and secret configuration values in plain text
    #[arg(long)]
    show_secrets: bool,
}

impl Command for Show {
    fn clap(&self) -> clap::Command {
        Arguments::augment_args(clap::Command::new("show").about("Shows a connection and its number of records"))
            .after_help("Example: registry connection show github acme")
    }

    fn run(&self, matches: &ArgMatches, context: &mut Context) -> Result<Exit, CommandError> {
        let arguments = Arguments::from_arg_matches(matches)?;
        let integration = lookup::integration(context.registry(), &arguments.integration)?.to_owned();
        let runtime = context.open_existing()?;
        let connection = context.block_on(lookup::connection(&runtime, &integration, &arguments.id))?;
        let opened = Credentials::open(&runtime.ring, &connection.credentials, &integration, &connection.id);
        let mut connection = connection;
        let credentials = match opened {
            Ok(credentials) => {
                // Secret configuration values are stored sealed, together with the credentials.
                let hidden = || Value::String("***".to_owned());
                let of = |(key, value): (&String, &Value)| {
                    (key.clone(), if arguments.show_secrets { value.clone() } else { hidden() })
                };
                connection.config.extend(credentials.config().map(of));
                credentials.to_json(arguments.show_secrets)
            }
            Err(error) if arguments.show_secrets => return Err(error.into()),
            // The rest of the connection can still be shown.
            Err(error) => {
                context.terminal.note(format_args!("warning: {}", Chain(&error)));
                json!({ "type": connection.auth })
            }
        };
        let provider = runtime.config.provider_of(&connection.integration);
        context.terminal.json(&ConnectionDetail::new(&connection, provider, Some(credentials.clone())))?;
        let datasets = context.block_on(runtime.store.datasets(Some(&integration), Some(&connection.id)))?;
        let terminal = &mut context.terminal;
        terminal.line(format_args!("connection {} of {integration} (provider {provider})", connection.id))?;
        terminal.line(format_args!("added        {}", utc_time(connection.created_at)))?;
        terminal.line(format_args!("changed      {}", utc_time(connection.updated_at)))?;
        terminal.line(format_args!("credentials  {credentials}"))?;
        if let Some(at) = connection.refresh_at {
            terminal.line(format_args!("token        refreshed from {} on", utc_time(at)))?;
        }
        if let Some(failure) = &connection.failure {
            let times = pluralized(failure.attempts.into(), "attempt");
            terminal.line(format_args!(
                "failing      {times}, last {}: {}",
                utc_time(failure.failed_at),
                failure.message
            ))?;
        }
        terminal.line(format_args!("config       {}", Value::from(connection.config)))?;
        terminal.line(format_args!("metadata     {}", Value::from(connection.metadata)))?;
        for stats in datasets {
            let size = format!("{}, {}", pluralized(stats.live, "active record"), pluralized(stats.bytes, "byte"));
            terminal.line(format_args!("dataset      {} ({}): {size}", stats.dataset.model, stats.dataset.variant))?;
        }
        if !arguments.show_secrets {
            terminal.hint("Secrets are hidden; use --show-secrets to show them.");
        }
        Ok(Exit::Success)
    }
}
