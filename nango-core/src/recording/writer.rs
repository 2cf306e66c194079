//! Writer of a recording: creates the file, accessible to its owner only, and appends lines.

use std::{
    fs::File,
    io::{self, Write},
    path::Path,
    sync::{Mutex, PoisonError},
};

use super::format::Line;
use crate::file_access;

/// File of a recording that is being written. After the first error, nothing more is written.
#[derive(Debug)]
pub(super) struct RecordingFile(Mutex<State>);

#[derive(Debug)]
struct State {
    file: File,
    error: Option<io::Error>,
}

impl RecordingFile {
    /// Creates the file. Fails if the path exists.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        file_access::create_private().open(path).map(|file| Self(Mutex::new(State { file, error: None })))
    }

    /// Appends a line. An error is kept until [`finish`](Self::finish): it must not fail the run.
    pub(super) fn write(&self, line: &Line) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.error.is_some() {
            return;
        }
        let written = serde_json::to_vec(line).map_err(io::Error::other).and_then(|mut text| {
            text.push(b'\n');
            state.file.write_all(&text)
        });
        state.error = written.err();
    }

    /// Returns the first error, and makes the file durable.
    pub(super) fn finish(&self) -> io::Result<()> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.error.take().map_or_else(|| state.file.sync_all(), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::format::End;

    #[test]
    fn existing_file_is_not_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run.jsonl");
        let file = RecordingFile::create(&path).unwrap();
        file.write(&Line::End(End { report: serde_json::json!({ "a": 1 }) }));
        file.finish().unwrap();
        assert_eq!(RecordingFile::create(&path).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{\"line\":\"end\",\"report\":{\"a\":1}}\n");
        #[cfg(unix)]
        {
            let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn full_disk_is_reported_at_the_end() {
        let file = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let file = RecordingFile(Mutex::new(State { file, error: None }));
        file.write(&Line::End(End { report: serde_json::Value::Null }));
        file.write(&Line::End(End { report: serde_json::Value::Null }));
        assert_eq!(file.finish().unwrap_err().kind(), io::ErrorKind::StorageFull);
    }
}
