//! `registry database empty`

use clap::{ArgMatches, Args, FromArgMatches};

use super::DatasetArguments;
use crate::{
    cli::{
        Command, CommandError, Context, Exit,
        database::{clear_removed, dataset_label},
        table::pluralized,
    },
    run::empty,
    wire::RemovedRowsJson,
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

    fn run(&self, matches: &ArgMatches, context: &mut Context) -> Result<Exit, CommandError> {
        let arguments =
            DatasetArguments::from_arg_matches(matches).map_err(|error| CommandError::usage(error.to_string()))?;
        let dataset = arguments.resolve(context)?;
        let runtime = context.open_existing()?;
        let count = context.block_on(empty(&runtime, &dataset))?;
        context.terminal.json(&RemovedRowsJson::new(&dataset, count))?;
        context.terminal.line(format_args!(
            "took {} out of {}",
            pluralized(count, "record"),
            dataset_label(&dataset)
        ))?;
        if count > 0 {
            clear_removed(context, &runtime);
        }
        Ok(Exit::Success)
    }
}
