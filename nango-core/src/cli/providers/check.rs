//! `registry providers check`: validates provider entries without sending a request.

use clap::{ArgMatches, Args, FromArgMatches};

use crate::{
    cli::{
        Command, CommandError, Context, Exit,
        table::{number, pluralized, table},
    },
    wire::ProviderCheckJson,
};

/// Command `registry providers check`.
#[derive(Debug)]
pub(super) struct Check;

#[derive(Debug, Args)]
struct Arguments {
    /// Exits with code 1 if a provider cannot be used
    #[arg(long)]
    strict: bool,
}

impl Command for Check {
    fn clap(&self) -> clap::Command {
        let about = "Checks which providers can be used: those of --providers FILE, or the built-in ones";
        Arguments::augment_args(clap::Command::new("check").about(about)).after_help(
            "A provider can be used if its entry is valid, connections support its credentials, and its URLs and \
             headers contain no unknown variables. No request is sent.\n\nExample: registry providers check \
             --providers own.yaml --strict",
        )
    }

    fn run(&self, matches: &ArgMatches, context: &mut Context) -> Result<Exit, CommandError> {
        let arguments = Arguments::from_arg_matches(matches)?;
        let check = context.catalogue().check();
        let terminal = &mut context.terminal;
        terminal.json(&ProviderCheckJson::new(&check))?;
        if !check.problems.is_empty() {
            let mut shown = table(&["provider", "cannot be used because"], terminal.width());
            for problem in &check.problems {
                shown.add_row([&problem.provider, &problem.reason]);
            }
            terminal.line(shown)?;
        }
        for warning in &check.warnings {
            terminal.note(format_args!("warning: {}: {}", warning.provider, warning.reason));
        }
        let usable = number(check.usable as u64);
        terminal.line(format_args!("{usable} of {} can be used", pluralized(check.total as u64, "provider")))?;
        let facts = check.facts;
        terminal.line(format_args!(
            "facts: {} machine-checked, {} with a source read, {} unconfirmed; {} unconfirmed",
            number(facts.machine_checked as u64),
            number(facts.source_read as u64),
            number(facts.unconfirmed as u64),
            pluralized(facts.keys_unconfirmed as u64, "key")
        ))?;
        let refuses = arguments.strict && !check.problems.is_empty();
        Ok(if refuses { Exit::Failed } else { Exit::Success })
    }
}
