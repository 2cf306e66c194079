//! `registry database empty`: removes all records of a dataset.

use clap::{ArgMatches, Args, FromArgMatches};

use super::remains::clear_removed;
use crate::{
    cli::{
        Command, CommandError, Context, Exit,
        dataset::{DatasetArguments, dataset_label},
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
        let about = "Removes all records of a model; the next run of its sync fetches them again";
        DatasetArguments::augment_args(clap::Command::new("empty").about(about)).after_help(
            "The feed contains no deletes for the removed records: a reader with a copy must drop it and read again \
             without a cursor. Old cursors stay valid and return later changes.\n\nExample: registry database empty \
             github GithubIssue --connection acme",
        )
    }

    fn run(&self, matches: &ArgMatches, context: &mut Context) -> Result<Exit, CommandError> {
        let arguments = DatasetArguments::from_arg_matches(matches)?;
        let dataset = arguments.resolve(context)?;
        let runtime = context.open_existing()?;
        let count = context.block_on(empty(&runtime, &dataset))?;
        context.terminal.json(&RemovedRowsJson::new(&dataset, count))?;
        context.terminal.line(format_args!(
            "removed {} from {}",
            pluralized(count, "record"),
            dataset_label(&dataset)
        ))?;
        if count > 0 {
            clear_removed(context, &runtime);
        }
        Ok(Exit::Success)
    }
}
