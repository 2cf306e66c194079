//! `registry encryption on` and `off`

use clap::ArgMatches;

use super::reseal_all;
use crate::cli::{Command, CommandError, Context, Exit};

/// `registry encryption on`
pub(super) const ON: Switch = Switch { on: true };
/// `registry encryption off`
pub(super) const OFF: Switch = Switch { on: false };

/// Seals payloads, or no longer.
#[derive(Debug)]
pub(super) struct Switch {
    on: bool,
}

const ABOUT_ON: &str = "\
Seals payloads from now on, and then those that are there

Reads and writes go on meanwhile. Interrupted, the same command goes on where it stopped.

At the end a database file is made new, so that nothing plain is left in it or in its log. That takes free space of twice \
its size, and while it lasts nothing else is written: another process gives up after ten seconds. On PostgreSQL the \
command says at the end where plain payloads remain, and how to remove them.

Sealed are the payloads of records. Not sealed are their ids, times and sizes, the names of datasets, checkpoints, \
metadata, and the lines of logs. What the command cannot reach: backups and snapshots from before, and blocks that the \
file system has given back but not overwritten.

A database that is made with `encrypt_records = true` in nango.toml (or NANGO_ENCRYPT_RECORDS=true) is sealed from the \
start.";

const ABOUT_OFF: &str = "\
Stores payloads plain from now on, and then those that are there

Reads and writes go on meanwhile. Interrupted, the same command goes on where it stopped. Credentials and resume states \
stay sealed, so the keys are still needed.";

impl Command for Switch {
    fn clap(&self) -> clap::Command {
        let (name, about) = if self.on { ("on", ABOUT_ON) } else { ("off", ABOUT_OFF) };
        let short = about.lines().next().unwrap_or_default();
        clap::Command::new(name).about(short).long_about(about)
    }

    fn run(&self, _: &ArgMatches, context: &mut Context) -> Result<Exit, CommandError> {
        let runtime = if self.on { context.open()? } else { context.open_existing()? };
        context.block_on(runtime.store.seal_payloads(self.on))?;
        let exit = reseal_all(context, &runtime)?;
        if let Some(remains) = runtime.store.plaintext_remains().filter(|_| self.on && exit != Exit::Interrupted) {
            context.terminal.hint(remains);
        }
        Ok(exit)
    }
}
