//! `registry connection set-metadata`

use clap::{ArgMatches, Args, FromArgMatches};
use serde_json::Value;

use crate::{
    cli::{Command, CommandError, Context, Exit, lookup, values::ValueReader},
    store::{MetadataChange, StoreError},
    wire::MetadataJson,
};

/// `registry connection set-metadata <integration> <id> <JSON>`
#[derive(Debug)]
pub(super) struct SetMetadata;

#[derive(Debug, Args)]
struct Arguments {
    /// The integration
    integration: String,
    /// The connection's id
    id: String,
    /// The metadata: an object, in place of what is there
    #[arg(value_name = "JSON|@FILE|-", allow_hyphen_values = true)]
    metadata: String,
    /// Keeps the keys that are not given
    #[arg(long)]
    merge: bool,
}

impl Command for SetMetadata {
    fn clap(&self) -> clap::Command {
        Arguments::augment_args(clap::Command::new("set-metadata").about("Sets the metadata of a connection"))
    }

    fn run(&self, matches: &ArgMatches, context: &mut Context) -> Result<Exit, CommandError> {
        let arguments = Arguments::from_arg_matches(matches).map_err(|error| CommandError::usage(error.to_string()))?;
        let Arguments { integration, id, metadata, merge } = arguments;
        lookup::integration(context.registry(), &integration)?;
        let metadata = ValueReader::default().object("the metadata", &metadata)?;
        let runtime = context.open_existing()?;
        let stored = context.block_on(lookup::connection(&runtime, &integration, &id))?.metadata;
        runtime
            .config
            .limits
            .check_metadata(merge.then_some(&stored), &metadata)
            .map_err(|message| CommandError::usage(format!("connection `{id}`: {message}")))?;
        let change = if merge { MetadataChange::Merge(metadata) } else { MetadataChange::Replace(metadata) };
        let metadata =
            context
                .block_on(runtime.store.change_metadata(&integration, &id, change))?
                .map(Value::Object)
                .ok_or_else(|| StoreError::NoConnection { integration: integration.clone(), connection: id.clone() })?;
        context.terminal.json(&MetadataJson::new(&integration, &id, &metadata))?;
        context.terminal.line(format_args!("{metadata:#}"))?;
        Ok(Exit::Success)
    }
}
