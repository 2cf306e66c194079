//! `registry database prune`

use clap::{ArgMatches, Args, FromArgMatches};

use super::DatasetArguments;
use crate::{
    cli::{
        Command, CommandError, Context, Exit,
        database::{clear_removed, dataset_label, human_size},
        table::pluralized,
    },
    store::{self, PruneUntil},
    wire::PrunedJson,
};

/// `registry database prune <integration> <Model> --connection ID --until CURSOR`
#[derive(Debug)]
pub(super) struct Prune;

#[derive(Debug, Args)]
struct Arguments {
    #[command(flatten)]
    dataset: DatasetArguments,
    /// The cursor of the last record whose payload goes
    #[arg(long = "until", value_name = "CURSOR")]
    until_cursor: String,
    /// At most so many records; without it, all
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: Option<u32>,
}

impl Command for Prune {
    fn clap(&self) -> clap::Command {
        let about = "Drops the payloads of all records up to a cursor; ids, stamps and places stay";
        Arguments::augment_args(clap::Command::new("prune").about(about))
    }

    fn run(&self, matches: &ArgMatches, context: &mut Context) -> Result<Exit, CommandError> {
        let arguments = Arguments::from_arg_matches(matches).map_err(|error| CommandError::usage(error.to_string()))?;
        let dataset = arguments.dataset.resolve(context)?;
        let runtime = context.open_existing()?;
        let until = PruneUntil::Cursor(arguments.until_cursor);
        let pruned = match arguments.limit {
            Some(limit) => {
                context.block_on(runtime.store.prune(&dataset, store::Prune { until, after: None, limit }))?
            }
            None => context.block_on(store::prune_all(&runtime.store, &dataset, until))?,
        };
        context.terminal.json(&PrunedJson::new(&pruned))?;
        let (count, bytes) = (pluralized(pruned.count, "record"), human_size(pruned.bytes));
        context.terminal.line(format_args!("pruned {count} of {} ({bytes})", dataset_label(&dataset)))?;
        if pruned.count > 0 {
            clear_removed(context, &runtime);
        }
        if pruned.next.is_some() {
            context.terminal.hint("There is more: run it again, or leave --limit out");
        }
        Ok(Exit::Success)
    }
}
