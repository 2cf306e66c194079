//! Observer of runs: progress, log lines, waits and warnings.

use crate::store::{LogLine, Totals};

/// Observer of the progress of a run.
pub trait Observer: Send + Sync {
    /// Called after a page was committed, with the totals of the run so far.
    fn on_commit(&self, totals: &Totals) {
        let _ = totals;
    }

    /// Called for each log line.
    fn on_log(&self, line: &LogLine) {
        let _ = line;
    }

    /// Called when the run starts to wait, for example for another run of the same key.
    fn on_wait(&self, what: &str) {
        let _ = what;
    }

    /// Called with a problem that does not fail the operation.
    fn on_warning(&self, what: &str) {
        let _ = what;
    }
}

/// Observer that ignores all events.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoopObserver;

impl Observer for NoopObserver {}
