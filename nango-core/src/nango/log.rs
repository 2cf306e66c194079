//! The run's log: `nango.log("3 issues left").field("repo", repo).warn()`.
//!
//! A plain call that needs no `.await`: the line is kept with the run and written with its next page, or at its end.

use std::fmt::Display;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Context, Nango};
use crate::{
    redact::{MAX_MESSAGE_BYTES, printable_value, truncated},
    store::{Level, LogLine},
};

impl Nango {
    /// A line of the run's log, at level info unless said otherwise. It is written when the entry goes out of scope,
    /// which in `nango.log("…");` is at once.
    pub fn log(&self, message: impl Display) -> LogEntry {
        LogEntry { nango: self.clone(), level: Level::Info, message: message.to_string(), fields: Map::new() }
    }
}

impl Context {
    /// Keeps a line for the next commit: without secrets, its control characters escaped, its text and its fields at most
    /// 4,096 bytes each.
    pub fn log(&self, level: Level, message: &str, fields: Value) {
        let redactor = self.client.redactor();
        let message = redactor.message(message);
        let fields = truncate_fields(printable_value(redactor.hide_value(fields)));
        self.push_log(LogLine { timestamp: self.store.now(), level, message, fields });
    }
}

/// Fields that are too long are their first bytes, as a text.
fn truncate_fields(fields: Value) -> Value {
    let text = fields.to_string();
    if text.len() <= MAX_MESSAGE_BYTES {
        return fields;
    }
    json!({ "truncated": truncated(text.into(), MAX_MESSAGE_BYTES / 2) })
}

/// A line that is being written.
#[derive(Debug)]
pub struct LogEntry {
    nango: Nango,
    level: Level,
    message: String,
    fields: Map<String, Value>,
}

impl LogEntry {
    /// Adds a structured field; a value that is no JSON is left out.
    #[expect(clippy::return_self_not_must_use, reason = "dropping an entry is writing it")]
    pub fn field(mut self, name: impl Into<String>, value: impl Serialize) -> Self {
        if let Ok(value) = serde_json::to_value(value) {
            self.fields.insert(name.into(), value);
        }
        self
    }

    /// For the author.
    pub fn debug(self) {
        self.set_level(Level::Debug);
    }

    /// For the operator: the level without any of these.
    pub fn info(self) {
        self.set_level(Level::Info);
    }

    /// Something was left out or done otherwise.
    pub fn warn(self) {
        self.set_level(Level::Warn);
    }

    /// Something failed.
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
