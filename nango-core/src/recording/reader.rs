//! Reader of recordings.

use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    path::Path,
    sync::Arc,
};

use memchr::memmem;
use serde_json::Value;
use zeroize::Zeroizing;

use super::{
    clock::ReplayClock,
    format::{CredentialsOutcome, End, Exchange, FORMAT, Header, Line, Random},
    mask::PREFIX,
    rows::from_rows,
};
use crate::{
    error::{Error, ErrorKind, register_layer_error},
    redact::{Redactor, without_value},
    store::{Chunk, RunStatus},
};

/// Maximum number of placeholders that a replay redacts.
const MAX_PLACEHOLDERS: usize = 1_000;

/// A recording that was read.
#[derive(Debug)]
pub(crate) struct RecordedRun {
    pub(crate) header: Header,
    /// Stored rows from which the run started.
    pub(crate) rows: Vec<Chunk>,
    /// Report of the run; `None` if the recording ended early.
    pub(crate) report: Option<Value>,
    /// Exchanges, each with the number of its line.
    pub(super) exchanges: Vec<(usize, Exchange)>,
    pub(super) outcomes: Vec<CredentialsOutcome>,
    random: Vec<Random>,
    /// Greatest number of a placeholder.
    placeholders: usize,
}

/// Error of a file that is not a recording, or is damaged.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecordingError {
    /// The file cannot be read.
    #[error("the recording cannot be read")]
    Io(#[source] io::Error),
    /// The first line does not describe a run.
    #[error("the file is not a recording: its first line does not describe a run")]
    NotARecording,
    /// The file was written by a later version.
    #[error("the recording has format {found}, and this program reads formats up to {FORMAT}: update the program")]
    Format {
        /// Format of the file.
        found: u64,
    },
    /// A line has another form.
    #[error("line {line} of the recording is damaged: {reason}")]
    Line {
        /// Number of the line.
        line: usize,
        /// Reason why it cannot be read.
        reason: String,
    },
}

register_layer_error!(RecordingError);

impl RecordingError {
    /// Converts this into the error that functions receive.
    pub(crate) fn into_error(self) -> Error {
        Error::new(ErrorKind::Internal, self)
    }
}

impl RecordedRun {
    /// Reads a recording. One that ended early has no report.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be read, is not a recording, was written by a later version, or is damaged.
    pub(crate) fn open(path: &Path) -> Result<Self, RecordingError> {
        Self::read(BufReader::new(File::open(path).map_err(RecordingError::Io)?))
    }

    /// Reads a recording like [`open`](Self::open).
    pub(super) fn read(mut text: impl BufRead) -> Result<Self, RecordingError> {
        let mut run: Option<Self> = None;
        let mut bytes = Vec::new();
        for number in 1.. {
            bytes.clear();
            if text.read_until(b'\n', &mut bytes).map_err(RecordingError::Io)? == 0 {
                break;
            }
            let is_complete = bytes.last() == Some(&b'\n');
            if bytes.trim_ascii().is_empty() {
                continue;
            }
            let line = match serde_json::from_slice::<Line>(&bytes) {
                Ok(line) => line,
                Err(_) if run.is_none() => return Err(unreadable_start(&bytes)),
                // The process stopped while it wrote its last line.
                Err(_) if !is_complete => break,
                Err(error) => {
                    return Err(RecordingError::Line { line: number, reason: without_value(&error, &Value::Null) });
                }
            };
            match (&mut run, line) {
                (None, Line::Recording(header)) if header.format > FORMAT => {
                    return Err(RecordingError::Format { found: header.format.into() });
                }
                (None, Line::Recording(header)) => {
                    run = Some(Self { placeholders: greatest_placeholder(&bytes), ..Self::new(*header) });
                }
                (None, _) => return Err(RecordingError::NotARecording),
                (Some(run), line) => {
                    run.placeholders = run.placeholders.max(greatest_placeholder(&bytes));
                    run.add(number, line).map_err(|reason| RecordingError::Line { line: number, reason })?;
                }
            }
        }
        run.ok_or(RecordingError::NotARecording)
    }

    fn new(header: Header) -> Self {
        let (rows, exchanges, outcomes, random) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { header, rows, report: None, exchanges, outcomes, random, placeholders: 0 }
    }

    fn add(&mut self, number: usize, line: Line) -> Result<(), String> {
        if self.report.is_some() {
            return Err("it follows the report, which is the last line".to_owned());
        }
        match line {
            Line::Recording(_) => return Err("it is the first line of a second recording".to_owned()),
            Line::Rows(rows) => self.rows.push(from_rows(&rows)?),
            Line::Exchange(exchange) => self.exchanges.push((number, *exchange)),
            Line::Credentials(outcome) => self.outcomes.push(outcome),
            Line::Random(random) => self.random.push(random),
            Line::End(End { report }) => self.report = Some(report),
        }
        Ok(())
    }

    /// Returns the clock of a replay.
    pub(crate) fn clock(&self) -> Arc<ReplayClock> {
        Arc::new(ReplayClock::new(self.header.started_at, &self.random))
    }

    /// Returns a redactor of the placeholders, so that a text of the replay has `***` where the recorded run had it.
    pub(super) fn redactor(&self) -> Redactor {
        Redactor::new((1..=self.placeholders).map(|number| Zeroizing::new(format!("{PREFIX}{number}_"))))
    }

    /// Returns whether the recorded run was successful. `false` if the recording ended early.
    pub(super) fn has_succeeded(&self) -> bool {
        self.report.as_ref().is_some_and(|report| report["status"] == RunStatus::Success.name())
    }

    /// Returns the number of recorded exchanges.
    pub(crate) fn exchange_count(&self) -> usize {
        self.exchanges.len()
    }
}

/// Returns the greatest number of a placeholder in a text, at most [`MAX_PLACEHOLDERS`].
fn greatest_placeholder(text: &[u8]) -> usize {
    let numbers = memmem::find_iter(text, PREFIX).filter_map(|at| {
        let digits = text[at + PREFIX.len()..].iter().take_while(|byte| byte.is_ascii_digit());
        digits.copied().map(char::from).collect::<String>().parse::<usize>().ok()
    });
    numbers.filter(|number| *number <= MAX_PLACEHOLDERS).max().unwrap_or(0)
}

/// Returns the error of a file whose first line cannot be read.
fn unreadable_start(line: &[u8]) -> RecordingError {
    let start: Value = serde_json::from_slice(line).unwrap_or_default();
    match (start["line"].as_str(), start["format"].as_u64()) {
        (Some("recording"), Some(found)) if found > u64::from(FORMAT) => RecordingError::Format { found },
        _ => RecordingError::NotARecording,
    }
}
