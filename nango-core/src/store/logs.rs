//! The log of a run: lines that travel with its pages, so that none is lost and none is told of a page that was not
//! written.

use std::borrow::Cow;

use serde_json::Value;

use super::{RunToken, StoreFuture};
use crate::redact::{MAX_MESSAGE_BYTES, truncated};

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// For the author.
    Debug,
    /// For the operator.
    Info,
    /// Something was left out or done otherwise.
    Warn,
    /// Something failed.
    Error,
}

impl Level {
    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }

    /// Reads back what [`Self::name`] wrote.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        [Self::Debug, Self::Info, Self::Warn, Self::Error].into_iter().find(|level| level.name() == name)
    }
}

/// A line of a run's log.
#[derive(Debug, Clone, PartialEq)]
pub struct LogLine {
    /// Microseconds since 1970.
    pub timestamp: i64,
    /// How much it matters.
    pub level: Level,
    /// The message, at most 4,096 bytes; a longer one is cut when it is stored.
    pub message: String,
    /// Structured fields, `null` without any.
    pub fields: Value,
}

impl LogLine {
    /// The message, cut at its longest.
    pub(super) fn truncated_message(&self) -> Cow<'_, str> {
        truncated(Cow::Borrowed(&self.message), MAX_MESSAGE_BYTES)
    }
}

/// The logs of a database.
pub trait Logs {
    /// Writes lines outside a page.
    fn write_logs(&self, run: &RunToken, lines: Vec<LogLine>) -> StoreFuture<'_, ()>;

    /// The lines of a run in order.
    fn logs(&self, run: uuid::Uuid) -> StoreFuture<'_, Vec<LogLine>>;
}
