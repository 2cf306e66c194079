//! `registry doctor`: checks the configuration, the database and the schedules, and names the next step for each
//! problem.

mod database;
mod settings;

use clap::ArgMatches;
use serde::Serialize;

use super::{Command, CommandError, Context, Exit, Terminal, table::pluralized};

/// Name of the command.
pub(super) const NAME: &str = "doctor";

/// Command `registry doctor`, which checks the setup.
#[derive(Debug)]
pub(super) struct Doctor;

/// Result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Ok,
    Warning,
    Error,
}

/// Result of one check, with the next step if there is a problem. It has no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Finding {
    check: &'static str,
    status: Status,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_step: Option<String>,
}

/// Results of all checks, as JSON.
#[derive(Debug, Serialize)]
struct Report<'a> {
    ok: bool,
    checks: &'a [Finding],
}

impl Status {
    /// Returns the word that begins a line.
    const fn label(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl Finding {
    fn ok(check: &'static str, message: impl Into<String>) -> Self {
        Self { check, status: Status::Ok, message: message.into(), next_step: None }
    }

    fn warning(check: &'static str, message: impl Into<String>, next_step: impl Into<String>) -> Self {
        Self { check, status: Status::Warning, message: message.into(), next_step: Some(next_step.into()) }
    }

    /// Returns a problem whose message contains the next step.
    fn error(check: &'static str, message: impl Into<String>) -> Self {
        Self { check, status: Status::Error, message: message.into(), next_step: None }
    }
}

impl Command for Doctor {
    fn clap(&self) -> clap::Command {
        clap::Command::new(NAME)
            .about("Checks the configuration, the database and the schedules, with the next step for each problem")
            .long_about(
                "Checks the configuration, the providers, the apps of integrations, the encryption key, the database \
                 with its files and its clock, the serving process, connections and schedules.\n\n\
                 Each check is one line: ok, warning or error, with the next step. The exit code is 1 if there is an \
                 error. An unavailable database is one of the errors. Like every command, it migrates a database of \
                 an older version when it opens it.",
            )
            .after_help("Example: registry doctor --json")
    }

    fn run(&self, _: &ArgMatches, context: &mut Context) -> Result<Exit, CommandError> {
        let functions = context.registry().entries().len() as u64;
        let integrations = context.registry().integrations().len() as u64;
        let message = format!(
            "the settings are valid; the program has {} of {}",
            pluralized(functions, "function"),
            pluralized(integrations, "integration")
        );
        let mut findings = vec![Finding::ok("configuration", message)];
        findings.extend(settings::check(context));
        findings.extend(database::check(context));
        print(&mut context.terminal, &findings)
    }
}

/// Prints the report of a configuration that cannot be used. The other checks need one.
pub(super) fn report_unusable(terminal: &mut Terminal, error: &CommandError) -> Result<Exit, CommandError> {
    print(terminal, &[Finding::error("configuration", error.to_string())])
}

fn print(terminal: &mut Terminal, findings: &[Finding]) -> Result<Exit, CommandError> {
    let number = |status| findings.iter().filter(|finding| finding.status == status).count() as u64;
    let (errors, warnings) = (number(Status::Error), number(Status::Warning));
    terminal.json(&Report { ok: errors == 0, checks: findings })?;
    for Finding { check, status, message, next_step } in findings {
        terminal.line(format_args!("{:<8} {check}: {message}", status.label()))?;
        if let Some(next) = next_step {
            terminal.line(format_args!("{:<8} next step: {next}", ""))?;
        }
    }
    terminal.line(format_args!("{}, {}", pluralized(errors, "error"), pluralized(warnings, "warning")))?;
    Ok(if errors == 0 { Exit::Success } else { Exit::Failed })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::terminal::tests::captured_terminal;

    #[test]
    fn errors_determine_the_exit_code_and_warnings_have_a_next_step() {
        let warning = Finding::warning("server", "no process serves the database", "run it");
        let (mut terminal, out, _) = captured_terminal(false);
        let findings = [Finding::ok("database", "responds"), warning.clone()];
        assert_eq!(print(&mut terminal, &findings), Ok(Exit::Success));
        assert_eq!(
            out.text(),
            "ok       database: responds\nwarning  server: no process serves the database\n         next step: run \
             it\n0 errors, 1 warning\n"
        );
        let (mut terminal, out, _) = captured_terminal(true);
        let findings = [warning, Finding::error("database", "refused: start it")];
        assert_eq!(print(&mut terminal, &findings), Ok(Exit::Failed));
        let json: serde_json::Value = serde_json::from_str(&out.text()).unwrap();
        assert_eq!((&json["ok"], &json["checks"][1]["status"]), (&false.into(), &"error".into()));
    }
}
