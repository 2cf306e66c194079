//! `registry encryption on` and `off`: switch the encryption of payloads, and reseal the stored ones.

use clap::ArgMatches;

use super::reseal::reseal_all;
use crate::cli::{Command, CommandError, Context, Exit};

/// Command `registry encryption on`.
pub(super) const ON: Switch = Switch { on: true };
/// Command `registry encryption off`.
pub(super) const OFF: Switch = Switch { on: false };

/// Command that switches the sealing of payloads on or off.
#[derive(Debug)]
pub(super) struct Switch {
    on: bool,
}

const ABOUT_ON: &str = "\
Encrypts new payloads, and then the stored ones

Reads and writes continue meanwhile. If the command is interrupted, run it again: it resumes.

At the end a database file is rebuilt, so that no plain payload is left in it or in its log. This needs free disk \
space of twice its size. Other processes cannot write meanwhile and fail after waiting for ten seconds. On PostgreSQL \
the command ends with where plain payloads remain and how to remove them.

The payloads of records are encrypted. Not encrypted are their ids, times and sizes, the names of datasets, \
checkpoints, metadata, and log lines. The command cannot reach earlier backups and snapshots, nor blocks that the file \
system has freed but not overwritten.

A database that is created with `encrypt_records = true` in nango.toml (or NANGO_ENCRYPT_RECORDS=true) is encrypted \
from the start.";

const ABOUT_OFF: &str = "\
Stores new payloads in plain text, and then decrypts the stored ones

Reads and writes continue meanwhile. If the command is interrupted, run it again: it resumes. Credentials and resume \
states stay encrypted, so the keys are still needed.";

impl Command for Switch {
    fn clap(&self) -> clap::Command {
        let (name, about) = if self.on { ("on", ABOUT_ON) } else { ("off", ABOUT_OFF) };
        let short = about.lines().next().unwrap_or_default();
        let example = format!("Example: registry encryption {name}");
        clap::Command::new(name).about(short).long_about(about).after_help(example)
    }

    fn run(&self, _: &ArgMatches, context: &mut Context) -> Result<Exit, CommandError> {
        let runtime = if self.on { context.open()? } else { context.open_existing()? };
        context.block_on(runtime.create_missing_key())?;
        context.block_on(runtime.store.seal_payloads(self.on))?;
        let exit = reseal_all(context, &runtime)?;
        if let Some(remains) = runtime.store.plaintext_remains().filter(|_| self.on && exit != Exit::Interrupted) {
            context.terminal.note(remains);
        }
        Ok(exit)
    }
}
