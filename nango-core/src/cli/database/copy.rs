//! `registry database copy`: copies everything to another database, such as from SQLite to PostgreSQL.

use std::path::Path;

use clap::{ArgMatches, Args, FromArgMatches};

use crate::{
    auth::KeyRing,
    cli::{
        Command, CommandError, Context, Exit,
        lookup::shell_quoted,
        table::{count, number, table},
    },
    config::Config,
    store::{self, KeyId, Table},
    wire::CopiedJson,
};

/// Number of records between two lines of progress.
const PROGRESS_INTERVAL_RECORDS: u64 = 100_000;

/// `registry database copy FROM TO`
#[derive(Debug)]
pub(super) struct Copy;

#[derive(Debug, Args)]
struct Arguments {
    /// URL of the source database, such as sqlite:nango.db
    from: String,
    /// URL of the target database: a new one, or the target of an interrupted copy
    to: String,
}

impl Command for Copy {
    fn clap(&self) -> clap::Command {
        let about = "Copies everything to another database; cursors of feeds stay valid there";
        Arguments::augment_args(clap::Command::new("copy").about(about)).after_help(
            "First stop all processes that use the source: data written during the copy is not copied. Locks and \
             unfinished scans are not copied; a run in progress is copied as interrupted.\n\nExample: registry \
             database copy sqlite:nango.db postgres://nango@localhost/nango",
        )
    }

    fn run(&self, matches: &ArgMatches, context: &mut Context) -> Result<Exit, CommandError> {
        let arguments = Arguments::from_arg_matches(matches)?;
        let Arguments { from, to } = arguments;
        let config_for = |url: &str| {
            let mut config: Config = context.config().clone();
            config.set_database(url);
            config
        };
        let (from_config, to_config) = (config_for(&from), config_for(&to));
        if let Some(file) = from_config.database_file().filter(|file| !file.exists()) {
            return Err(CommandError::not_found(format!("there is no database {}", file.display())));
        }
        let file = |config: &Config| config.database_file().map(|file| file.canonicalize().unwrap_or(file.to_owned()));
        if from == to || (file(&from_config).is_some() && file(&from_config) == file(&to_config)) {
            return Err(CommandError::usage("FROM and TO are the same database"));
        }
        context.warn_if_readable_by_others(&from_config);
        let mut terminal = std::mem::take(&mut context.terminal);
        let interactive = terminal.is_interactive();
        let copied = context.block_on(async {
            let source = store::open(&from).await?;
            let target = match store::open_target(&to).await {
                Ok(target) => target,
                Err(error) => {
                    let _ = source.close().await;
                    return Err(error);
                }
            };
            let mut copied_rows = 0;
            let copied = store::copy(&source, &target, |table, rows| {
                if table == Table::Records && interactive {
                    let before = copied_rows / PROGRESS_INTERVAL_RECORDS;
                    copied_rows += rows;
                    if copied_rows / PROGRESS_INTERVAL_RECORDS > before {
                        terminal.note(format_args!("{} records written or compared", number(copied_rows)));
                    }
                }
            });
            let copied = copied.await;
            // Committed data is durable, so errors of `close` are ignored.
            let _ = (source.close().await, target.close().await);
            copied
        });
        context.terminal = terminal;
        let copied = copied?;
        context.terminal.json(&CopiedJson::new(&copied))?;
        let mut shown = table(&["table", "rows"], context.terminal.width());
        for (name, rows) in &copied.tables {
            shown.add_row([(*name).into(), count(*rows)]);
        }
        context.terminal.line(shown)?;
        context.terminal.line(format_args!("source and target are equal, hash {}", copied.hash))?;
        if let Some(hint) = key_hint(&from_config, &to_config) {
            context.terminal.hint(hint);
        }
        Ok(Exit::Success)
    }
}

/// Returns the command that gives the target the keys of the source, if it lacks one. Compares the ids of the keys: a
/// key file of the target may exist and contain another key.
fn key_hint(from: &Config, to: &Config) -> Option<String> {
    let (old, new) = (&from.key_file, &to.key_file);
    if to.encryption_key.is_some() || old == new {
        return None;
    }
    // A file that cannot be read is reported when a command uses it.
    let needed = KeyRing::ids_in_file(old).ok()??;
    let have = KeyRing::ids_in_file(new).ok()?;
    let lacks = |id: &&KeyId| have.as_ref().is_none_or(|have| !have.contains(id));
    let missing: Vec<String> = needed.iter().filter(lacks).map(ToString::to_string).collect();
    if missing.is_empty() {
        return None;
    }
    let (command, state) = match &have {
        None => (format!("cp {} {}", word(old), word(new)), String::new()),
        Some(_) => (
            format!("cat {} >> {}", word(old), word(new)),
            format!(" ({} exists, but lacks the key {})", new.display(), missing.join(", ")),
        ),
    };
    Some(format!("Sealed data is copied unchanged, so the new database needs the same key{state}:\n  {command}"))
}

fn word(path: &Path) -> String {
    shell_quoted(&path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hint_compares_the_ids_of_the_keys() {
        let folder = tempfile::tempdir().unwrap();
        let config = |name: &str| {
            let mut config = Config::default();
            config.set_database(format!("sqlite:{}", folder.path().join(name).display()));
            config
        };
        let (from, to) = (config("a.db"), config("b.db"));
        let hint = || key_hint(&from, &to).map(|hint| hint.replace(&format!("{}/", folder.path().display()), ""));
        assert_eq!(hint(), None, "nothing is sealed");
        KeyRing::from_file(&from.key_file).unwrap();
        let missing =
            "Sealed data is copied unchanged, so the new database needs the same key:\n  cp a.db.key b.db.key";
        assert_eq!(hint().as_deref(), Some(missing));
        KeyRing::from_file(&to.key_file).unwrap();
        let other = hint().unwrap();
        assert!(other.contains("b.db.key exists, but lacks the key "), "{other}");
        assert!(other.ends_with("  cat a.db.key >> b.db.key"), "{other}");
        std::fs::copy(&from.key_file, &to.key_file).unwrap();
        assert_eq!(hint(), None);
    }
}
