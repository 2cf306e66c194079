//! Run logs. Lines are written in the transaction of their page, so that none is lost, and none describes a page that
//! was not written.

use std::borrow::Cow;

use serde_json::Value;

use super::{RunToken, StoreFuture};
use crate::{
    redact::{MAX_MESSAGE_BYTES, truncated},
    time::Timestamp,
};

/// The severity of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Level {
    /// Information for the author of the function.
    Debug,
    /// Information for the operator.
    Info,
    /// Data was skipped, or a fallback was used.
    Warn,
    /// An operation failed.
    Error,
}

impl Level {
    /// Returns the name in the API and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }

    /// All levels, the lowest first.
    pub(crate) const ALL: [Self; 4] = [Self::Debug, Self::Info, Self::Warn, Self::Error];

    /// Parses a name of [`Self::name`].
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name() == name)
    }
}

/// A line of a run's log.
#[derive(Debug, Clone, PartialEq)]
pub struct LogLine {
    /// The time of the line.
    pub timestamp: Timestamp,
    /// The severity of the line.
    pub level: Level,
    /// The message, at most 4,096 bytes; a longer one is truncated when it is stored.
    pub message: String,
    /// Structured fields; `null` if there are none.
    pub fields: Value,
}

impl LogLine {
    /// Returns the message, truncated to the maximum length.
    pub(super) fn truncated_message(&self) -> Cow<'_, str> {
        truncated(Cow::Borrowed(&self.message), MAX_MESSAGE_BYTES)
    }
}

/// The run logs of a database.
pub trait Logs {
    /// Writes lines that belong to no page.
    fn write_logs(&self, run: &RunToken, lines: Vec<LogLine>) -> StoreFuture<'_, ()>;

    /// Returns the lines of a run in order.
    fn logs(&self, run: uuid::Uuid) -> StoreFuture<'_, Vec<LogLine>> {
        self.logs_after(run, 0)
    }

    /// Returns the lines of a run in order, without the first ones.
    fn logs_after(&self, run: uuid::Uuid, skip: usize) -> StoreFuture<'_, Vec<LogLine>>;
}
