//! Trace of a randomized test: its last lines, which are printed if the case fails.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

/// Number of lines that are kept.
const LINES: usize = 80;

/// Last lines of a case. Clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct Trace(Arc<Mutex<VecDeque<String>>>);

/// Prints the lines of a trace when it is dropped by a panic.
#[must_use = "a dropped guard prints nothing"]
pub(super) struct FailureTrace {
    title: String,
    trace: Trace,
}

impl Trace {
    /// Adds a line; the oldest ones are removed.
    pub(super) fn add(&self, line: String) {
        let mut lines = self.0.lock().unwrap();
        if lines.len() == LINES {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    /// Prints the title and the lines if the current thread panics before the guard is dropped.
    pub(super) fn print_on_failure(&self, title: String) -> FailureTrace {
        FailureTrace { title, trace: self.clone() }
    }
}

impl Drop for FailureTrace {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let lines = self.trace.0.lock().unwrap_or_else(PoisonError::into_inner);
            println!("{}\n{}", self.title, lines.iter().map(String::as_str).collect::<Vec<_>>().join("\n"));
        }
    }
}
