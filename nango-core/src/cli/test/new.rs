//! `registry test new`: writes the test that replays a recorded run.

mod place;
mod text;

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use clap::{ArgMatches, Args, FromArgMatches};

use self::place::Place;
use crate::{
    cli::{Command, CommandError, Context, Exit, lookup, replay},
    declare::FunctionKind,
    wire::NewTestJson,
};

/// `registry test new <integration> <function> --from FILE`
#[derive(Debug)]
pub(super) struct New;

#[derive(Debug, Args)]
struct Arguments {
    /// Name of the integration
    integration: String,
    /// Name of the function
    function: String,
    /// Recording that the test replays, in the package of the function
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
}

impl Command for New {
    fn clap(&self) -> clap::Command {
        let about = "Writes the test that replays a recorded run and compares its counts";
        Arguments::augment_args(clap::Command::new("new").about(about)).after_help(
            "Example: registry test new github repo-issues --from integrations/tests/recordings/repo-issues.jsonl",
        )
    }

    fn run(&self, matches: &ArgMatches, context: &mut Context) -> Result<Exit, CommandError> {
        let arguments = Arguments::from_arg_matches(matches)?;
        let recorded = replay::open(&arguments.from)?;
        let header = &recorded.header;
        let kinds: Vec<FunctionKind> = FunctionKind::from_name(&header.kind).into_iter().collect();
        let entry = lookup::function(context.registry(), &arguments.integration, &arguments.function, &kinds)?;
        if (entry.integration(), entry.name()) != (header.integration.as_str(), header.function.as_str()) {
            return Err(CommandError::usage(format!(
                "--from: {} is of {} `{}/{}`",
                arguments.from.display(),
                header.kind,
                header.integration,
                header.function
            )));
        }
        let Some(report) = &recorded.report else {
            return Err(CommandError::failed(format!(
                "{} ended early and has no report: record the run again",
                arguments.from.display()
            )));
        };
        let place = Place::find(&entry.at(), &arguments.from)?;
        let text = text::test(&place, report);
        write(&place, &text)?;
        let here = std::env::current_dir().unwrap_or_default();
        let shown = |path: &Path| path.strip_prefix(&here).unwrap_or(path).display().to_string();
        let (file, module, declare_in) = (shown(&place.file), &place.module, shown(&place.source));
        context.terminal.json(&NewTestJson { file: &file, module, declare_in: &declare_in })?;
        context.terminal.line(format_args!("wrote {file}"))?;
        context.terminal.line(format_args!("Add to {declare_in}, so that cargo finds it:"))?;
        context.terminal.line(format_args!("  #[cfg(test)]\n  mod {module};"))?;
        Ok(Exit::Success)
    }
}

/// Writes the file, which must not exist.
fn write(place: &Place, text: &str) -> Result<(), CommandError> {
    let failed = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => CommandError::usage(format!(
            "{} exists and is not overwritten: remove it, or rename the recording, whose name is the name of the test",
            place.file.display()
        )),
        _ => CommandError::failed(format!("{} cannot be written: {error}", place.file.display())),
    };
    if let Some(folder) = place.file.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut file = fs::OpenOptions::new().write(true).create_new(true).open(&place.file).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)
}
