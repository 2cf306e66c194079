//! `registry runs show`: one run with its log.

use clap::{ArgMatches, Args, FromArgMatches};
use uuid::Uuid;

use crate::{
    cli::{
        Command, CommandError, Context, Exit, Terminal, lookup,
        progress::log_text,
        report,
        table::{pluralized, utc_time},
    },
    error::Error,
    store::{DueRun, Level, LogLine, Run},
    time::format_span,
    wire::{DueRunJson, RunDetail, WireError},
};

/// `registry runs show RUN`
#[derive(Debug)]
pub(super) struct Show;

#[derive(Debug, Args)]
struct Arguments {
    /// Id of the run, as `registry runs list` prints it
    run: String,
    /// Only log lines of this level and above: debug, info, warn or error
    #[arg(long, value_name = "LEVEL", default_value = "debug", value_parser = parse_level)]
    level: Level,
}

fn parse_level(name: &str) -> Result<Level, String> {
    Level::from_name(name).ok_or_else(|| lookup::unknown_name("level", name, &Level::ALL.map(Level::name)))
}

impl Command for Show {
    fn clap(&self) -> clap::Command {
        Arguments::augment_args(clap::Command::new("show").about("Shows a run: counts, error, times and log"))
            .after_help("Example: registry runs show 019ad0c4-8a52-7c1e-9c4f-2f6f0f5f3c11 --level warn")
    }

    fn run(&self, matches: &ArgMatches, context: &mut Context) -> Result<Exit, CommandError> {
        let arguments = Arguments::from_arg_matches(matches)?;
        let Ok(id) = arguments.run.parse::<Uuid>() else {
            return Err(CommandError::usage(format!(
                "`{}` is not the id of a run, such as 019ad0c4-8a52-7c1e-9c4f-2f6f0f5f3c11; `registry runs list` lists \
                 the runs",
                arguments.run
            )));
        };
        let runtime = context.open_existing()?;
        // Before the run: a due run that starts meanwhile is then found as a run.
        let due = context.block_on(runtime.store.due_run(id))?;
        let Some(run) = context.block_on(runtime.store.run(id))? else {
            let Some(due) = due else {
                return Err(CommandError::not_found(format!(
                    "unknown run {id}: it was removed after the time of `delete_runs_after`, or belongs to another \
                     database; `registry runs list` lists the runs of {}",
                    context.config().database_name()
                )));
            };
            context.terminal.json(&DueRunJson::new(&due))?;
            print_due(&mut context.terminal, &due)?;
            return Ok(Exit::Success);
        };
        let mut log = context.block_on(runtime.store.logs(id))?;
        let lines = log.len();
        log.retain(|line| line.level >= arguments.level);
        context.terminal.json(&RunDetail::new(&run, &log))?;
        print(&mut context.terminal, &run, &log, lines)?;
        Ok(Exit::Success)
    }
}

fn print_due(terminal: &mut Terminal, due: &DueRun) -> Result<(), CommandError> {
    terminal.line(report::subject("due", &due.key))?;
    terminal.line(format_args!("due since {} UTC", utc_time(due.due_at)))?;
    if due.is_blocked {
        terminal.line("waits for a run of the same sync, or for the limits of active syncs")?;
    }
    Ok(())
}

/// Prints a run with these lines of its log, of `lines` in total.
fn print(terminal: &mut Terminal, run: &Run, log: &[LogLine], lines: usize) -> Result<(), CommandError> {
    let mut parts = vec![report::subject(run.status.name(), &run.key)];
    parts.extend(report::traffic(&run.totals));
    parts.extend(run.duration().map(format_span));
    terminal.line(parts.join(", "))?;
    let ended = run.finished_at.map(|end| format!(", ended {}", utc_time(end))).unwrap_or_default();
    terminal.line(format_args!("started {}{ended} (UTC)", utc_time(run.started_at)))?;
    report::counts(terminal, &run.totals)?;
    if let Some(error) = &run.error {
        let WireError { r#type, message, .. } = WireError::of(&Error::from_stored(error));
        terminal.line(format_args!("error: {type}: {message}"))?;
    }
    for line in log {
        terminal.line(format_args!("{} {}", utc_time(line.timestamp), log_text(line)))?;
    }
    let hidden = lines.saturating_sub(log.len()) as u64;
    if hidden > 0 {
        terminal.hint(format_args!("{} of lower levels left out", pluralized(hidden, "line")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        cli::terminal::tests::captured_terminal,
        declare::FunctionKind,
        store::{FunctionKey, ModelCounts, RunStatus, Totals},
        time::Timestamp,
    };

    fn key(variant: &str) -> FunctionKey {
        FunctionKey {
            kind: FunctionKind::Sync,
            integration: "github".into(),
            connection: "acme".into(),
            function: "issues".into(),
            variant: variant.into(),
        }
    }

    #[test]
    fn shown_run_has_counts_error_times_and_log() {
        let counts = ModelCounts { added: 2, ..ModelCounts::default() };
        let run = Run {
            id: Uuid::nil(),
            key: key("eu"),
            status: RunStatus::Error,
            started_at: Timestamp::UNIX_EPOCH,
            finished_at: Some(Timestamp::from_micros(1_500_000)),
            totals: Totals { models: [("Issue".to_owned(), counts)].into(), pages: 1, requests: 2, skipped_invalid: 0 },
            error: Some(json!({ "kind": "Http", "message": "GET /x: status 502" })),
        };
        let line = LogLine {
            timestamp: Timestamp::UNIX_EPOCH,
            level: Level::Warn,
            message: "a \u{1b}[31mline".to_owned(),
            fields: json!(null),
        };
        let (mut terminal, out, err) = captured_terminal(false);
        print(&mut terminal, &run, &[line], 3).unwrap();
        for part in [
            "error: sync github/issues of connection acme, variant eu, 1 page, 2 requests, 1.5 s\n",
            "started 1970-01-01 00:00:00, ended 1970-01-01 00:00:01 (UTC)\n",
            "Issue",
            "error: script_http_error: GET /x: status 502\n",
            "1970-01-01 00:00:00  warn  a ",
        ] {
            assert!(out.text().contains(part), "`{part}` in: {}", out.text());
        }
        assert!(!out.text().contains('\u{1b}'), "{}", out.text());
        assert!(err.text().contains("2 lines of lower levels left out"), "{}", err.text());
    }

    #[test]
    fn due_run_is_shown_with_its_reason_to_wait() {
        let due = DueRun { id: Uuid::nil(), key: key("base"), due_at: Timestamp::UNIX_EPOCH, is_blocked: true };
        let (mut terminal, out, _) = captured_terminal(false);
        print_due(&mut terminal, &due).unwrap();
        let expect = "due: sync github/issues of connection acme\ndue since 1970-01-01 00:00:00 UTC\n\
                      waits for a run of the same sync, or for the limits of active syncs\n";
        assert_eq!(out.text(), expect);
    }

    #[test]
    fn unknown_level_lists_the_levels() {
        assert_eq!(parse_level("warn"), Ok(Level::Warn));
        assert!(parse_level("fatal").unwrap_err().contains("`debug`, `info`, `warn` and `error`"));
    }
}
