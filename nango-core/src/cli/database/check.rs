//! `registry database check`

use clap::{ArgMatches, Args, FromArgMatches};

use crate::{
    cli::{
        Command, CommandError, Context, Exit,
        database::human_size,
        table::{count, pluralized, table, truncated},
    },
    wire::CheckJson,
};

/// `registry database check [--repair]`
#[derive(Debug)]
pub(super) struct Check;

#[derive(Debug, Args)]
struct Arguments {
    /// Mends what follows from what is stored; never makes content up
    #[arg(long)]
    repair: bool,
}

impl Command for Check {
    fn clap(&self) -> clap::Command {
        let about = "Looks for whatever contradicts itself, while others go on; exit code 1 if something is left";
        Arguments::augment_args(clap::Command::new("check").about(about))
    }

    fn run(&self, matches: &ArgMatches, context: &mut Context) -> Result<Exit, CommandError> {
        let arguments = Arguments::from_arg_matches(matches).map_err(|error| CommandError::usage(error.to_string()))?;
        let runtime = context.open_existing()?;
        let report = context.block_on(runtime.store.check(arguments.repair))?;
        let terminal = &mut context.terminal;
        terminal.json(&CheckJson::new(&report))?;
        if !report.findings.is_empty() {
            let mut shown = table(&["problem", "where", "rows", "mended", "for example"], terminal.width());
            for finding in &report.findings {
                shown.add_row([
                    finding.problem.name().into(),
                    finding.location.clone().into(),
                    count(finding.count),
                    count(finding.repaired),
                    truncated(&finding.example, 100).into(),
                ]);
            }
            terminal.line(shown)?;
        }
        let looked = format!(
            "{} in {} ({})",
            pluralized(report.records, "record"),
            pluralized(report.datasets, "dataset"),
            human_size(report.bytes)
        );
        for finding in &report.findings {
            match finding.problem.repair() {
                Some(repair) if finding.repaired > 0 => {
                    terminal.line(format_args!("{} ({}): {repair}", finding.problem.name(), finding.location))?;
                }
                _ => {}
            }
            if finding.repaired < finding.count {
                let advice = finding.problem.advice();
                terminal.line(format_args!("{} ({}) is left: {advice}", finding.problem.name(), finding.location))?;
            }
        }
        for (key, payloads) in &report.undecrypted {
            terminal.line(format_args!(
                "{} not looked into: sealed with the key {key}, which this process was not given",
                pluralized(*payloads, "payload")
            ))?;
        }
        let sound = report.is_sound();
        let end = if report.findings.is_empty() {
            "all sound"
        } else if sound {
            "sound now"
        } else {
            "not sound"
        };
        terminal.line(format_args!("{looked}: {end}"))?;
        Ok(if sound { Exit::Success } else { Exit::Failed })
    }
}
