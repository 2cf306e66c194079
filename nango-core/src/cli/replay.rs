//! `registry replay`: a recorded run, again and without a network.

use std::{path::PathBuf, sync::Arc};

use clap::{ArgMatches, Args, FromArgMatches};

use super::{Command, CommandError, Context, Exit, lookup, report};
use crate::{
    declare::FunctionKind,
    error::{Chain, Result},
    recording::{Header, RecordedRun},
    run::{NoopObserver, Replay, RunReport},
    wire::{ReplayJson, comparable_report},
};

/// The command `registry replay FILE`
#[derive(Debug)]
pub(super) struct ReplayRecording;

#[derive(Debug, Args)]
struct Arguments {
    /// File that `registry run --record` wrote
    file: PathBuf,
}

impl Command for ReplayRecording {
    fn clap(&self) -> clap::Command {
        let about = "Runs a recorded run again, without a network and a database, and compares the reports";
        Arguments::augment_args(clap::Command::new("replay").about(about))
            .after_help("Example: registry replay tests/recordings/repo-issues.jsonl")
    }

    fn run(&self, matches: &ArgMatches, context: &mut Context) -> Result<Exit, CommandError> {
        let arguments = Arguments::from_arg_matches(matches)?;
        let recorded = open(&arguments.file)?;
        check_function(context, &recorded.header)?;
        let (registry, catalogue) = (context.registry().clone(), context.catalogue().clone());
        let outcome = context.block_on(replay(&recorded, registry, catalogue));
        let (report, differences) =
            outcome.map_err(|error| CommandError::failed(format!("{}: {error}", arguments.file.display())))?;
        let replayed = report::document(&report)?;
        let recorded_report = comparable_report(recorded.report.unwrap_or_default());
        let document = ReplayJson::new(recorded_report, &comparable_report(replayed), differences);
        context.terminal.json(&document)?;
        context.terminal.line(format_args!("{:#}", document.report))?;
        if document.equal {
            context.terminal.line("the report of the replay is equal")?;
            return Ok(Exit::Success);
        }
        context.terminal.line("the replay differs from the recorded run:")?;
        for difference in &document.differences {
            context.terminal.line(format_args!("- {difference}"))?;
        }
        Ok(Exit::Failed)
    }
}

/// Reads a recording.
///
/// # Errors
///
/// Fails if the file cannot be read or is not a recording.
pub(super) fn open(file: &std::path::Path) -> Result<RecordedRun, CommandError> {
    RecordedRun::open(file).map_err(|error| CommandError::usage(format!("{}: {}", file.display(), Chain(&error))))
}

/// Reports a recording of a function that this program does not have, with the available names.
pub(super) fn check_function(context: &Context, header: &Header) -> Result<(), CommandError> {
    let kinds: Vec<FunctionKind> = FunctionKind::from_name(&header.kind).into_iter().collect();
    lookup::function(context.registry(), &header.integration, &header.function, &kinds).map(drop)
}

async fn replay(
    recorded: &RecordedRun,
    registry: crate::declare::Registry,
    catalogue: crate::provider::Catalogue,
) -> Result<(RunReport, Vec<String>)> {
    let replay = Replay::new(recorded, registry, catalogue).await?;
    let report = replay.run(Arc::new(NoopObserver)).await?;
    Ok((report, replay.differences()))
}
