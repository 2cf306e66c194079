//! `registry runs list`: runs as a table, newest first.

use std::time::Duration;

use clap::{ArgMatches, Args, FromArgMatches};
use nango_grammar::frequency::parse_interval;

use crate::{
    cli::{
        Command, CommandError, Context, Exit,
        list::parse_kind,
        lookup,
        table::{count, table, utc_time},
    },
    declare::FunctionKind,
    run::Runtime,
    store::{BASE_VARIANT, Run, RunFilter, RunStatus},
    time::{Timestamp, format_span},
    wire::RunRow,
};

/// `registry runs list [INTEGRATION] [FUNCTION]`
#[derive(Debug)]
pub(super) struct List;

#[derive(Debug, Args)]
struct Arguments {
    /// Only the runs of this integration
    integration: Option<String>,
    /// Only the runs of this function
    function: Option<String>,
    /// Only the runs of this connection
    #[arg(long, value_name = "ID")]
    connection: Option<String>,
    /// Only runs of functions of this type: sync, action, on-event or on-webhook
    #[arg(long = "type", value_name = "TYPE", value_parser = parse_kind)]
    kind: Option<FunctionKind>,
    /// Only runs with this status: running, success, interrupted, error or cancelled
    #[arg(long, value_name = "STATUS", value_parser = parse_status)]
    status: Option<RunStatus>,
    /// Only runs that started within this time, such as 2h or 7d, or since a time such as 2026-11-22T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = parse_since)]
    since: Option<Since>,
    /// Most runs to print
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
}

/// Earliest start of the runs that are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Since {
    /// Span before the time of the database.
    Ago(Duration),
    At(Timestamp),
}

fn parse_status(name: &str) -> Result<RunStatus, String> {
    RunStatus::from_name(name).ok_or_else(|| lookup::unknown_name("status", name, &RunStatus::ALL.map(RunStatus::name)))
}

fn parse_since(text: &str) -> Result<Since, String> {
    let at = || Timestamp::parse_rfc3339(text).map(Since::At);
    parse_interval(text).map(Since::Ago).or_else(at).ok_or_else(|| {
        "must be a span such as `2h` or `7 days`, or a time with its offset such as `2026-11-22T12:00:00Z`".to_owned()
    })
}

impl Command for List {
    fn clap(&self) -> clap::Command {
        Arguments::augment_args(clap::Command::new("list").about("Lists runs, the newest first")).after_help(
            "Examples:\n  registry runs list github --status error --since 1d\n  registry runs list github repo-issues \
             --connection acme",
        )
    }

    fn run(&self, matches: &ArgMatches, context: &mut Context) -> Result<Exit, CommandError> {
        let arguments = Arguments::from_arg_matches(matches)?;
        let runtime = context.open_existing()?;
        let filter = RunFilter {
            integration: arguments.integration,
            connection: arguments.connection,
            function: arguments.function,
            kind: arguments.kind,
            status: arguments.status,
            since: arguments.since.map(|since| match since {
                Since::Ago(span) => runtime.store.now() - span,
                Since::At(at) => at,
            }),
            limit: arguments.limit,
        };
        let runs = context.block_on(runtime.store.find_runs(filter.clone()))?;
        if runs.is_empty() {
            require_names(context, &runtime, &filter)?;
        }
        context.terminal.json(&runs.iter().map(RunRow::new).collect::<Vec<_>>())?;
        let Some(first) = runs.first() else {
            context
                .terminal
                .hint("No run. `registry run` runs a function, `registry serve` runs the syncs that are due");
            return Ok(Exit::Success);
        };
        let headings =
            ["started (UTC)", "integration", "function", "type", "connection", "status", "duration", "changed", "run"];
        let mut shown = table(&headings, context.terminal.width());
        for run in &runs {
            let key = &run.key;
            let function = match key.variant.as_str() {
                BASE_VARIANT => key.function.clone(),
                variant => format!("{} ({variant})", key.function),
            };
            let mut cells: Vec<comfy_table::Cell> = vec![
                utc_time(run.started_at).into(),
                (&key.integration).into(),
                function.into(),
                key.kind.name().into(),
                (&key.connection).into(),
                run.status.name().into(),
                duration_text(run).into(),
            ];
            cells.push(changed(run).map_or_else(|| "".into(), count));
            cells.push(run.id.into());
            shown.add_row(cells);
        }
        context.terminal.line(shown)?;
        if runs.len() == filter.limit as usize {
            context
                .terminal
                .hint(format_args!("Earlier runs are not shown: --limit sets their number (now {})", filter.limit));
        }
        context.terminal.hint(format_args!("Details and log: registry runs show {}", first.id));
        Ok(Exit::Success)
    }
}

/// Returns an error if a name of the filter is unknown. Runs of functions and connections that were removed are listed,
/// so that names are checked only if there is no run.
fn require_names(context: &Context, runtime: &Runtime, filter: &RunFilter) -> Result<(), CommandError> {
    let Some(integration) = &filter.integration else { return Ok(()) };
    lookup::integration(context.registry(), integration)?;
    if let Some(function) = &filter.function {
        let kinds = filter.kind.as_ref().map_or(&FunctionKind::ALL[..], std::slice::from_ref);
        lookup::function(context.registry(), integration, function, kinds)?;
    }
    if let Some(connection) = &filter.connection {
        context.block_on(lookup::connection(runtime, integration, connection))?;
    }
    Ok(())
}

fn duration_text(run: &Run) -> String {
    run.duration().map(format_span).unwrap_or_default()
}

/// Returns the number of records that a run added, updated and deleted; `None` if it wrote no model.
fn changed(run: &Run) -> Option<u64> {
    let models = &run.totals.models;
    (!models.is_empty()).then(|| models.values().map(|counts| counts.added + counts.updated + counts.deleted).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_is_a_span_or_a_time() {
        assert_eq!(parse_since("2h"), Ok(Since::Ago(Duration::from_hours(2))));
        assert_eq!(parse_since("7 days"), Ok(Since::Ago(Duration::from_hours(168))));
        let at = Timestamp::parse_rfc3339("2026-11-22T12:00:00Z").unwrap();
        assert_eq!(parse_since("2026-11-22T13:00:00+01:00"), Ok(Since::At(at)));
        for wrong in ["", "yesterday", "2026-11-22", "-2h"] {
            assert!(parse_since(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn unknown_status_lists_the_statuses() {
        assert_eq!(parse_status("error"), Ok(RunStatus::Error));
        let error = parse_status("failed").unwrap_err();
        assert!(error.contains("`interrupted`") && error.contains("`cancelled`"), "{error}");
    }
}
