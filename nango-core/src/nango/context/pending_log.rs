//! Log lines and requests of a run that no commit has stored yet.

use crate::store::LogLine;

/// Buffer of log lines, and the number of requests that were counted by commits.
#[derive(Debug, Default)]
pub(super) struct PendingLog {
    lines: Vec<LogLine>,
    requests_counted: u64,
}

impl PendingLog {
    /// Appends a log line.
    pub(super) fn push(&mut self, line: LogLine) {
        self.lines.push(line);
    }

    /// Removes and returns the log lines, and the number of requests since the last call. `sent`: requests of the run.
    pub(super) fn take(&mut self, sent: u64) -> (Vec<LogLine>, u64) {
        let requests = sent - std::mem::replace(&mut self.requests_counted, sent);
        (std::mem::take(&mut self.lines), requests)
    }

    /// Puts log lines and requests back after a failed commit, before those that were added since.
    pub(super) fn restore(&mut self, mut lines: Vec<LogLine>, requests: u64) {
        lines.append(&mut self.lines);
        self.lines = lines;
        self.requests_counted -= requests;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::store::Level;
    use crate::time::Timestamp;

    fn line(message: &str) -> LogLine {
        LogLine {
            timestamp: Timestamp::UNIX_EPOCH,
            level: Level::Info,
            message: message.to_owned(),
            fields: Value::Null,
        }
    }

    #[test]
    fn lines_of_a_failed_commit_keep_their_order() {
        let mut pending = PendingLog::default();
        pending.push(line("a"));
        let (lines, requests) = pending.take(3);
        assert_eq!((lines.len(), requests), (1, 3));
        pending.push(line("b"));
        pending.restore(lines, requests);
        let (lines, requests) = pending.take(5);
        let messages: Vec<_> = lines.iter().map(|line| line.message.as_str()).collect();
        assert_eq!((messages, requests), (vec!["a", "b"], 5));
        assert_eq!(pending.take(5).1, 0);
    }
}
