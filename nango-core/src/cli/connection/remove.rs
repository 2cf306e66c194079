//! `registry connection remove`: removes a connection and its records.

use std::sync::Arc;

use clap::{ArgMatches, Args, FromArgMatches};

use crate::{
    cli::{Command, CommandError, Context, Exit, database::clear_removed, lookup, table::pluralized},
    run::{Observer, remove_connection},
    wire::RemovedJson,
};

/// `registry connection remove <integration> <id>`
#[derive(Debug)]
pub(super) struct Remove;

#[derive(Debug, Args)]
struct Arguments {
    /// Name of the integration
    integration: String,
    /// Id of the connection
    id: String,
}

impl Command for Remove {
    fn clap(&self) -> clap::Command {
        Arguments::augment_args(clap::Command::new("remove").about("Removes a connection and all its records"))
            .after_help("Example: registry connection remove github acme")
    }

    fn run(&self, matches: &ArgMatches, context: &mut Context) -> Result<Exit, CommandError> {
        let arguments = Arguments::from_arg_matches(matches)?;
        let Arguments { integration, id } = arguments;
        lookup::integration(context.registry(), &integration)?;
        let runtime = context.open_existing()?;
        context.block_on(lookup::connection(&runtime, &integration, &id))?;
        let progress = context.progress();
        let observer: Arc<dyn Observer> = progress.clone();
        let removed = context.block_on(remove_connection(&runtime, &integration, &id, observer));
        progress.finish();
        // Another process may have removed the connection meanwhile, which is a success as well.
        let records = removed?.map_or(0, |removed| removed.records);
        context.terminal.json(&RemovedJson::new(records))?;
        let with = pluralized(records, "record");
        context.terminal.line(format_args!("removed connection {id} of {integration} and {with}"))?;
        clear_removed(context, &runtime);
        Ok(Exit::Success)
    }
}
