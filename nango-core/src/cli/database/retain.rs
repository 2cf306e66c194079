//! `registry database retain`: applies the retention limits of the configuration.

use clap::{ArgMatches, Args, FromArgMatches};

use crate::{
    cli::{
        Command, CommandError, Context, Exit,
        database::remains::clear_removed,
        dataset::dataset_label,
        table::{count, human_size, table, utc_time},
    },
    config::Retention,
    run::retain,
    wire::RetainedJson,
};

/// `registry database retain [--dry-run]`
#[derive(Debug)]
pub(super) struct Retain;

#[derive(Debug, Args)]
struct Arguments {
    /// Shows what would be removed, and removes nothing
    #[arg(long)]
    dry_run: bool,
}

impl Command for Retain {
    fn clap(&self) -> clap::Command {
        let about = "Removes records and payloads that are older than [retention] in nango.toml allows";
        Arguments::augment_args(clap::Command::new("retain").about(about)).after_help(
            "[retention] in nango.toml, or the environment:\n  prune_after = \"30d\"   NANGO_RETENTION_PRUNE_AFTER   \
             payloads of records that have not changed for this time\n  delete_after = \"60d\"  \
             NANGO_RETENTION_DELETE_AFTER  all records of a model whose syncs have not run for this time\nThe feed \
             contains no deletes for the removed records; their syncs start from the beginning when they run \
             again.\n\nExample: registry database retain --dry-run",
        )
    }

    fn run(&self, matches: &ArgMatches, context: &mut Context) -> Result<Exit, CommandError> {
        let arguments = Arguments::from_arg_matches(matches)?;
        let limits = context.config().retention;
        if limits == Retention::default() {
            return Err(CommandError::setup(
                "no retention limit is configured: set `prune_after = \"30d\"` or `delete_after = \"60d\"` under \
                 `[retention]` in nango.toml, or NANGO_RETENTION_PRUNE_AFTER or NANGO_RETENTION_DELETE_AFTER",
            ));
        }
        let runtime = context.open_existing()?;
        let retained = context.block_on(retain(&runtime, limits, arguments.dry_run))?;
        context.terminal.json(&RetainedJson::new(&retained, arguments.dry_run))?;
        let mut rows = table(&["dataset", "last used", "action", "records", "payloads"], context.terminal.width());
        let emptied = retained.emptied.iter().map(|one| (one, "emptied"));
        for (one, what) in emptied.chain(retained.pruned.iter().map(|one| (one, "pruned"))) {
            let what = if arguments.dry_run { format!("would be {what}") } else { what.to_owned() };
            rows.add_row([
                dataset_label(&one.dataset).into(),
                utc_time(one.last_used_at).into(),
                what.into(),
                count(one.records),
                human_size(one.bytes).into(),
            ]);
        }
        if rows.row_count() == 0 {
            context.terminal.line("no records are older than the limits")?;
        } else {
            context.terminal.line(rows)?;
        }
        for dataset in &retained.busy {
            context.terminal.note(format_args!("skipped {}: one of its syncs is running", dataset_label(dataset)));
        }
        let removed = retained.emptied.len() + retained.pruned.len();
        if removed > 0 && !arguments.dry_run {
            clear_removed(context, &runtime);
        }
        Ok(Exit::Success)
    }
}
