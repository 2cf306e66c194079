//! `registry describe`: one function with the schemas of its input and output, and the command that runs it.

mod parents;
mod positions;
mod requests;
mod walk;

use clap::{ArgMatches, Args, FromArgMatches};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    Command, CommandError, Context, Exit, Terminal, list, lookup,
    table::{table, truncated},
};
use crate::{
    declare::{Entry, Event, FunctionKind, Item, Registry, ValueType},
    export::{self, Contract, schema_text},
    model::SchemaFn,
    wire::FunctionRow,
};

/// `registry describe <integration> <function>`
#[derive(Debug)]
pub(super) struct Describe;

#[derive(Debug, Args)]
struct Arguments {
    /// Name of the integration
    integration: String,
    /// Name of the function
    function: String,
    /// Type of the function: sync, action, on-event or on-webhook; needed only if two functions have this name
    #[arg(long = "type", value_name = "TYPE", value_parser = list::parse_kind)]
    kind: Option<FunctionKind>,
    /// Connection whose pending deletes are shown, with the reasons
    #[arg(long, value_name = "ID")]
    connection: Option<String>,
}

/// Document printed with `--json`: the row of `registry list`, the walk and the schemas.
#[derive(Debug, Serialize)]
struct Description {
    #[serde(flatten)]
    row: FunctionRow,
    #[serde(skip_serializing_if = "Option::is_none")]
    walk: Option<walk::Walk>,
    schemas: Schemas,
}

#[derive(Debug, Serialize)]
struct Schemas {
    models: Map<String, Value>,
    metadata: Option<Value>,
    checkpoint: Option<Value>,
    input: Option<Value>,
    output: Option<Value>,
    payload: Option<Value>,
}

impl Command for Describe {
    fn clap(&self) -> clap::Command {
        let about = "Describes a function: trigger, description, input and output";
        Arguments::augment_args(clap::Command::new("describe").about(about))
            .after_help("Example: registry describe github create-issue")
    }

    fn run(&self, matches: &ArgMatches, context: &mut Context) -> Result<Exit, CommandError> {
        let arguments = Arguments::from_arg_matches(matches)?;
        let all = [FunctionKind::Sync, FunctionKind::Action, FunctionKind::OnEvent, FunctionKind::OnWebhook];
        let kinds = arguments.kind.as_ref().map_or(&all[..], std::slice::from_ref);
        let registry = context.registry();
        let entry = lookup::function(registry, &arguments.integration, &arguments.function, kinds)?.clone();
        let (row, schemas) = (FunctionRow::new(&entry), schemas(registry, &entry)?);
        let mut walk = walk::Walk::of(&entry);
        match (&mut walk, &arguments.connection) {
            (Some(walk), Some(connection)) => walk.load_waiting_deletes(&entry, connection, context)?,
            (None, Some(_)) => {
                let what = format!("{} `{}`", entry.kind().name(), entry.name());
                return Err(CommandError::usage(format!("--connection: {what} has no deletes; only syncs do")));
            }
            _ => {}
        }
        let description = Description { row, walk, schemas };
        context.terminal.json(&description)?;
        print_human(&mut context.terminal, &description)?;
        Ok(Exit::Success)
    }
}

fn schemas(registry: &Registry, entry: &Entry) -> Result<Schemas, CommandError> {
    let reads = |declared: Option<ValueType>| declared.map(|of| export::standalone(of.schema, Contract::Deserialize));
    let writes = |schema: SchemaFn| Some(export::standalone(schema, Contract::Serialize));
    let checkpoint = |declared: Option<ValueType>| declared.and_then(|of| writes(of.schema));
    let mut schemas =
        Schemas { models: Map::new(), metadata: None, checkpoint: None, input: None, output: None, payload: None };
    let mut models: &[&crate::model::ModelInfo] = &[];
    match entry.item() {
        Item::Sync(def) => {
            models = def.models;
            schemas.metadata = reads(def.metadata);
            schemas.checkpoint = checkpoint(def.checkpoint);
        }
        Item::Action(def) => {
            schemas.input = reads(def.input);
            schemas.output = writes(def.output);
            schemas.metadata = reads(def.metadata);
            schemas.checkpoint = checkpoint(def.checkpoint);
        }
        Item::Event(def) => schemas.metadata = reads(def.metadata),
        Item::Webhook(def) => {
            models = def.sync.models;
            schemas.payload = reads(Some(def.payload));
        }
    }
    for model in models {
        let schema = export::model(registry, entry.integration(), model.name)
            .map_err(|errors| super::schema::export_error(&errors))?;
        schemas.models.extend(schema.map(|schema| (model.name.to_owned(), schema)));
    }
    Ok(schemas)
}

fn print_human(terminal: &mut Terminal, description: &Description) -> Result<(), CommandError> {
    let Description { row, walk, schemas } = description;
    terminal.line(
        format_args!("{} {}/{} {}", row.r#type, row.integration, row.name, row.version.unwrap_or_default())
            .to_string()
            .trim_end(),
    )?;
    if !row.description.is_empty() {
        terminal.line(format_args!("\n{}", row.description))?;
    }
    terminal.line(format_args!("\nruns      {}", list::trigger_text(row)))?;
    if let Some(sync) = row.sync {
        terminal.line(format_args!("sync      {sync}"))?;
    }
    if let Some(walk) = walk {
        walk.print(terminal)?;
    }
    if !row.scopes.is_empty() {
        terminal.line(format_args!("scopes    {}", row.scopes.join(", ")))?;
    }
    terminal.line(format_args!("declared  {}", row.at))?;
    let named = schemas.models.iter().map(|(name, schema)| (format!("model {name}"), Some(schema)));
    let others = [
        ("metadata", &schemas.metadata),
        ("checkpoint", &schemas.checkpoint),
        ("input", &schemas.input),
        ("output", &schemas.output),
        ("payload", &schemas.payload),
    ];
    for (name, schema) in named.chain(others.map(|(name, schema)| (name.to_owned(), schema.as_ref()))) {
        if let Some(schema) = schema {
            print_fields(terminal, &name, schema)?;
        }
    }
    terminal.line(format_args!("\nRun it:\n  {}", run_command(description)))
}

/// Prints the fields of a schema as a table, or its short form if it has none.
fn print_fields(terminal: &mut Terminal, name: &str, schema: &Value) -> Result<(), CommandError> {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
        return terminal.line(format_args!("\n{name}: {}", schema_text(schema)));
    };
    let optional = properties.keys().any(|field| !is_required(schema, field));
    let headings = ["field", "type"].into_iter().chain(optional.then_some("")).chain(["description"]);
    let mut rows = table(&headings.collect::<Vec<_>>(), terminal.width());
    for (field, schema_of_field) in properties {
        let mut row = vec![field.clone(), schema_text(schema_of_field)];
        row.extend(optional.then(|| if is_required(schema, field) { "" } else { "optional" }.to_owned()));
        let text = schema_of_field.get("description").and_then(Value::as_str).unwrap_or_default();
        row.push(truncated(text, 80));
        rows.add_row(row);
    }
    terminal.line(format_args!("\n{name}\n{rows}"))
}

fn is_required(schema: &Value, field: &str) -> bool {
    schema.get("required").and_then(Value::as_array).is_some_and(|names| names.iter().any(|name| name == field))
}

/// Returns the command that runs a function, with an input to fill in.
fn run_command(description: &Description) -> String {
    let Description { row, schemas, .. } = description;
    if let Some(event) = row.event {
        let what = if event == Event::PreConnectionDeletion.name() { "remove" } else { "add" };
        return format!("registry connection {what} {} ID", row.integration);
    }
    let line = format!("registry run {} {} --connection ID", row.integration, row.sync.unwrap_or(row.name));
    let example = |schema: &Option<Value>| schema.as_ref().and_then(example_input);
    let webhook = row.subscriptions.and_then(|types| types.first());
    let webhook = webhook.map(|kind| format!(" --webhook {} --input @payload.json", lookup::shell_quoted(kind)));
    let input = example(&schemas.input).map(|value| format!(" --input '{value}'"));
    let metadata = example(&schemas.metadata).map(|value| format!(" --metadata '{value}'"));
    [Some(line), webhook, input, metadata].into_iter().flatten().collect()
}

/// Returns an object with the required fields and placeholder values, or `None` if the schema describes no object.
pub(super) fn example_input(schema: &Value) -> Option<Value> {
    let properties = schema.get("properties")?.as_object()?;
    let needed = properties.iter().filter(|(field, _)| is_required(schema, field));
    let value = |schema: &Value| match schema.get("type").and_then(Value::as_str) {
        Some("integer" | "number") => Value::from(1),
        Some("boolean") => Value::from(true),
        Some("array") => Value::from(Vec::<Value>::new()),
        _ => Value::from("…"),
    };
    Some(needed.map(|(field, schema)| (field.clone(), value(schema))).collect::<Map<_, _>>().into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cli::{
        lookup::tests::{action, registry_of},
        terminal::tests::captured_terminal,
    };

    #[test]
    fn example_input_has_required_fields() {
        let schema = json!({
            "properties": { "title": { "type": "string" }, "n": { "type": "integer" }, "body": { "type": "string" } },
            "required": ["title", "n"],
        });
        assert_eq!(example_input(&schema), Some(json!({ "title": "…", "n": 1 })));
        assert_eq!(example_input(&json!({ "type": "string" })), None);
    }

    #[test]
    fn action_description_ends_with_run_command() {
        let registry = registry_of(&[action("github", "create")]);
        let entry = &registry.entries()[0];
        let description = Description {
            row: FunctionRow::new(entry),
            walk: walk::Walk::of(entry),
            schemas: schemas(&registry, entry).unwrap(),
        };
        let (mut terminal, out, _) = captured_terminal(false);
        print_human(&mut terminal, &description).unwrap();
        assert_eq!(
            out.text(),
            "action github/create 0.0.1\n\nruns      when triggered\ndeclared  src/x.rs:9\n\noutput: string\n\nRun \
             it:\n  registry run github create --connection ID\n"
        );
    }
}
