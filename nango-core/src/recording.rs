//! Recordings of runs: a file with every request and response of a run, from which it is replayed without a network.
//!
//! A recording is a text file with one JSON object per line. The first line describes the run and the connection, the
//! next ones the stored rows that the run starts from; then follow the exchanges in the order in which they ended, and
//! the report. A file without the report is of a run that did not end, or that could not be written to its end.
//!
//! A [`Recorder`] writes the file: it wraps the transport, the authorizer and the clock of a run. A [`Replayer`] is the
//! transport and the authorizer of a replay; it finds the answer of each request by its content, never by its position.
//!
//! Invariants:
//! - Requests are recorded as they are before credentials are added, and token requests are not recorded at all.
//! - Known secrets are replaced by placeholders in everything that is written; the same secret always has the same
//!   placeholder, in every encoding, so that a link in a response equals the URL of the request that follows it.
//! - A line is written in one piece, so that a recording that ends early is complete up to its last line.

mod answers;
mod arrival;
mod authorize;
mod body;
mod clock;
mod difference;
mod format;
mod journal;
mod mask;
mod reader;
mod recorder;
mod replayer;
mod request_key;
mod request_secrets;
mod rows;
#[cfg(test)]
mod tests;
mod transport;
mod transport_error;
mod writer;

use std::sync::Arc;

pub(crate) use format::{FORMAT, Header, Options};
pub(crate) use reader::{RecordedRun, RecordingError};
pub(crate) use recorder::Recorder;
pub(crate) use replayer::Replayer;

/// Whether the requests of a run are recorded, or answered from a recording.
#[derive(Debug, Clone)]
pub(crate) enum RecordingMode {
    /// Requests are sent and recorded.
    Record(Arc<Recorder>),
    /// Requests are answered from a recording.
    Replay(Arc<Replayer>),
}
