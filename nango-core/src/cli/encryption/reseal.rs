//! Resealing of stored data after a change of the keys or settings.

use std::sync::Arc;

use super::status;
use crate::{
    cli::{
        CommandError, Context, Exit,
        table::{number, pluralized},
    },
    run::Runtime,
    store::{ResealProgress, reseal},
};

/// Reseals the stored data until it matches the encryption settings of the database, and prints the result.
pub(super) fn reseal_all(context: &mut Context, runtime: &Arc<Runtime>) -> Result<Exit, CommandError> {
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
