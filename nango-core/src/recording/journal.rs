//! Journal of a recording: the file with its masker, and the lines that describe requests.

use std::{
    io,
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
};

use super::{
    format::{CredentialsOutcome, Exchange, Line},
    mask::Masker,
    writer::RecordingFile,
};
use crate::{error::Chain, http::AuthError, redact::Redactor};

/// File of a recording, with the secrets that must not be in it.
#[derive(Debug)]
pub(super) struct Journal {
    file: RecordingFile,
    pub(super) masker: Masker,
    /// Number of the last request.
    last_request: AtomicU64,
}

impl Journal {
    /// Creates the file of a recording.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        let file = RecordingFile::create(path)?;
        Ok(Self { file, masker: Masker::default(), last_request: AtomicU64::new(0) })
    }

    /// Adds secrets that must not be recorded.
    pub(super) fn add_secrets(&self, redactor: &Redactor) {
        self.masker.add_from(redactor);
    }

    /// Appends a line without secrets.
    pub(super) fn write(&self, line: &Line) {
        self.file.write(line);
    }

    /// Returns the first error of the file, and makes it durable.
    pub(super) fn finish(&self) -> io::Result<()> {
        self.file.finish()
    }

    /// Returns the number of a new request.
    pub(super) fn next_request(&self) -> u64 {
        self.last_request.fetch_add(1, Ordering::AcqRel) + 1
    }

    /// Writes that the credentials could not be used for the next request.
    pub(super) fn record_unusable(&self, error: &AuthError) {
        let before = Some(self.last_request.load(Ordering::Acquire) + 1);
        self.record_credentials(before, false, Some(error));
    }

    /// Writes the result of the credentials after a 401.
    pub(super) fn record_unauthorized(&self, outcome: &Result<bool, AuthError>) {
        self.record_credentials(None, *outcome.as_ref().unwrap_or(&false), outcome.as_ref().err());
    }

    fn record_credentials(&self, before: Option<u64>, refreshed: bool, error: Option<&AuthError>) {
        let text = |error: &AuthError| self.masker.text(&Chain(error).to_string());
        let error = error.map(|error| (error.kind().name().to_owned(), text(error)));
        self.write(&Line::Credentials(CredentialsOutcome { before, refreshed, error }));
    }

    /// Writes an exchange that has ended.
    pub(super) fn record_exchange(&self, exchange: Exchange) {
        self.write(&Line::Exchange(Box::new(exchange)));
    }
}
