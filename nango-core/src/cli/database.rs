//! `registry database`: maintenance of the database.

mod backup;
mod check;
mod copy;
mod empty;
mod erase;
mod prune;
mod retain;
mod vacuum;

use clap::{ArgMatches, Args};

use super::{Command, CommandError, Context, Exit, group, lookup, table::number};
use crate::{
    run::Runtime,
    store::{BASE_VARIANT, DatasetKey, Remains},
};

/// Command group `registry database …`.
#[derive(Debug)]
pub(super) struct Database;

const COMMANDS: [&dyn Command; 8] = [
    &check::Check,
    &backup::Backup,
    &copy::Copy,
    &retain::Retain,
    &prune::Prune,
    &empty::Empty,
    &erase::Erase,
    &vacuum::Vacuum,
];

impl Command for Database {
    fn clap(&self) -> clap::Command {
        group::clap("database", "Checks, backs up, copies and cleans up the database", &COMMANDS)
    }

    fn run(&self, matches: &ArgMatches, context: &mut Context) -> Result<Exit, CommandError> {
        group::run(&COMMANDS, matches, context)
    }
}

// The dataset of a command. This is not a doc comment because clap would use it as the description of the command.
#[derive(Debug, Args)]
struct DatasetArguments {
    /// Name of the integration
    integration: String,
    /// Name of the model
    model: String,
    /// Connection that owns the records
    #[arg(long, value_name = "ID")]
    connection: String,
    /// Variant of the sync that wrote the records
    #[arg(long, value_name = "NAME", default_value = BASE_VARIANT)]
    variant: String,
}

impl DatasetArguments {
    /// Returns the dataset key. A model that no sync writes any more may still have records, so only the connection
    /// must exist.
    fn resolve(&self, context: &mut Context) -> Result<DatasetKey, CommandError> {
        let runtime = context.open_existing()?;
        context.block_on(lookup::connection(&runtime, &self.integration, &self.connection))?;
        let key = DatasetKey {
            integration: self.integration.clone(),
            connection: self.connection.clone(),
            model: self.model.clone(),
            variant: self.variant.clone(),
        };
        let known = context.block_on(runtime.store.datasets(Some(&self.integration), Some(&self.connection)))?;
        if !known.iter().any(|one| one.dataset == key) {
            lookup::model(context.registry(), &self.integration, &self.model)?;
        }
        Ok(key)
    }
}

/// Clears removed content from the database's files. The records are removed in any case, so a failure is only a note.
pub(super) fn clear_removed(context: &mut Context, runtime: &Runtime) {
    match context.block_on(runtime.store.clear_removed()) {
        Ok(None) => {}
        Ok(Some(left)) => context.terminal.note(remains_note(left)),
        Err(error) => context.terminal.note(format_args!(
            "note: the records are removed, but parts of them may be left in the database's files: {error}. Run \
             `registry database vacuum`"
        )),
    }
}

/// Returns a note on where parts of removed content may remain, with the remedy.
fn remains_note(left: Remains) -> String {
    match left {
        Remains::Log => "note: parts of removed content may be left in the database's log (-wal), because another \
                         process reads. Run `registry database vacuum` when it is done"
            .to_owned(),
        Remains::Pages { bytes } => format!(
            "note: removed content may be left in unused pages of the file, because the database ({}) is too large to \
             be rebuilt while other processes wait. Run `registry database vacuum` when no other process writes",
            human_size(bytes)
        ),
        Remains::DeadRows => "note: the server keeps removed rows until it vacuums their tables: run `registry \
                              database vacuum` to do that now"
            .to_owned(),
        Remains::Server => {
            "note: the server overwrites removed content when it needs the space again; until then parts \
                            of it may be left in its data files, its write-ahead log and their backups. `VACUUM FULL` \
                            rewrites the tables, and locks them meanwhile"
                .to_owned()
        }
    }
}

/// Returns the name of a dataset in tables and messages: `github acme Issue`.
fn dataset_label(dataset: &DatasetKey) -> String {
    let DatasetKey { integration, connection, model, variant } = dataset;
    let variant = if variant == BASE_VARIANT { String::new() } else { format!(" ({variant})") };
    format!("{integration} {connection} {model}{variant}")
}

/// Formats a size in decimal units: `999 bytes`, `12.3 MB`.
fn human_size(bytes: u64) -> String {
    let units = [("GB", 1_000_000_000), ("MB", 1_000_000), ("KB", 1_000)];
    match units.iter().find(|(_, unit)| bytes >= *unit) {
        Some((name, unit)) => format!("{}.{} {name}", number(bytes / unit), bytes % unit / (unit / 10)),
        None => super::table::pluralized(bytes, "byte"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_command_has_its_own_help() {
        let abouts: BTreeSet<String> =
            COMMANDS.iter().filter_map(|command| command.clap().get_about().map(ToString::to_string)).collect();
        assert_eq!(abouts.len(), COMMANDS.len(), "{abouts:#?}");
    }

    #[test]
    fn sizes_are_formatted_with_unit() {
        let cases =
            [(1, "1 byte"), (999, "999 bytes"), (1_000, "1.0 KB"), (1_250_000, "1.2 MB"), (3_999_999_999, "3.9 GB")];
        for (bytes, expect) in cases {
            assert_eq!(human_size(bytes), expect);
        }
    }
}
