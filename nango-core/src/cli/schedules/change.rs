//! `registry schedules pause` and `start`.

use clap::{ArgMatches, Args, FromArgMatches};

use super::selection::{Selection, engine_error, label};
use crate::{
    cli::{Command, CommandError, Context, Exit},
    engine::{pause, resume, statuses},
    wire::ScheduleRow,
};

/// `registry schedules pause INTEGRATION SYNC --connection ID`
pub(super) const PAUSE: Change = Change { paused: true };
/// `registry schedules start INTEGRATION SYNC --connection ID`
pub(super) const START: Change = Change { paused: false };

/// Command that pauses or starts a schedule.
#[derive(Debug)]
pub(super) struct Change {
    paused: bool,
}

#[derive(Debug, Args)]
struct Arguments {
    #[command(flatten)]
    selection: Selection,
}

impl Command for Change {
    fn clap(&self) -> clap::Command {
        let (name, about) = if self.paused {
            ("pause", "Pauses a schedule, and cancels the run of the sync if there is one")
        } else {
            ("start", "Starts a paused schedule; a run that was missed meanwhile is due at once")
        };
        Arguments::augment_args(clap::Command::new(name).about(about))
            .after_help(format!("Example: registry schedules {name} github repo-issues --connection acme"))
    }

    fn run(&self, matches: &ArgMatches, context: &mut Context) -> Result<Exit, CommandError> {
        let arguments = Arguments::from_arg_matches(matches)?;
        let (runtime, key) = arguments.selection.open(context)?;
        let changed = if self.paused {
            context.block_on(pause(&runtime, &key)).map(drop)
        } else {
            context.block_on(resume(&runtime, &key))
        };
        changed.map_err(engine_error)?;
        let selected = [(key.function.clone(), Some(key.variant.clone()))];
        let states = context.block_on(statuses(&runtime, Some(&key.integration), Some(&key.connection), &selected));
        for state in &states.map_err(engine_error)? {
            context.terminal.json(&ScheduleRow::new(state))?;
        }
        let done = if self.paused { "paused" } else { "started" };
        context.terminal.line(format_args!("{done} {}", label(&key)))?;
        Ok(Exit::Success)
    }
}
