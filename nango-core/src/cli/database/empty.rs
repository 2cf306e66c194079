//! `registry database empty`

use clap::{ArgMatches, Args, FromArgMatches};

use super::DatasetArguments;
use crate::{
    cli::{
        Command, Context, Exit, Fault,
        database::{clear_removed, shown},
        table::counted,
    },
    run::empty,
    wire::TakenOutJson,
};

/// `registry database empty <integration> <Model> --connection ID`
#[derive(Debug)]
pub(super) struct Empty;

impl Command for Empty {
    fn clap(&self) -> clap::Command {
        let about = "Takes out all records of a model; the next run of its sync brings them anew";
        DatasetArguments::augment_args(clap::Command::new("empty").about(about)).after_help(
            "Nothing in the feed tells that the records are gone: a reader that keeps a copy drops it and reads again \
             without a cursor. Old cursors stay good and give what comes after.",
        )
    }

    fn run(&self, matches: &ArgMatches, context: &mut Context) -> Result<Exit, Fault> {
        let arguments = DatasetArguments::from_arg_matches(matches).map_err(|error| Fault::usage(error.to_string()))?;
        let dataset = arguments.key(context)?;
        let instance = context.open_existing()?;
        let count = context.block_on(empty(&instance, &dataset))?;
        context.terminal.json(&TakenOutJson::new(&dataset, count))?;
        context.terminal.line(format_args!("took {} out of {}", counted(count, "record"), shown(&dataset)))?;
        if count > 0 {
            clear_removed(context, &instance);
        }
        Ok(Exit::Success)
    }
}
