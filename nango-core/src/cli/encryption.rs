//! `registry encryption`: encryption of payloads at rest, and key rotation.

mod rotate;
mod status;
mod switch;

use std::sync::Arc;

use clap::ArgMatches;

use super::{
    Command, CommandError, Context, Exit, group,
    table::{number, pluralized},
};
use crate::{
    run::Runtime,
    store::{ResealProgress, reseal},
};

/// Command group `registry encryption …`.
#[derive(Debug)]
pub(super) struct Encryption;

const COMMANDS: [&dyn Command; 4] = [&status::Status, &switch::ON, &switch::OFF, &rotate::Rotate];

impl Command for Encryption {
    fn clap(&self) -> clap::Command {
        group::clap("encryption", "Encrypts the payloads of records at rest, and rotates the keys", &COMMANDS)
    }

    fn run(&self, matches: &ArgMatches, context: &mut Context) -> Result<Exit, CommandError> {
        group::run(&COMMANDS, matches, context)
    }
}

/// Reseals the stored data until it matches the encryption settings of the database, and prints the result.
fn reseal_all(context: &mut Context, runtime: &Arc<Runtime>) -> Result<Exit, CommandError> {
    let stop = context.cancellation();
    let progress = context.progress();
    let outcome = context.block_on(reseal(&*runtime.store, |sum| {
        progress.show(format!("{} read, {} changed", pluralized(sum.seen, "record"), number(sum.changed)));
        !stop.is_cancelled()
    }));
    progress.finish();
    let outcome = outcome?;
    let status = context.block_on(status::read_status(runtime))?;
    context.terminal.json(&status.with_reseal(&outcome))?;
    context.terminal.line(format_args!("{} {}", status.headline(), outcome_text(&outcome)))?;
    if !outcome.done {
        context.terminal.hint(status.resume_hint());
        return Ok(Exit::Interrupted);
    }
    for key in status.removable() {
        context.terminal.hint(format_args!(
            "The key {key} is no longer used. It may be removed from NANGO_ENCRYPTION_KEY or the key file; keep a copy \
             as long as you keep backups that were made with it"
        ));
    }
    Ok(if outcome.skipped == 0 { Exit::Success } else { Exit::Failed })
}

fn outcome_text(progress: &ResealProgress) -> String {
    let unfinished = if progress.done { "" } else { ", not finished" };
    let left = match progress.skipped {
        0 => String::new(),
        left => format!("; {} cannot be opened with the available keys and are unchanged", number(left)),
    };
    format!("{} changed{unfinished}{left}", number(progress.changed))
}
