//! `registry schedules list`: schedules as a table.

use clap::{ArgMatches, Args, FromArgMatches};

use super::selection::engine_error;
use crate::{
    cli::{
        Command, CommandError, Context, Exit, lookup,
        table::{table, utc_time},
    },
    engine::{SyncState, statuses},
    store::BASE_VARIANT,
    wire::ScheduleRow,
};

/// `registry schedules list [INTEGRATION] [--connection ID]`
#[derive(Debug)]
pub(super) struct List;

#[derive(Debug, Args)]
struct Arguments {
    /// Only the schedules of this integration
    integration: Option<String>,
    /// Only the schedules of this connection
    #[arg(long, value_name = "ID")]
    connection: Option<String>,
}

impl Command for List {
    fn clap(&self) -> clap::Command {
        let about = "Lists the schedules of syncs, with their next due times and last runs";
        Arguments::augment_args(clap::Command::new("list").about(about))
            .after_help("Example: registry schedules list github --connection acme")
    }

    fn run(&self, matches: &ArgMatches, context: &mut Context) -> Result<Exit, CommandError> {
        let arguments = Arguments::from_arg_matches(matches)?;
        let integration = arguments.integration.as_deref();
        if let Some(integration) = integration {
            lookup::integration(context.registry(), integration)?;
        }
        let runtime = context.open_existing()?;
        if let (Some(integration), Some(connection)) = (integration, arguments.connection.as_deref()) {
            context.block_on(lookup::connection(&runtime, integration, connection))?;
        }
        let states = context.block_on(statuses(&runtime, integration, arguments.connection.as_deref(), &[]));
        let states = states.map_err(engine_error)?;
        let rows: Vec<ScheduleRow<'_>> = states.iter().map(ScheduleRow::new).collect();
        context.terminal.json(&rows)?;
        if states.is_empty() {
            context.terminal.hint("No schedule yet: `registry serve` adds one for each sync of each connection");
            return Ok(Exit::Success);
        }
        let headings = ["integration", "connection", "sync", "state", "frequency", "next run", "last run"];
        let mut shown = table(&headings, context.terminal.width());
        for state in &states {
            let key = &state.schedule.key;
            let sync = match key.variant.as_str() {
                BASE_VARIANT => key.function.clone(),
                variant => format!("{} ({variant})", key.function),
            };
            let frequency = state.frequency.as_ref().map_or("when triggered", |frequency| frequency.text());
            shown.add_row([
                key.integration.as_str(),
                &key.connection,
                &sync,
                state_text(state),
                frequency,
                &next_text(state),
                &last_text(state),
            ]);
        }
        context.terminal.line(shown)?;
        Ok(Exit::Success)
    }
}

fn state_text(state: &SyncState) -> &'static str {
    match state {
        SyncState { active: Some(_), .. } => "running",
        SyncState { due: Some(_), .. } => "due",
        SyncState { is_declared: false, .. } => "not declared",
        state if state.schedule.paused => "paused",
        _ => "started",
    }
}

fn next_text(state: &SyncState) -> String {
    match state.schedule.next_at {
        Some(at) if !state.schedule.paused && state.is_declared => utc_time(at),
        _ => String::new(),
    }
}

fn last_text(state: &SyncState) -> String {
    state.last.as_ref().map(|run| format!("{} {}", run.status.name(), utc_time(run.started_at))).unwrap_or_default()
}
