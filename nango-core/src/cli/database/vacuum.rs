//! `registry database vacuum`: rebuilds the database.

use clap::{ArgMatches, Args, FromArgMatches};

use super::remains::remains_note;
use crate::{
    cli::{Command, CommandError, Context, Exit, table::human_size},
    wire::VacuumedJson,
};

/// Command `registry database vacuum`.
#[derive(Debug)]
pub(super) struct Vacuum;

#[derive(Debug, Args)]
struct Arguments {}

impl Command for Vacuum {
    fn clap(&self) -> clap::Command {
        let about = "Rebuilds the database, so that no removed content is left in it";
        Arguments::augment_args(clap::Command::new("vacuum").about(about)).after_help(
            "A SQLite file is rewritten and becomes smaller. Meanwhile this needs free disk space of up to twice its \
             size (SQLITE_TMPDIR sets the directory of the temporary file), and writes of other processes wait. \
             Commands that remove records do this themselves if the database has at most 256 MiB.\n\nPostgreSQL \
             vacuums the tables while other processes read and write. It overwrites removed content only when it needs \
             the space again.\n\nExample: registry database vacuum",
        )
    }

    fn run(&self, matches: &ArgMatches, context: &mut Context) -> Result<Exit, CommandError> {
        Arguments::from_arg_matches(matches)?;
        let runtime = context.open_existing()?;
        let done = context.block_on(runtime.store.vacuum())?;
        context.terminal.json(&VacuumedJson::new(&done))?;
        let (before, after) = (human_size(done.before), human_size(done.after));
        context
            .terminal
            .line(format_args!("vacuumed {}: {before} before, {after} after", runtime.config.database_name()))?;
        if let Some(left) = done.remains {
            context.terminal.note(remains_note(left));
        }
        Ok(Exit::Success)
    }
}
