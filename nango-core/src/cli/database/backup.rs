//! `registry database backup`: writes a copy of a SQLite database to a file.

use std::path::PathBuf;

use clap::{ArgMatches, Args, FromArgMatches};

use crate::{
    cli::{
        Command, CommandError, Context, Exit,
        table::{human_size, pluralized},
    },
    wire::BackupJson,
};

/// `registry database backup FILE`
#[derive(Debug)]
pub(super) struct Backup;

#[derive(Debug, Args)]
struct Arguments {
    /// File to write; an existing file is not replaced
    file: PathBuf,
}

impl Command for Backup {
    fn clap(&self) -> clap::Command {
        Arguments::augment_args(
            clap::Command::new("backup").about("Writes the database to a file, while other processes use it"),
        )
        .after_help("Example: registry database backup nango-backup.db")
    }

    fn run(&self, matches: &ArgMatches, context: &mut Context) -> Result<Exit, CommandError> {
        let arguments = Arguments::from_arg_matches(matches)?;
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
                "note: {} is left from an interrupted backup and contains records: remove it, unless a backup \
                 is running",
                partial.display()
            ));
        }
        if runtime.config.encryption_key.is_none() {
            let key = runtime.config.key_file.display();
            context.terminal.hint(format_args!(
                "Its credentials are sealed with {key}: back up that file too, in a separate location"
            ));
        }
        Ok(Exit::Success)
    }
}
