//! `registry connection set-metadata`: replaces or merges the metadata of a connection.

use clap::{ArgMatches, Args, FromArgMatches};
use serde_json::Value;

use crate::{
    cli::{Command, CommandError, Context, Exit, lookup, value_check, values::ValueReader},
    store::{MetadataChange, StoreError},
    wire::MetadataJson,
};

/// `registry connection set-metadata <integration> <id> <JSON>`
#[derive(Debug)]
pub(super) struct SetMetadata;

#[derive(Debug, Args)]
struct Arguments {
    /// Name of the integration
    integration: String,
    /// Id of the connection
    id: String,
    /// Metadata, a JSON object that replaces the stored one
    #[arg(value_name = "JSON|@FILE|-", allow_hyphen_values = true)]
    metadata: String,
    /// Merges the object into the stored metadata: keys that are not given are kept
    #[arg(long)]
    merge: bool,
}

impl Command for SetMetadata {
    fn clap(&self) -> clap::Command {
        let example = r#"Example: registry connection set-metadata github acme '{"owner": "acme"}' --merge"#;
        Arguments::augment_args(clap::Command::new("set-metadata").about("Sets the metadata of a connection"))
            .after_help(example)
    }

    fn run(&self, matches: &ArgMatches, context: &mut Context) -> Result<Exit, CommandError> {
        let arguments = Arguments::from_arg_matches(matches)?;
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
        let mut result = if merge { stored } else { serde_json::Map::new() };
        result.extend(metadata.clone());
        for warning in value_check::check_metadata(context.registry(), &integration, &result)? {
            context.terminal.note(warning);
        }
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
