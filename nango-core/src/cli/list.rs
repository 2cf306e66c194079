//! `registry list`: every function.

use clap::{ArgMatches, Args, FromArgMatches};

use super::{
    Command, Context, Exit, Fault, lookup,
    table::{short, table},
};
use crate::{
    declare::{Entry, Kind},
    wire::FunctionRow,
};

/// `registry list [INTEGRATION]`
#[derive(Debug)]
pub(super) struct List;

#[derive(Debug, Args)]
struct Arguments {
    /// Only the functions of this integration
    integration: Option<String>,
    /// Only functions of this type
    #[arg(long = "type", value_name = "TYPE", value_parser = kind)]
    kind: Option<Kind>,
}

/// Reads the name of a type.
pub(super) fn kind(name: &str) -> Result<Kind, String> {
    const KINDS: [Kind; 4] = [Kind::Sync, Kind::Action, Kind::OnEvent, Kind::OnWebhook];
    KINDS
        .into_iter()
        .find(|kind| kind.name() == name)
        .ok_or_else(|| lookup::unknown("type", name, &KINDS.map(Kind::name)))
}

impl Command for List {
    fn clap(&self) -> clap::Command {
        Arguments::augment_args(clap::Command::new("list").about("Lists the functions of all integrations"))
    }

    fn run(&self, matches: &ArgMatches, context: &mut Context) -> Result<Exit, Fault> {
        let arguments = Arguments::from_arg_matches(matches).map_err(|error| Fault::usage(error.to_string()))?;
        let registry = context.registry();
        let only =
            arguments.integration.map(|name| lookup::integration(registry, &name).map(str::to_owned)).transpose()?;
        let wanted = |entry: &&Entry| {
            only.as_deref().is_none_or(|only| only == entry.integration())
                && arguments.kind.is_none_or(|kind| kind == entry.kind())
        };
        let rows: Vec<FunctionRow> = registry.entries().iter().filter(wanted).map(FunctionRow::new).collect();
        let terminal = &mut context.terminal;
        terminal.json(&rows)?;
        // In a narrow window the descriptions would squeeze the names that one has to type.
        let described = terminal.width().is_none_or(|width| width >= 140);
        let headings = ["integration", "function", "type", "runs", "data", "description"];
        let mut functions = table(&headings[..if described { 6 } else { 5 }], terminal.width());
        for row in &rows {
            let mut cells = vec![row.integration.clone(), row.name.to_owned(), row.r#type.to_owned()];
            cells.extend([short(&runs(row), 30), data(row)]);
            cells.extend(described.then(|| short(row.description, 60)));
            functions.add_row(cells);
        }
        terminal.line(functions)?;
        if let Some(row) = rows.first() {
            terminal.hint(format_args!("More about one: registry describe {} {}", row.integration, row.name));
        }
        Ok(Exit::Success)
    }
}

/// When a function runs.
pub(super) fn runs(row: &FunctionRow) -> String {
    match (row.r#type, row.frequency, row.event, row.subscriptions) {
        ("sync", Some(frequency), ..) => frequency.to_owned(),
        (_, _, Some(event), _) => event.to_owned(),
        (_, _, _, Some(types)) => types.join(", "),
        _ => "when triggered".to_owned(),
    }
}

/// What goes in and out.
fn data(row: &FunctionRow) -> String {
    match (row.models.as_slice(), &row.input, &row.output) {
        ([], Some(input), Some(output)) => format!("{input} → {output}"),
        ([], Some(input), None) => input.clone(),
        ([], None, Some(output)) => format!("→ {output}"),
        ([], None, None) => String::new(),
        (models, ..) => models.join(", "),
    }
}
