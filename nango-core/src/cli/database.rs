//! `registry database`: keeping house.

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

/// `registry database …`
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
        group::clap("database", "Checks, backs up, copies and tidies the database", &COMMANDS)
    }

    fn run(&self, matches: &ArgMatches, context: &mut Context) -> Result<Exit, CommandError> {
        group::run(&COMMANDS, matches, context)
    }
}

// Which dataset a command means. Not a doc comment: clap would take it for what the command is about.
#[derive(Debug, Args)]
struct DatasetArguments {
    /// The integration
    integration: String,
    /// The model
    model: String,
    /// The connection that the records belong to
    #[arg(long, value_name = "ID")]
    connection: String,
    /// Records of this variant of the sync
    #[arg(long, value_name = "NAME", default_value = BASE_VARIANT)]
    variant: String,
}

impl DatasetArguments {
    /// The dataset. A model that no sync writes any more may still have records, so only a connection must be there.
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

/// Clears what a removal left in the database's files. The records are gone in any case, so a failure is a note.
pub(super) fn clear_removed(context: &mut Context, runtime: &Runtime) {
    match context.block_on(runtime.store.clear_removed()) {
        Ok(None) => {}
        Ok(Some(left)) => context.terminal.note(remains_note(left)),
        Err(error) => context.terminal.note(format_args!(
            "note: the records are removed, but parts of them may be left in the database's files: {error}. Run `registry \
             database vacuum`"
        )),
    }
}

/// Where parts of removed content may be left, and what to do about it.
fn remains_note(left: Remains) -> String {
    match left {
        Remains::Log => "note: parts of removed content may be left in the database's log (-wal), because another process \
                         reads. Run `registry database vacuum` when it is done"
            .to_owned(),
        Remains::Pages { bytes } => format!(
            "note: parts of removed content may be left in unused parts of the file, because the database ({}) is too large \
             to be rebuilt while others wait. Run `registry database vacuum` when nothing else writes",
            human_size(bytes)
        ),
        Remains::DeadRows => "note: the server keeps removed rows until it vacuums their tables: `registry database vacuum` \
                              does that now"
            .to_owned(),
        Remains::Server => "note: the server overwrites removed content when it needs the space again; until then parts of \
                            it may be left in its data files, its write-ahead log and their backups. `VACUUM FULL` writes \
                            the tables anew, and locks them meanwhile"
            .to_owned(),
    }
}

/// `github acme Issue`, as it stands in tables.
fn dataset_label(dataset: &DatasetKey) -> String {
    let DatasetKey { integration, connection, model, variant } = dataset;
    let variant = if variant == BASE_VARIANT { String::new() } else { format!(" ({variant})") };
    format!("{integration} {connection} {model}{variant}")
}

/// `1,234 bytes`, `12.3 MB`
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
