//! `registry run`: one run of a function, in this process or in the one that serves the database.

use std::path::PathBuf;

use clap::{ArgMatches, Args, FromArgMatches};
use serde_json::{Map, Value};

use super::{
    Command, CommandError, Context, Exit, describe, list, lookup, record, report, value_check, values::ValueReader,
};
use crate::{
    declare::{ActionDef, Entry, FunctionKind, Item, Registry, SyncDef, SyncRun, ValueType, suggest},
    engine::run_beside_server,
    export::{Contract, standalone},
    run::{RunRequest, Target},
    store::BASE_VARIANT,
};

/// `registry run <integration> <function>`
#[derive(Debug)]
pub(super) struct Run;

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
struct Arguments {
    /// Name of the integration
    integration: String,
    /// Name of the function
    function: String,
    /// Connection to run the function with
    #[arg(long, value_name = "ID")]
    connection: String,
    /// Type of the function: sync, action, on-event or on-webhook; needed only if two functions have this name
    #[arg(long = "type", value_name = "TYPE", value_parser = list::parse_kind)]
    kind: Option<FunctionKind>,
    /// Input of an action, or payload of a webhook
    #[arg(long, value_name = "JSON|@FILE|-", allow_hyphen_values = true)]
    input: Option<String>,
    /// Runs the webhook handler of a sync for a webhook of this type
    #[arg(long, value_name = "TYPE")]
    webhook: Option<String>,
    /// Variant of the sync to run
    #[arg(long, value_name = "NAME")]
    variant: Option<String>,
    /// Metadata that replaces the connection's metadata in this run
    #[arg(long, value_name = "JSON|@FILE|-", allow_hyphen_values = true)]
    metadata: Option<String>,
    /// Checkpoint to start from; it replaces the stored one
    #[arg(long, value_name = "JSON|@FILE|-", allow_hyphen_values = true)]
    checkpoint: Option<String>,
    /// Discards the stored checkpoint first, so that the sync starts from the beginning
    #[arg(long, conflicts_with = "checkpoint")]
    reset: bool,
    /// With --reset, removes all records of the sync's models first, without deletes in the feed
    #[arg(long, requires = "reset")]
    empty_cache: bool,
    /// Reads the whole list, even if the sync would read only what changed
    #[arg(long)]
    full: bool,
    /// Deletes at once what the guard, `hold` or `max_deletes` would hold; confirmations are still needed
    #[arg(long)]
    allow_deletes: bool,
    /// Stores nothing and shows what the run would change; requests are sent to the provider
    #[arg(long)]
    dry_run: bool,
    /// Records the requests and responses of the run in a new file, without credentials, for tests
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
}

impl Command for Run {
    fn clap(&self) -> clap::Command {
        let about = "Runs a function: sync, action, event handler or webhook handler";
        Arguments::augment_args(clap::Command::new("run").about(about))
            .after_help("Example: registry run github repo-issues --connection acme")
    }

    fn run(&self, matches: &ArgMatches, context: &mut Context) -> Result<Exit, CommandError> {
        let arguments = Arguments::from_arg_matches(matches)?;
        let request = request(context.registry(), &arguments)?;
        let runtime = context.open()?;
        if let Some(path) = &arguments.record {
            return record::run(context, &runtime, request, path);
        }
        let report =
            context.execute_with(&runtime, |stop, observer| run_beside_server(&runtime, request, stop, observer))?;
        report::print(&mut context.terminal, &report)
    }
}

fn request(registry: &Registry, arguments: &Arguments) -> Result<RunRequest, CommandError> {
    let entry = lookup::function(registry, &arguments.integration, &arguments.function, &candidate_kinds(arguments))?;
    let mut values = ValueReader::default();
    let function = target(registry, entry, arguments, &mut values)?;
    if arguments.variant.is_some() && !matches!(function, Target::Sync(_) | Target::Webhook { .. }) {
        return Err(CommandError::usage(format!(
            "--variant: {} has no variants; only syncs do",
            function_label(entry)
        )));
    }
    let checkpoint_type = arguments.checkpoint.is_some().then(|| declared_checkpoint(entry)).transpose()?;
    if arguments.empty_cache && !matches!(function, Target::Sync(_)) {
        return Err(CommandError::usage(format!(
            "--empty-cache: {} has no records; only syncs do",
            function_label(entry)
        )));
    }
    if arguments.variant.as_deref().is_some_and(|variant| variant.is_empty() || variant.contains("::")) {
        return Err(CommandError::usage("--variant: the name of a variant must not be empty or contain `::`"));
    }
    if arguments.full {
        check_full(entry)?;
    }
    if arguments.allow_deletes && !matches!(function, Target::Sync(_)) {
        return Err(CommandError::usage(format!(
            "--allow-deletes: {} deletes no records; only syncs do",
            function_label(entry)
        )));
    }
    let mut object = |option: &str, given: &Option<String>| -> Result<Option<Map<String, Value>>, CommandError> {
        given.as_deref().map(|given| values.object(option, given)).transpose()
    };
    let metadata = object("--metadata", &arguments.metadata)?;
    if let (Some(metadata), Some(declared)) = (&metadata, value_check::metadata_of(entry)) {
        value_check::check("--metadata", declared, &Value::Object(metadata.clone()))?;
    }
    let checkpoint = object("--checkpoint", &arguments.checkpoint)?.map(Value::Object);
    if let (Some(checkpoint), Some(declared)) = (&checkpoint, checkpoint_type) {
        value_check::check_checkpoint("--checkpoint", declared, checkpoint)?;
    }
    Ok(RunRequest {
        write_later: false,
        integration: entry.integration().to_owned(),
        function,
        connection: arguments.connection.clone(),
        variant: arguments.variant.clone().unwrap_or_else(|| BASE_VARIANT.to_owned()),
        metadata,
        checkpoint,
        reset: arguments.reset,
        empty_cache: arguments.empty_cache,
        full: arguments.full,
        allow_deletes: arguments.allow_deletes,
        dry_run: arguments.dry_run,
    })
}

/// Returns the types that the function may have, best match first. The other options decide the order.
fn candidate_kinds(arguments: &Arguments) -> Vec<FunctionKind> {
    match arguments.kind {
        Some(kind) => vec![kind],
        None if arguments.webhook.is_some() => {
            vec![FunctionKind::Sync, FunctionKind::OnWebhook, FunctionKind::Action, FunctionKind::OnEvent]
        }
        None if arguments.input.is_some() => {
            vec![FunctionKind::Action, FunctionKind::OnWebhook, FunctionKind::Sync, FunctionKind::OnEvent]
        }
        None => vec![FunctionKind::Sync, FunctionKind::Action, FunctionKind::OnEvent, FunctionKind::OnWebhook],
    }
}

fn target(
    registry: &Registry,
    entry: &Entry,
    arguments: &Arguments,
    values: &mut ValueReader,
) -> Result<Target, CommandError> {
    let name = entry.name().to_owned();
    let given = arguments.input.as_deref();
    match (entry.item(), &arguments.webhook) {
        (Item::Sync(def), Some(kind)) => {
            let Some(handler) = registry.webhook(entry.integration(), def.name) else {
                return Err(CommandError::usage(format!(
                    "--webhook: {} has no webhook handler",
                    function_label(entry)
                )));
            };
            check_webhook(handler.subscriptions, kind)?;
            Ok(Target::Webhook { sync: name, r#type: kind.clone(), payload: payload(handler.payload, given, values)? })
        }
        (Item::Webhook(def), kind) => {
            let kind = match (kind, def.subscriptions) {
                (Some(kind), types) => {
                    check_webhook(types, kind)?;
                    kind.clone()
                }
                (None, [only]) if *only != "*" => (*only).to_owned(),
                (None, types) => {
                    let types = suggest::list(types.iter().copied());
                    return Err(CommandError::usage(format!(
                        "{} requires --webhook TYPE; available: {types}",
                        function_label(entry)
                    )));
                }
            };
            Ok(Target::Webhook {
                sync: def.sync.name.to_owned(),
                r#type: kind,
                payload: payload(def.payload, given, values)?,
            })
        }
        (_, Some(_)) => {
            Err(CommandError::usage(format!("--webhook: {} handles no webhooks; only syncs do", function_label(entry))))
        }
        (Item::Sync(_), None) if given.is_some() => Err(CommandError::usage(format!(
            "--input: {} takes no input; use --metadata for settings, or --webhook TYPE to send a webhook's payload",
            function_label(entry)
        ))),
        (Item::Sync(_), None) => Ok(Target::Sync(name)),
        (Item::Action(def), None) => Ok(Target::Action { name, input: input(entry, def, given, values)? }),
        (Item::Event(_), None) if given.is_some() => {
            Err(CommandError::usage(format!("--input: {} takes no input", function_label(entry))))
        }
        (Item::Event(_), None) => Ok(Target::Event(name)),
    }
}

/// Returns the declared type of the checkpoint. A function whose run would ignore a checkpoint is an error.
fn declared_checkpoint(entry: &Entry) -> Result<ValueType, CommandError> {
    let declared = match entry.item() {
        Item::Sync(SyncDef { run: SyncRun::Mapper(_), .. }) => {
            let instead = "keeps its own resume point, which cannot be set; use --reset to start from the beginning";
            return Err(CommandError::usage(format!("--checkpoint: {} {instead}", function_label(entry))));
        }
        Item::Sync(def) => def.checkpoint,
        Item::Action(def) => def.checkpoint,
        Item::Webhook(def) => def.sync.checkpoint,
        Item::Event(_) => None,
    };
    declared
        .ok_or_else(|| CommandError::usage(format!("--checkpoint: {} declares no checkpoint", function_label(entry))))
}

/// Refuses `--full` for other functions than mappers: only a mapper chooses between a full and an incremental run.
fn check_full(entry: &Entry) -> Result<(), CommandError> {
    let instead = match entry.item() {
        Item::Sync(SyncDef { run: SyncRun::Mapper(_), .. }) => return Ok(()),
        Item::Sync(_) => "is written by hand and decides what it reads; use --reset to start from the beginning",
        _ => "reads no list; only syncs do",
    };
    Err(CommandError::usage(format!("--full: {} {instead}", function_label(entry))))
}

fn function_label(entry: &Entry) -> String {
    format!("{} `{}`", entry.kind().name(), entry.name())
}

fn check_webhook(types: &[&str], kind: &str) -> Result<(), CommandError> {
    if types.iter().any(|known| *known == "*" || *known == kind) {
        return Ok(());
    }
    Err(CommandError::not_found(lookup::unknown_name("webhook type", kind, types)))
}

fn payload(declared: ValueType, given: Option<&str>, values: &mut ValueReader) -> Result<Value, CommandError> {
    let given =
        given.ok_or_else(|| CommandError::usage("--webhook requires a payload: --input JSON, @FILE or - (stdin)"))?;
    let payload = values.json("--input", given)?;
    value_check::check("--input", declared, &payload)?;
    Ok(payload)
}

/// Returns the input of an action.
///
/// Without `--input` it is `null` for an action without input, and an empty object if every field is optional.
fn input(entry: &Entry, def: &ActionDef, given: Option<&str>, values: &mut ValueReader) -> Result<Value, CommandError> {
    match (given, def.input) {
        (Some(given), Some(declared)) => {
            let input = values.json("--input", given)?;
            value_check::check("--input", declared, &input)?;
            Ok(input)
        }
        (Some(_), None) => Err(CommandError::usage(format!("--input: {} takes no input", function_label(entry)))),
        (None, None) => Ok(Value::Null),
        (None, Some(declared)) => {
            let schema = standalone(declared.schema, Contract::Deserialize);
            match describe::example_input(&schema) {
                Some(Value::Object(fields)) if fields.is_empty() => Ok(Value::Object(fields)),
                Some(example) => Err(CommandError::usage(format!(
                    "{} requires an input: --input '{example}'",
                    function_label(entry)
                ))),
                // The input is not an object: deserialization decides whether `null` is accepted.
                None => Ok(Value::Null),
            }
        }
    }
}

#[cfg(test)]
mod tests;
