//! `registry encryption`: payloads at rest, and the keys behind everything that is sealed.

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

/// `registry encryption …`
#[derive(Debug)]
pub(super) struct Encryption;

const COMMANDS: [&dyn Command; 4] = [&status::Status, &switch::ON, &switch::OFF, &rotate::Rotate];

impl Command for Encryption {
    fn clap(&self) -> clap::Command {
        group::clap("encryption", "Seals the payloads of records, and rotates the keys", &COMMANDS)
    }

    fn run(&self, matches: &ArgMatches, context: &mut Context) -> Result<Exit, CommandError> {
        group::run(&COMMANDS, matches, context)
    }
}

/// Walks over what is there until it is sealed as the database says, and tells how it ended.
fn reseal_all(context: &mut Context, runtime: &Arc<Runtime>) -> Result<Exit, CommandError> {
    let stop = context.cancellation();
    let progress = context.progress();
    let outcome = context.block_on(reseal(&*runtime.store, |sum| {
        progress.show(format!("{} seen, {} changed", pluralized(sum.seen, "record"), number(sum.changed)));
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
            "Nothing is sealed with the key {key} any more. It may be removed from NANGO_ENCRYPTION_KEY or the key file; \
             keep it as long as you keep backups from before"
        ));
    }
    Ok(if outcome.skipped == 0 { Exit::Success } else { Exit::Failed })
}

fn outcome_text(walked: &ResealProgress) -> String {
    let not_all = if walked.done { "" } else { ", not all yet" };
    let left = match walked.skipped {
        0 => String::new(),
        left => format!("; {} could not be opened with the keys that are there, and stay as they are", number(left)),
    };
    format!("{} changed{not_all}{left}", number(walked.changed))
}
