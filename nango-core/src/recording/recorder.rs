//! Recorder of a run: the parts that wrap those of the run, and the lines that are not exchanges.

use std::{
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use super::{
    authorize::RecordingAuthorize,
    clock::RecordingClock,
    format::{End, Header, Line},
    journal::Journal,
    rows::to_rows,
    transport::RecordingTransport,
};
use crate::{
    http::{Authorize, Clock, Transport},
    redact::{Redactor, is_secret_name},
    store::Chunk,
};

/// Recorder of one run and the runs that it triggers.
#[derive(Debug)]
pub(crate) struct Recorder {
    journal: Arc<Journal>,
    has_begun: AtomicBool,
}

impl Recorder {
    /// Creates the file of a recording.
    ///
    /// # Errors
    ///
    /// Fails if the file exists or cannot be created.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        Ok(Self { journal: Arc::new(Journal::create(path)?), has_begun: AtomicBool::new(false) })
    }

    /// Returns whether this is the first call: the recording begins with the run that was started first, not with those
    /// that it triggers.
    pub(crate) fn is_first_run(&self) -> bool {
        !self.has_begun.swap(true, Ordering::AcqRel)
    }

    /// Adds secrets that must not be recorded.
    pub(crate) fn add_secrets(&self, redactor: &Redactor) {
        self.journal.add_secrets(redactor);
    }

    /// Writes what is run, and the stored rows from which the run starts.
    pub(crate) fn begin(&self, header: Header, rows: &[Chunk]) {
        self.journal.write(&Line::Recording(Box::new(self.masked(header))));
        for chunk in rows {
            self.journal.write(&Line::Rows(to_rows(chunk, &self.journal.masker)));
        }
    }

    fn masked(&self, header: Header) -> Header {
        let masker = &self.journal.masker;
        let mut options = header.options;
        options.metadata = options.metadata.map(|metadata| masker.object(metadata));
        options.checkpoint = options.checkpoint.map(|checkpoint| masker.value(checkpoint));
        Header {
            input: header.input.map(|input| masker.value(input)),
            webhook: header.webhook.map(|webhook| masker.text(&webhook)),
            options,
            base_url: match header.base_url.parse() {
                Ok(url) => masker.url(&url, &Redactor::default()),
                Err(_) => masker.text(&header.base_url),
            },
            credentials: masker.value(header.credentials),
            environment: header
                .environment
                .into_iter()
                .map(|(name, value)| self.masked_variable(name, &value))
                .collect(),
            ..header
        }
    }

    fn masked_variable(&self, name: String, value: &str) -> (String, String) {
        let masks = &self.journal.masker;
        let shown = if is_secret_name(&name) { masks.placeholder(value.as_bytes()) } else { masks.text(value) };
        (name, shown)
    }

    /// Returns the credentials of a connection with placeholders for secrets. `redacted`: the same with `***`, which
    /// names the secret values.
    pub(crate) fn masked_credentials(&self, shown: Value, redacted: &Value) -> Value {
        let Value::Object(fields) = shown else { return Value::Null };
        let field = |(name, value): (String, Value)| {
            let is_secret = redacted.get(&name).and_then(Value::as_str) == Some("***");
            let masked = match value {
                Value::String(text) if is_secret => Value::String(self.journal.masker.placeholder(text.as_bytes())),
                other => self.journal.masker.value(other),
            };
            (name, masked)
        };
        Value::Object(fields.into_iter().map(field).collect::<Map<_, _>>())
    }

    /// Writes the report of the run, and makes the file durable.
    ///
    /// # Errors
    ///
    /// Fails with the first error of the file, after which nothing was recorded.
    pub(crate) fn end(&self, report: Value) -> io::Result<()> {
        self.journal.write(&Line::End(End { report: self.journal.masker.value(report) }));
        self.journal.finish()
    }

    /// Returns the transport of a client, which records its exchanges.
    pub(crate) fn transport(
        self: &Arc<Self>,
        inner: Arc<dyn Transport>,
        redactor: Redactor,
        clock: Arc<dyn Clock>,
        cancellation: CancellationToken,
    ) -> Arc<dyn Transport> {
        Arc::new(RecordingTransport { journal: self.journal.clone(), inner, redactor, clock, cancellation })
    }

    /// Returns the authorizer of a client, which keeps its requests as they are before credentials are added.
    pub(crate) fn authorizer(self: &Arc<Self>, inner: Arc<dyn Authorize>) -> Arc<dyn Authorize> {
        Arc::new(RecordingAuthorize { journal: self.journal.clone(), inner })
    }

    /// Returns the clock of a run, which records the random values that it returns.
    pub(crate) fn clock(&self, inner: Arc<dyn Clock>) -> Arc<dyn Clock> {
        Arc::new(RecordingClock { inner, journal: self.journal.clone() })
    }
}
