//! Progress bar and log lines of a run on stderr.

use std::{
    io::Write as _,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::table::number;
use crate::{
    run::Observer,
    store::{Level, LogLine, Totals},
};

/// Observer that draws the progress of runs on a terminal, and prints their log lines from level `info` upwards.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    /// Minimum level of the log lines that are printed.
    level: Level,
    started: Instant,
}

impl Progress {
    /// Creates an observer. Progress is drawn only if `drawn` is set.
    pub fn new(drawn: bool) -> Self {
        let target = if drawn { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
            bar.set_style(style);
        }
        if drawn {
            bar.enable_steady_tick(Duration::from_millis(120));
        }
        Self { bar, level: Level::Info, started: Instant::now() }
    }

    /// Clears the progress bar.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }

    /// Prints warnings and errors only.
    #[must_use]
    pub(super) fn quiet(self) -> Self {
        Self { level: Level::Warn, ..self }
    }

    /// Shows a text in place of the progress of a run.
    pub(super) fn show(&self, text: String) {
        self.bar.set_message(text);
    }

    fn print_line(&self, text: &str) {
        self.bar.suspend(|| {
            // The run continues if stderr is closed.
            let _ = writeln!(std::io::stderr(), "{text}");
        });
    }
}

impl Observer for Progress {
    fn on_commit(&self, totals: &Totals) {
        self.bar.set_message(progress_text(totals, self.started.elapsed()));
    }

    fn on_log(&self, line: &LogLine) {
        if line.level >= self.level {
            self.print_line(&log_text(line));
        }
    }

    fn on_wait(&self, what: &str) {
        if self.level <= Level::Info {
            self.print_line(what);
        }
    }

    fn on_warning(&self, what: &str) {
        self.print_line(what);
    }
}

/// Formats the progress: `3 pages · 1,200 records · 400 records/s`.
fn progress_text(totals: &Totals, elapsed: Duration) -> String {
    let records: u64 =
        totals.models.values().map(|model| model.added + model.updated + model.deleted + model.unchanged).sum();
    let pages = totals.pages;
    let word = if pages == 1 { "page" } else { "pages" };
    let rate = u128::from(records) * 1000 / elapsed.as_millis().max(1);
    let rate = number(u64::try_from(rate).unwrap_or(u64::MAX));
    format!("{} {word} · {} records · {rate} records/s", number(pages), number(records))
}

/// Formats a line of a log: level, message and fields.
pub(super) fn log_text(line: &LogLine) -> String {
    let level = line.level.name();
    if line.fields.is_null() {
        format!("{level:>5}  {}", line.message)
    } else {
        format!("{level:>5}  {} {}", line.message, line.fields)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{store::ModelCounts, time::Timestamp};

    #[test]
    fn progress_text_shows_pages_records_and_rate() {
        let counts = ModelCounts { added: 1000, unchanged: 200, ..ModelCounts::default() };
        let totals =
            Totals { models: [("Issue".to_owned(), counts)].into(), pages: 3, requests: 3, skipped_invalid: 0 };
        assert_eq!(progress_text(&totals, Duration::from_secs(3)), "3 pages · 1,200 records · 400 records/s");
        let none = progress_text(&Totals { pages: 1, ..Totals::default() }, Duration::ZERO);
        assert_eq!(none, "1 page · 0 records · 0 records/s");
    }

    #[test]
    fn log_fields_follow_message() {
        let line =
            |fields| LogLine { timestamp: Timestamp::UNIX_EPOCH, level: Level::Warn, message: "slow".into(), fields };
        assert_eq!(log_text(&line(json!(null))), " warn  slow");
        assert_eq!(log_text(&line(json!({ "ms": 5 }))), " warn  slow {\"ms\":5}");
    }
}
