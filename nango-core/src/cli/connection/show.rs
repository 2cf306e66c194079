//! `registry connection show`

use clap::{ArgMatches, Args, FromArgMatches};
use serde_json::{Value, json};

use super::provider;
use crate::{
    auth::Credentials,
    cli::{
        Command, CommandError, Context, Exit, lookup,
        table::{number, pluralized, utc_time},
    },
    wire::ConnectionDetail,
};

/// `registry connection show <integration> <id>`
#[derive(Debug)]
pub(super) struct Show;

#[derive(Debug, Args)]
struct Arguments {
    /// The integration
    integration: String,
    /// The connection's id
    id: String,
    /// Shows the credentials
    #[arg(long)]
    show_secrets: bool,
}

impl Command for Show {
    fn clap(&self) -> clap::Command {
        Arguments::augment_args(clap::Command::new("show").about("Shows a connection and how many records it has"))
    }

    fn run(&self, matches: &ArgMatches, context: &mut Context) -> Result<Exit, CommandError> {
        let arguments = Arguments::from_arg_matches(matches).map_err(|error| CommandError::usage(error.to_string()))?;
        let integration = lookup::integration(context.registry(), &arguments.integration)?.to_owned();
        let runtime = context.open_existing()?;
        let connection = context.block_on(lookup::connection(&runtime, &integration, &arguments.id))?;
        let opened = Credentials::open(&runtime.ring, &connection.credentials, &integration, &connection.id);
        let mut connection = connection;
        let credentials = match opened {
            Ok(credentials) => {
                // Configuration that is secret is sealed with the credentials.
                let hidden = || Value::String("***".to_owned());
                let of = |(key, value): (&String, &Value)| {
                    (key.clone(), if arguments.show_secrets { value.clone() } else { hidden() })
                };
                connection.config.extend(credentials.config().map(of));
                credentials.to_json(arguments.show_secrets)
            }
            Err(error) if arguments.show_secrets => return Err(CommandError::setup(error.to_string())),
            // The rest of it can be shown all the same.
            Err(error) => {
                context.terminal.note(format_args!("warning: {error}"));
                json!({ "type": connection.auth })
            }
        };
        let provider = provider(&runtime.config, &connection);
        context.terminal.json(&ConnectionDetail::new(&connection, provider, Some(credentials.clone())))?;
        let datasets = context.block_on(runtime.store.datasets(Some(&integration), Some(&connection.id)))?;
        let terminal = &mut context.terminal;
        terminal.line(format_args!("connection {} of {integration} (provider {provider})", connection.id))?;
        terminal.line(format_args!("added        {}", utc_time(connection.created_at)))?;
        terminal.line(format_args!("changed      {}", utc_time(connection.updated_at)))?;
        terminal.line(format_args!("credentials  {credentials}"))?;
        if let Some(at) = connection.renew_at {
            terminal.line(format_args!("token        renewed from {} on", utc_time(at)))?;
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
            let size = format!("{} live, {} bytes", number(stats.live), number(stats.bytes));
            terminal.line(format_args!("records      {} ({}): {size}", stats.dataset.model, stats.dataset.variant))?;
        }
        if !arguments.show_secrets {
            terminal.hint("Secrets are hidden: --show-secrets shows them.");
        }
        Ok(Exit::Success)
    }
}
