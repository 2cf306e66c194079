//! Log of the server on stderr, one line of JSON per record. A thread writes it, so that a slow reader of stderr does
//! not delay requests.

use std::{
    io::{self, Write as _},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
};

use serde_json::json;

use crate::server::{AccessRecord, ServerLog};

/// Maximum number of lines that wait to be written. Further ones are counted and left out.
const QUEUE: usize = 4_096;

/// Writer of the log on stderr.
#[derive(Debug)]
pub(super) struct StderrLog {
    writer: Mutex<Option<Writer>>,
    lines: SyncSender<Option<Vec<u8>>>,
    dropped: AtomicU64,
    is_quiet: bool,
}

type Writer = JoinHandle<()>;

impl StderrLog {
    /// Starts the writer. A quiet log has only failed requests and events.
    pub(super) fn start(is_quiet: bool) -> Self {
        let (lines, received) = sync_channel(QUEUE);
        let writer = thread::Builder::new().name("log".to_owned()).spawn(move || write_all(&received));
        // Without a thread the log is left out.
        Self { writer: Mutex::new(writer.ok()), lines, dropped: AtomicU64::new(0), is_quiet }
    }

    /// Writes the lines that wait, and ends the writer.
    pub(super) fn finish(&self) {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(writer) = writer
            && self.lines.send(None).is_ok()
        {
            // The writer does not panic.
            let _ = writer.join();
        }
    }

    fn push(&self, line: serde_json::Result<Vec<u8>>) {
        let Ok(mut line) = line else { return };
        let dropped = self.dropped.swap(0, Ordering::Relaxed);
        let mut bytes = Vec::new();
        if dropped > 0 {
            let note = json!({ "event": "log_lines_left_out", "count": dropped });
            bytes = format!("{note}\n").into_bytes();
        }
        bytes.append(&mut line);
        bytes.push(b'\n');
        // The note and the line are one message, so that the count is reported once.
        if self.lines.try_send(Some(bytes)).is_err() {
            self.dropped.fetch_add(dropped + 1, Ordering::Relaxed);
        }
    }
}

impl ServerLog for StderrLog {
    fn on_request(&self, record: &AccessRecord<'_>) {
        if !self.is_quiet || record.status.is_server_error() {
            self.push(serde_json::to_vec(record));
        }
    }

    fn on_event(&self, name: &'static str, message: &str) {
        self.push(serde_json::to_vec(&json!({ "event": name, "message": message })));
    }
}

fn write_all(lines: &Receiver<Option<Vec<u8>>>) {
    while let Ok(Some(line)) = lines.recv() {
        // If stderr is closed, the server continues without a log.
        let _ = io::stderr().write_all(&line);
    }
}
