//! Reports of runs, in human form and as JSON.

use std::time::Duration;

use comfy_table::Table;

use super::{
    CommandError, Exit, Terminal,
    lookup::shell_quoted,
    record_table, remedy,
    table::{count, number, pluralized, table},
};
use crate::{
    declare::FunctionKind,
    error::{Error, ErrorKind},
    nango::{DeferredDeletes, ParentCounts},
    run::{DryRecords, RunReport},
    store::{BASE_VARIANT, FunctionKey, HeldBy, NextFullRun, RunStatus, Totals},
    time::format_span,
    wire::{RunJson, WireError, micros},
};

/// Minimum wait for rate limits that is reported.
const MIN_REPORTED_WAIT: Duration = Duration::from_millis(500);

/// Prints a report and the reports of the runs that it triggered. Returns the exit status: that of the first run that
/// was not successful.
///
/// # Errors
///
/// Fails if the output cannot be written.
pub(crate) fn print(terminal: &mut Terminal, report: &RunReport) -> Result<Exit, CommandError> {
    terminal.json(&RunJson::new(report))?;
    print_human(terminal, report)
}

/// Returns a report as the JSON document that [`print`] prints.
///
/// # Errors
///
/// Fails if the report cannot be serialized.
pub(super) fn document(report: &RunReport) -> Result<serde_json::Value, CommandError> {
    serde_json::to_value(RunJson::new(report))
        .map_err(|error| CommandError::failed(format!("cannot write the report as JSON: {error}")))
}

fn print_human(terminal: &mut Terminal, report: &RunReport) -> Result<Exit, CommandError> {
    summary(terminal, report)?;
    if report.status == RunStatus::Success {
        print_hint(terminal, report);
    }
    let mut exit = Exit::from_run_status(report.status);
    for triggered in &report.triggered {
        terminal.line("")?;
        let next = match &triggered.outcome {
            Ok(report) => print_human(terminal, report)?,
            Err(error) => print_start_failure(terminal, &report.key.integration, &triggered.sync, error)?,
        };
        if exit == Exit::Success {
            exit = next;
        }
    }
    Ok(exit)
}

/// Prints the error of a triggered sync that could not start.
///
/// The exit status is that of a failed run, whatever the cause was. The exit codes for usage and setup errors describe
/// the function that the command ran, not the sync that it triggered.
fn print_start_failure(
    terminal: &mut Terminal,
    integration: &str,
    sync: &str,
    error: &Error,
) -> Result<Exit, CommandError> {
    terminal.line(format_args!("error: {} {integration}/{sync} could not start", FunctionKind::Sync.name()))?;
    terminal.note(format_args!("error: {}: {}", WireError::of(error).r#type, remedy::message(error)));
    Ok(if error.kind() == ErrorKind::Interrupted { Exit::Interrupted } else { Exit::Failed })
}

/// Prints one report in human form, without the next step. With `--json`, it prints only an error, to stderr.
///
/// # Errors
///
/// Fails if the output cannot be written.
pub fn summary(terminal: &mut Terminal, report: &RunReport) -> Result<(), CommandError> {
    terminal.line(headline(report))?;
    counts(terminal, &report.totals)?;
    if let Some(ParentCounts { walked, skipped }) = report.findings.parents {
        let skipped = if skipped > 0 { format!(", {} skipped", number(skipped)) } else { String::new() };
        terminal.line(format_args!("{} walked{skipped}", pluralized(walked, "parent")))?;
    }
    if let Some(end) = &report.findings.walk {
        let shifted = if end.shifted { "; records moved between pages" } else { "" };
        terminal.line(format_args!("walk {}{shifted}", end.outcome))?;
    }
    for (model, waiting) in &report.findings.deferred_deletes {
        terminal.line(format_args!("{model}: {}", waiting_text(waiting)))?;
    }
    if let Some(output) = &report.output {
        terminal.line(format_args!("{output:#}"))?;
    }
    if let Some(checkpoint) = &report.checkpoint {
        terminal.line(format_args!("checkpoint {checkpoint}"))?;
    }
    for (model, DryRecords { total, first }) in report.dry_records.iter().flatten() {
        let shown = first.len() as u64;
        let cut = if shown < *total { format!("; the first {}:", number(shown)) } else { String::new() };
        terminal.line(format_args!("{model}: {} would change{cut}", pluralized(*total, "record")))?;
        if !first.is_empty() {
            let rows = record_table(first, terminal.width());
            terminal.line(rows)?;
        }
    }
    if let Some(error) = &report.error {
        print_failure(terminal, report, error);
    }
    Ok(())
}

/// Prints the counters of the models, and the number of skipped records.
pub(super) fn counts(terminal: &mut Terminal, totals: &Totals) -> Result<(), CommandError> {
    if !totals.models.is_empty() {
        let rows = counts_table(totals, terminal.width());
        terminal.line(rows)?;
    }
    if totals.skipped_invalid > 0 {
        let invalid = pluralized(totals.skipped_invalid, "record");
        terminal.line(format_args!("skipped: {invalid} that the model does not accept"))?;
    }
    Ok(())
}

/// Returns the pending deletes of a model, with the reasons and the time of the next full run (UTC).
pub(super) fn waiting_text(waiting: &DeferredDeletes) -> String {
    let mut parts = Vec::new();
    if waiting.held > 0 {
        let why = match waiting.held_by {
            Some(HeldBy::MaxDeletes) => "more records are missing than `max_deletes` allows",
            _ => "the list is empty, or more than half of the records are missing",
        };
        parts.push(format!("{} held ({why}; --allow-deletes releases them)", pluralized(waiting.held, "delete")));
    }
    if waiting.unconfirmed > 0 {
        parts.push(format!("{} not confirmed yet", pluralized(waiting.unconfirmed, "delete")));
    }
    parts.push(match waiting.next_full {
        NextFullRun::Regular => "the next regular full run decides".to_owned(),
        NextFullRun::NextRun => "the next run reads the whole list".to_owned(),
        NextFullRun::NotBefore(at) => format!("a run after {} reads the whole list", micros(at)),
    });
    parts.join(", ")
}

fn counts_table(totals: &Totals, width: Option<u16>) -> Table {
    let models = &totals.models;
    let skipped = models.values().any(|counts| counts.skipped_newer > 0);
    let older = models.values().any(|counts| counts.skipped_older > 0);
    let mut headings = vec!["model", "added", "updated", "deleted", "unchanged"];
    headings.extend(skipped.then_some("skipped (newer)"));
    headings.extend(older.then_some("skipped (older)"));
    let mut rows = table(&headings, width);
    for (model, counts) in models {
        let mut row = vec![model.into()];
        row.extend([counts.added, counts.updated, counts.deleted, counts.unchanged].map(count));
        row.extend(skipped.then(|| count(counts.skipped_newer)));
        row.extend(older.then(|| count(counts.skipped_older)));
        rows.add_row(row);
    }
    rows
}

/// Returns the first line: `success: sync github/issues of connection acme, 2 pages, 3 requests, 0.4 s`.
pub(crate) fn headline(report: &RunReport) -> String {
    let mut parts = vec![subject(report.status.name(), &report.key)];
    parts.extend(report.dry_records.as_ref().map(|_| "dry run".to_owned()));
    parts.extend(traffic(&report.totals));
    parts.push(format_span(report.duration));
    let waited = report.waited >= MIN_REPORTED_WAIT;
    parts.extend(waited.then(|| format!("including {} of waiting for rate limits", format_span(report.waited))));
    parts.join(", ")
}

/// Returns a status and the function of a run: `success: sync github/issues of connection acme`.
pub(super) fn subject(status: &str, key: &FunctionKey) -> String {
    let FunctionKey { kind, integration, connection, function, variant } = key;
    let variant = if variant == BASE_VARIANT { String::new() } else { format!(", variant {variant}") };
    format!("{status}: {} {integration}/{function} of connection {connection}{variant}", kind.name())
}

/// Returns the numbers of pages and requests of a run that are not zero.
pub(super) fn traffic(totals: &Totals) -> impl Iterator<Item = String> {
    [(totals.pages, "page"), (totals.requests, "request")]
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, one)| pluralized(number, one))
}

fn print_failure(terminal: &mut Terminal, report: &RunReport, error: &Error) {
    if report.status == RunStatus::Interrupted {
        terminal.note("interrupted: committed pages are kept");
    } else {
        let WireError { r#type, payload, .. } = WireError::of(error);
        terminal.note(format_args!("error: {type}: {}", remedy::message(error)));
        if let (FunctionKind::Action, Some(payload)) = (report.key.kind, payload) {
            terminal.note(format_args!("payload: {payload}"));
        }
    }
    if report.resumable {
        terminal.note("The next run resumes there.");
    }
}

fn print_hint(terminal: &mut Terminal, report: &RunReport) {
    let key = &report.key;
    if report.dry_records.is_some() {
        terminal.hint(match key.kind {
            FunctionKind::Sync => "Nothing was stored. Run it without --dry-run to store the records.",
            _ => "Nothing was stored here, but requests were sent to the provider.",
        });
        return;
    }
    if key.kind == FunctionKind::Sync
        && let Some(model) = report.totals.models.keys().next()
    {
        let variant = if key.variant == BASE_VARIANT {
            String::new()
        } else {
            format!(" --variant {}", shell_quoted(&key.variant))
        };
        terminal.hint(format_args!(
            "Show them: registry records {} {model} --connection {}{variant}",
            key.integration,
            shell_quoted(&key.connection)
        ));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::*;
    use crate::{
        cli::{record_table::tests::row as record_row, terminal::tests::captured_terminal},
        error::ActionError,
        run::TriggeredSync,
        store::ModelCounts,
        time::Timestamp,
    };

    fn report(kind: FunctionKind, status: RunStatus) -> RunReport {
        RunReport {
            run: Uuid::nil(),
            key: FunctionKey {
                kind,
                integration: "github".into(),
                connection: "acme".into(),
                function: "issues".into(),
                variant: "base".into(),
            },
            status,
            totals: Totals::default(),
            findings: crate::nango::RunFindings::default(),
            checkpoint: None,
            resumable: false,
            output: None,
            error: None,
            started_at: Timestamp::UNIX_EPOCH,
            duration: Duration::from_millis(1_450),
            waited: Duration::ZERO,
            dry_records: None,
            triggered: Vec::new(),
        }
    }

    #[test]
    fn report_of_a_sync_with_parents_has_their_numbers() {
        let check = |walked, skipped, expect: &str| {
            let (mut terminal, out, _) = captured_terminal(false);
            let parents = Some(ParentCounts { walked, skipped });
            let findings = crate::nango::RunFindings { parents, ..crate::nango::RunFindings::default() };
            let done = RunReport { findings, ..report(FunctionKind::Sync, RunStatus::Success) };
            print(&mut terminal, &done).unwrap();
            assert!(out.text().contains(expect), "{}", out.text());
        };
        check(1_200, 0, "\n1,200 parents walked\n");
        check(1, 3, "\n1 parent walked, 3 skipped\n");
    }

    #[test]
    fn sync_report_has_counts_table_and_hint() {
        let counts = ModelCounts { added: 1_200, ..ModelCounts::default() };
        let totals =
            Totals { models: [("Issue".to_owned(), counts)].into(), pages: 2, requests: 1, skipped_invalid: 3 };
        let (mut terminal, out, err) = captured_terminal(false);
        let done = RunReport { totals, ..report(FunctionKind::Sync, RunStatus::Success) };
        assert_eq!(print(&mut terminal, &done), Ok(Exit::Success));
        assert!(
            out.text().starts_with("success: sync github/issues of connection acme, 2 pages, 1 request, 1.4 s\n"),
            "{}",
            out.text()
        );
        assert!(out.text().contains("1,200"), "{}", out.text());
        let slow = RunReport { waited: Duration::from_millis(1_200), ..report(FunctionKind::Sync, RunStatus::Success) };
        assert!(
            headline(&slow).ends_with(", 1.4 s, including 1.2 s of waiting for rate limits"),
            "{}",
            headline(&slow)
        );
        assert!(!out.text().contains("newer"), "{}", out.text());
        assert!(out.text().ends_with("\nskipped: 3 records that the model does not accept\n"), "{}", out.text());
        assert_eq!(err.text(), "Show them: registry records github Issue --connection acme\n");
    }

    #[test]
    fn failed_action_prints_payload_on_stderr() {
        let (mut terminal, out, err) = captured_terminal(false);
        let error = Error::from(ActionError::new(json!({ "message": "no title", "field": "title" })));
        let failed = RunReport { error: Some(error), ..report(FunctionKind::Action, RunStatus::Error) };
        assert_eq!(print(&mut terminal, &failed), Ok(Exit::Failed));
        assert!(out.text().starts_with("error: action github/issues"), "{}", out.text());
        assert_eq!(
            err.text(),
            "error: action_script_runtime_error: no title\npayload: {\"message\":\"no title\",\"field\":\"title\"}\n"
        );
    }

    #[test]
    fn interrupted_run_exits_130_with_one_document() {
        let (mut terminal, out, err) = captured_terminal(true);
        let error = Some(Error::new(ErrorKind::Interrupted, "stopped"));
        let stopped = RunReport { error, resumable: true, ..report(FunctionKind::Sync, RunStatus::Interrupted) };
        assert_eq!(print(&mut terminal, &stopped), Ok(Exit::Interrupted));
        let document: Value = serde_json::from_str(&out.text()).unwrap();
        assert_eq!(document["status"], "interrupted");
        assert!(err.text().ends_with("The next run resumes there.\n"), "{}", err.text());
    }

    #[test]
    fn failed_triggered_run_fails_process() {
        let (mut terminal, out, _) = captured_terminal(false);
        let failed = RunReport { error: Some(Error::msg("x")), ..report(FunctionKind::Sync, RunStatus::Error) };
        let triggered = vec![TriggeredSync { sync: "issues".into(), outcome: Ok(failed) }];
        let action_report = RunReport {
            output: Some(json!({ "a": 1 })),
            triggered,
            ..report(FunctionKind::Action, RunStatus::Success)
        };
        assert_eq!(print(&mut terminal, &action_report), Ok(Exit::Failed));
        assert!(out.text().contains("{\n  \"a\": 1\n}\n\nerror: sync github/issues"), "{}", out.text());
    }

    #[test]
    fn triggered_run_that_cannot_start_is_reported_after_result() {
        let (mut terminal, out, err) = captured_terminal(false);
        let triggered = vec![TriggeredSync { sync: "labels".into(), outcome: Err(Error::msg("no such sync")) }];
        let action_report = RunReport { triggered, ..report(FunctionKind::Action, RunStatus::Success) };
        assert_eq!(print(&mut terminal, &action_report), Ok(Exit::Failed));
        let text = out.text();
        assert!(
            text.starts_with("success: action") && text.ends_with("\n\nerror: sync github/labels could not start\n"),
            "{text}"
        );
        assert_eq!(err.text(), "error: script_internal_error: no such sync\n");
    }

    #[test]
    fn dry_run_reports_record_total() {
        let text = |total| {
            let (mut terminal, out, _) = captured_terminal(false);
            let first = vec![record_row("1", r#"{"id":1}"#)];
            let dry = Some([("Issue".to_owned(), DryRecords { total, first })].into());
            print(&mut terminal, &RunReport { dry_records: dry, ..report(FunctionKind::Sync, RunStatus::Success) })
                .unwrap();
            out.text().lines().nth(1).unwrap_or_default().to_owned()
        };
        assert_eq!(text(1), "Issue: 1 record would change");
        assert_eq!(text(13_000), "Issue: 13,000 records would change; the first 1:");
    }
}
