//! `registry database backup`

use std::path::PathBuf;

use clap::{ArgMatches, Args, FromArgMatches};

use crate::{
    cli::{Command, CommandError, Context, Exit, database::human_size, table::pluralized},
    wire::BackupJson,
};

/// `registry database backup FILE`
#[derive(Debug)]
pub(super) struct Backup;

#[derive(Debug, Args)]
struct Arguments {
    /// The file to write; nothing is replaced
    file: PathBuf,
}

impl Command for Backup {
    fn clap(&self) -> clap::Command {
        Arguments::augment_args(
            clap::Command::new("backup").about("Writes the database into a file, while others go on"),
        )
    }

    fn run(&self, matches: &ArgMatches, context: &mut Context) -> Result<Exit, CommandError> {
        let arguments = Arguments::from_arg_matches(matches).map_err(|error| CommandError::usage(error.to_string()))?;
        let runtime = context.open_existing()?;
        let made = context.block_on(runtime.store.backup(&arguments.file))?;
        context.terminal.json(&BackupJson::new(&arguments.file, &made))?;
        let file = arguments.file.display();
        context.terminal.line(format_args!(
            "{file}: {}, {}",
            pluralized(made.records, "record"),
            human_size(made.bytes)
        ))?;
        for partial in &made.partial {
            context.terminal.note(format_args!(
                "note: {} is left of an interrupted backup and holds records: remove it, unless a backup is being written",
                partial.display()
            ));
        }
        if runtime.config.encryption_key.is_none() {
            let key = runtime.config.key_file.display();
            context
                .terminal
                .hint(format_args!("The credentials in it are sealed with {key}: back that up too, elsewhere"));
        }
        Ok(Exit::Success)
    }
}
