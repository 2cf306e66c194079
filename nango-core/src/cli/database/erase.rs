//! `registry database erase`

use clap::{ArgMatches, Args, FromArgMatches};

use super::DatasetArguments;
use crate::{
    cli::{
        Command, CommandError, Context, Exit,
        database::{clear_removed, dataset_label},
        table::pluralized,
    },
    wire::RemovedRowsJson,
};

/// Ids that are taken out in one transaction.
const BATCH_RECORDS: usize = 1_000;

/// `registry database erase <integration> <Model> --connection ID --id ID…`
#[derive(Debug)]
pub(super) struct Erase;

#[derive(Debug, Args)]
struct Arguments {
    #[command(flatten)]
    dataset: DatasetArguments,
    /// A record's id; may be given several times
    #[arg(long = "id", value_name = "ID", required = true)]
    ids: Vec<String>,
}

impl Command for Erase {
    fn clap(&self) -> clap::Command {
        let about = "Takes out records by their ids, with everything that is known of them";
        Arguments::augment_args(clap::Command::new("erase").about(about)).after_help(
            "Nothing in the feed tells that the records are gone: erase them from copies as well. If the provider still \
             has them, the next run that reads them brings them back.",
        )
    }

    fn run(&self, matches: &ArgMatches, context: &mut Context) -> Result<Exit, CommandError> {
        let arguments = Arguments::from_arg_matches(matches).map_err(|error| CommandError::usage(error.to_string()))?;
        let dataset = arguments.dataset.resolve(context)?;
        let runtime = context.open_existing()?;
        let mut count = 0;
        for ids in arguments.ids.chunks(BATCH_RECORDS) {
            count += context.block_on(runtime.store.erase(&dataset, ids.to_vec()))?;
        }
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
