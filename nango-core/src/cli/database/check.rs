//! `registry database check`: consistency check and repair of the database.

use clap::{ArgMatches, Args, FromArgMatches};

use crate::{
    cli::{
        Command, CommandError, Context, Exit, remedy,
        table::{count, human_size, pluralized, table, truncated},
    },
    wire::CheckJson,
};

/// `registry database check [--repair]`
#[derive(Debug)]
pub(super) struct Check;

#[derive(Debug, Args)]
struct Arguments {
    /// Repairs what can be derived from stored data; never invents content
    #[arg(long)]
    repair: bool,
}

impl Command for Check {
    fn clap(&self) -> clap::Command {
        let about = "Checks the database for inconsistencies, while it is in use; exits with code 1 if problems remain";
        Arguments::augment_args(clap::Command::new("check").about(about))
            .after_help("Example: registry database check --repair")
    }

    fn run(&self, matches: &ArgMatches, context: &mut Context) -> Result<Exit, CommandError> {
        let arguments = Arguments::from_arg_matches(matches)?;
        let runtime = context.open_existing()?;
        let report = context.block_on(runtime.store.check(arguments.repair))?;
        let terminal = &mut context.terminal;
        terminal.json(&CheckJson::new(&report, remedy::advice))?;
        if !report.findings.is_empty() {
            let mut shown = table(&["problem", "location", "rows", "repaired", "example"], terminal.width());
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
        let checked = format!(
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
                let advice = remedy::advice(&finding.problem.remedy());
                terminal.line(format_args!("{} ({}) remains: {advice}", finding.problem.name(), finding.location))?;
            }
        }
        for (key, payloads) in &report.undecrypted {
            terminal.line(format_args!(
                "{} not checked: sealed with the key {key}, which is not in the key ring of this process",
                pluralized(*payloads, "payload")
            ))?;
        }
        let sound = report.is_sound();
        let end = if report.findings.is_empty() {
            "no problems"
        } else if sound {
            "all problems repaired"
        } else {
            "problems remain"
        };
        terminal.line(format_args!("{checked}: {end}"))?;
        Ok(if sound { Exit::Success } else { Exit::Failed })
    }
}
