//! `registry database prune`: removes the payloads of old records.

use clap::{ArgMatches, Args, FromArgMatches};

use super::remains::clear_removed;
use crate::{
    cli::{
        Command, CommandError, Context, Exit,
        dataset::{DatasetArguments, dataset_label},
        table::{human_size, pluralized},
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
    /// Cursor of the last record whose payload is removed
    #[arg(long = "until", value_name = "CURSOR")]
    until_cursor: String,
    /// Most records to prune; all if omitted
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: Option<u32>,
}

impl Command for Prune {
    fn clap(&self) -> clap::Command {
        let about = "Removes the payloads of all records up to a cursor; ids, times and feed positions stay";
        Arguments::augment_args(clap::Command::new("prune").about(about)).after_help(
            "Example: registry database prune github GithubIssue --connection acme --until CURSOR\n(CURSOR is the \
             `cursor` of a record, printed by `registry records --json`)",
        )
    }

    fn run(&self, matches: &ArgMatches, context: &mut Context) -> Result<Exit, CommandError> {
        let arguments = Arguments::from_arg_matches(matches)?;
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
            context.terminal.hint("More records remain: run the command again, or omit --limit");
        }
        Ok(Exit::Success)
    }
}
