//! `registry encryption`: payloads at rest, and the keys behind everything that is sealed.

mod rotate;
mod status;
mod switch;

use std::sync::Arc;

use clap::ArgMatches;

use super::{
    Command, Context, Exit, Fault, group,
    table::{counted, number},
};
use crate::{
    run::Instance,
    store::{Resealed, reseal},
};

/// `registry encryption …`
#[derive(Debug)]
pub(super) struct Encryption;

const COMMANDS: [&dyn Command; 4] = [&status::Status, &switch::ON, &switch::OFF, &rotate::Rotate];

impl Command for Encryption {
    fn clap(&self) -> clap::Command {
        group::clap("encryption", "Seals the payloads of records, and rotates the keys", &COMMANDS)
    }

    fn run(&self, matches: &ArgMatches, context: &mut Context) -> Result<Exit, Fault> {
        group::run(&COMMANDS, matches, context)
    }
}

/// Walks over what is there until it is sealed as the database says, and tells how it ended.
fn walk(context: &mut Context, instance: &Arc<Instance>) -> Result<Exit, Fault> {
    let stop = context.stop();
    let progress = context.progress();
    let walked = context.block_on(reseal(&*instance.store, |sum| {
        progress.show(format!("{} seen, {} changed", counted(sum.seen, "record"), number(sum.changed)));
        !stop.is_stopped()
    }));
    progress.finish();
    let walked = walked?;
    let status = context.block_on(status::read(instance))?;
    context.terminal.json(&status.with(&walked))?;
    context.terminal.line(format_args!("{} {}", status.headline(), told(&walked)))?;
    if !walked.done {
        context.terminal.hint(status.how_to_go_on());
        return Ok(Exit::Interrupted);
    }
    for key in status.removable() {
        context.terminal.hint(format_args!(
            "Nothing is sealed with the key {key} any more. It may be removed from NANGO_ENCRYPTION_KEY or the key file; \
             keep it as long as you keep backups from before"
        ));
    }
    Ok(if walked.left == 0 { Exit::Success } else { Exit::Failed })
}

fn told(walked: &Resealed) -> String {
    let not_all = if walked.done { "" } else { ", not all yet" };
    let left = match walked.left {
        0 => String::new(),
        left => format!("; {} could not be opened with the keys that are there, and stay as they are", number(left)),
    };
    format!("{} changed{not_all}{left}", number(walked.changed))
}
