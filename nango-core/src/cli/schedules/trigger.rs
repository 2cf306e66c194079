//! `registry schedules trigger`: makes a sync due at once.

use clap::{ArgMatches, Args, FromArgMatches};

use super::selection::{Selection, engine_error, label};
use crate::{
    cli::{Command, CommandError, Context, Exit},
    engine::{TriggerOptions, trigger},
    wire::TriggeredRun,
};

/// `registry schedules trigger INTEGRATION SYNC --connection ID`
#[derive(Debug)]
pub(super) struct Trigger;

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
struct Arguments {
    #[command(flatten)]
    selection: Selection,
    /// Discards the checkpoint first; a run that is active is cancelled
    #[arg(long)]
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
}

impl Command for Trigger {
    fn clap(&self) -> clap::Command {
        let about = "Makes a sync due at once, for the process that serves the database, and does not wait for it";
        Arguments::augment_args(clap::Command::new("trigger").about(about))
            .after_help("Example: registry schedules trigger github repo-issues --connection acme --full")
    }

    fn run(&self, matches: &ArgMatches, context: &mut Context) -> Result<Exit, CommandError> {
        let arguments = Arguments::from_arg_matches(matches)?;
        let Arguments { selection, reset, empty_cache, full, allow_deletes } = arguments;
        let (runtime, key) = selection.open(context)?;
        let options = TriggerOptions { reset, empty_cache, full, allow_deletes };
        let run = context.block_on(trigger(&runtime, &key, options)).map_err(engine_error)?.run;
        context.terminal.json(&TriggeredRun::new(run))?;
        context.terminal.line(format_args!("triggered {}: run {run}", label(&key)))?;
        if !context.block_on(runtime.store.is_served())? {
            context.terminal.note(
                "note: no process serves this database, so the run starts with the next `registry serve`; `registry \
                 run` runs the sync now",
            );
        }
        Ok(Exit::Success)
    }
}
