//! Log of a run: `nango.log("3 issues left").field("repo", repo).warn()`.
//!
//! Logging needs no `.await`: a line is buffered and stored with the next page of the run, or at its end.

use std::fmt::Display;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Context, Nango};
use crate::{
    redact::{MAX_MESSAGE_BYTES, printable_value, truncated},
    store::{Level, LogLine},
};

impl Nango {
    /// Adds a line to the log of the run. Default level: info. The line is written when the entry is dropped, which in
    /// `nango.log("…");` is immediately.
    pub fn log(&self, message: impl Display) -> LogEntry {
        LogEntry { nango: self.clone(), level: Level::Info, message: message.to_string(), fields: Map::new() }
    }
}

impl Context {
    /// Buffers a line for the next commit. Secrets are removed, control characters are escaped, and the message and the
    /// fields are truncated to 4,096 bytes each.
    pub(crate) fn log(&self, level: Level, message: &str, fields: Value) {
        let redactor = self.client.redactor();
        let message = redactor.message(message);
        let fields = truncate_fields(printable_value(redactor.hide_value(fields)));
        self.push_log(LogLine { timestamp: self.store.now(), level, message, fields });
    }
}

/// Replaces fields that are too long by the first bytes of their JSON text.
fn truncate_fields(fields: Value) -> Value {
    let text = fields.to_string();
    if text.len() <= MAX_MESSAGE_BYTES {
        return fields;
    }
    json!({ "truncated": truncated(text.into(), MAX_MESSAGE_BYTES / 2) })
}

/// Builder of a log line.
#[derive(Debug)]
pub struct LogEntry {
    nango: Nango,
    level: Level,
    message: String,
    fields: Map<String, Value>,
}

impl LogEntry {
    /// Adds a structured field. A value that cannot be serialized to JSON is skipped.
    #[expect(clippy::return_self_not_must_use, reason = "an entry is written when it is dropped")]
    pub fn field(mut self, name: impl Into<String>, value: impl Serialize) -> Self {
        if let Ok(value) = serde_json::to_value(value) {
            self.fields.insert(name.into(), value);
        }
        self
    }

    /// Sets the level debug: details for developers.
    pub fn debug(self) {
        self.set_level(Level::Debug);
    }

    /// Sets the level info, the default: normal events for operators.
    pub fn info(self) {
        self.set_level(Level::Info);
    }

    /// Sets the level warn: data was skipped, or a fallback was used.
    pub fn warn(self) {
        self.set_level(Level::Warn);
    }

    /// Sets the level error: an operation failed.
    pub fn error(self) {
        self.set_level(Level::Error);
    }

    fn set_level(mut self, level: Level) {
        self.level = level;
    }
}

impl Drop for LogEntry {
    fn drop(&mut self) {
        let fields = std::mem::take(&mut self.fields);
        let fields = if fields.is_empty() { Value::Null } else { Value::Object(fields) };
        self.nango.context().log(self.level, &self.message, fields);
    }
}
