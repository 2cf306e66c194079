//! `registry list`: all functions as a table.

use clap::{ArgMatches, Args, FromArgMatches};

use super::{
    Command, CommandError, Context, Exit, lookup,
    table::{table, truncated},
};
use crate::{
    declare::{Entry, FunctionKind},
    wire::FunctionRow,
};

/// Command `registry list [INTEGRATION]`.
#[derive(Debug)]
pub(super) struct List;

#[derive(Debug, Args)]
struct Arguments {
    /// Only the functions of this integration
    integration: Option<String>,
    /// Only functions of this type: sync, action, on-event or on-webhook
    #[arg(long = "type", value_name = "TYPE", value_parser = parse_kind)]
    kind: Option<FunctionKind>,
}

/// Parses the name of a function type.
pub(super) fn parse_kind(name: &str) -> Result<FunctionKind, String> {
    FunctionKind::from_name(name)
        .ok_or_else(|| lookup::unknown_name("type", name, &FunctionKind::ALL.map(FunctionKind::name)))
}

impl Command for List {
    fn clap(&self) -> clap::Command {
        Arguments::augment_args(clap::Command::new("list").about("Lists the functions of all integrations"))
            .after_help("Example: registry list github --type sync")
    }

    fn run(&self, matches: &ArgMatches, context: &mut Context) -> Result<Exit, CommandError> {
        let arguments = Arguments::from_arg_matches(matches)?;
        let registry = context.registry();
        let only =
            arguments.integration.map(|name| lookup::integration(registry, &name).map(str::to_owned)).transpose()?;
        let is_selected = |entry: &&Entry| {
            only.as_deref().is_none_or(|only| only == entry.integration())
                && arguments.kind.is_none_or(|kind| kind == entry.kind())
        };
        let rows: Vec<FunctionRow> = registry.entries().iter().filter(is_selected).map(FunctionRow::new).collect();
        let terminal = &mut context.terminal;
        terminal.json(&rows)?;
        // In a narrow terminal, descriptions would wrap the names that the user has to type.
        let described = terminal.width().is_none_or(|width| width >= 140);
        let headings = ["integration", "function", "type", "runs", "data", "description"];
        let mut functions = table(&headings[..if described { 6 } else { 5 }], terminal.width());
        for row in &rows {
            let mut cells = vec![row.integration.clone(), row.name.to_owned(), row.r#type.to_owned()];
            cells.extend([truncated(&trigger_text(row), 30), data_text(row)]);
            cells.extend(described.then(|| truncated(row.description, 60)));
            functions.add_row(cells);
        }
        terminal.line(functions)?;
        if let Some(row) = rows.first() {
            terminal.hint(format_args!("Details: registry describe {} {}", row.integration, row.name));
        }
        Ok(Exit::Success)
    }
}

/// Returns the trigger of a function: frequency, event, webhook types, or `when triggered`.
pub(super) fn trigger_text(row: &FunctionRow) -> String {
    match (row.r#type, row.frequency, row.event, row.subscriptions) {
        ("sync", Some(frequency), ..) => frequency.to_owned(),
        (_, _, Some(event), _) => event.to_owned(),
        (_, _, _, Some(types)) => types.join(", "),
        _ => "when triggered".to_owned(),
    }
}

/// Returns the models, or the input and output types, of a function.
fn data_text(row: &FunctionRow) -> String {
    match (row.models.as_slice(), &row.input, &row.output) {
        ([], Some(input), Some(output)) => format!("{input} → {output}"),
        ([], Some(input), None) => input.clone(),
        ([], None, Some(output)) => format!("→ {output}"),
        ([], None, None) => String::new(),
        (models, ..) => models.join(", "),
    }
}
