//! `registry database erase`: removes records by id, for example to fulfil a request for erasure.

use clap::{ArgMatches, Args, FromArgMatches};

use super::remains::clear_removed;
use crate::{
    cli::{
        Command, CommandError, Context, Exit,
        dataset::{DatasetArguments, dataset_label},
        table::pluralized,
    },
    wire::RemovedRowsJson,
};

/// Number of ids that are removed in one transaction.
const BATCH_RECORDS: usize = 1_000;

/// `registry database erase <integration> <Model> --connection ID --id ID…`
#[derive(Debug)]
pub(super) struct Erase;

#[derive(Debug, Args)]
struct Arguments {
    #[command(flatten)]
    dataset: DatasetArguments,
    /// Id of a record; repeatable
    #[arg(long = "id", value_name = "ID", required = true)]
    ids: Vec<String>,
}

impl Command for Erase {
    fn clap(&self) -> clap::Command {
        let about = "Removes records by id, with all data stored about them";
        Arguments::augment_args(clap::Command::new("erase").about(about)).after_help(
            "The feed contains no deletes for the removed records: erase them from copies as well. If the provider \
             still has them, the next run that reads them stores them again.\n\nExample: registry database erase \
             github GithubIssue --connection acme --id 1234",
        )
    }

    fn run(&self, matches: &ArgMatches, context: &mut Context) -> Result<Exit, CommandError> {
        let arguments = Arguments::from_arg_matches(matches)?;
        let dataset = arguments.dataset.resolve(context)?;
        let runtime = context.open_existing()?;
        let mut count = 0;
        for ids in arguments.ids.chunks(BATCH_RECORDS) {
            count += context.block_on(runtime.store.erase(&dataset, ids.to_vec()))?;
        }
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
