//! A process under test: its output is collected while it runs, and every wait has a timeout.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Timeout of every wait: longer than any test's process takes on a busy machine.
const TIMEOUT: Duration = Duration::from_mins(2);
/// Interval between checks of a running process.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// Exit code and output of a process.
#[derive(Debug, Clone)]
pub struct Output {
    /// Exit code; `None` if a signal ended the process.
    pub status: Option<i32>,
    /// Output for programs.
    pub stdout: String,
    /// Output for users.
    pub stderr: String,
    command: String,
}

impl Output {
    /// Asserts this exit code, and returns the output.
    ///
    /// # Panics
    ///
    /// Panics with the whole output if the exit code differs.
    #[expect(clippy::return_self_not_must_use, reason = "often only the exit code is checked")]
    #[track_caller]
    pub fn expect(self, status: i32) -> Self {
        assert_eq!(self.status, Some(status), "{}", self.report());
        self
    }

    /// Parses stdout as one JSON document.
    ///
    /// # Panics
    ///
    /// Panics if stdout is not JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("stdout is not JSON: {error}\n{}", self.report()))
    }

    fn report(&self) -> String {
        let Self { status, stdout, stderr, command } = self;
        format!("{command}\nended with {status:?}\n--- stdout\n{stdout}\n--- stderr\n{stderr}")
    }
}

/// A started process. It is killed if this value is dropped before it ends.
#[derive(Debug)]
pub struct Running {
    command: String,
    child: Child,
    stdout: Pipe,
    stderr: Pipe,
}

impl Running {
    pub(super) fn start(mut command: Command, input: Option<String>) -> Self {
        let stdin = if input.is_some() { Stdio::piped() } else { Stdio::null() };
        let displayed = command_line(&command);
        let mut child = command
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{displayed}: {error}"));
        let stdout = Pipe::collect(child.stdout.take());
        let stderr = Pipe::collect(child.stderr.take());
        if let Some((mut stdin, input)) = child.stdin.take().zip(input) {
            // A process may end without reading its stdin, which is not an error of the writer.
            thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
        }
        Self { command: displayed, child, stdout, stderr }
    }

    /// Process id of the binary.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Returns the output on stdout so far.
    pub fn stdout(&self) -> String {
        self.stdout.text()
    }

    /// Returns the output on stderr so far.
    pub fn stderr(&self) -> String {
        self.stderr.text()
    }

    /// Returns whether the process has not ended yet.
    ///
    /// # Panics
    ///
    /// Panics if the system does not report the status.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("a child's status").is_none()
    }

    /// Waits until a condition holds, for example that a server received three requests or that a line was printed.
    ///
    /// # Panics
    ///
    /// Panics if the process ends before, or after a timeout of two minutes.
    #[track_caller]
    pub fn wait_until(&mut self, condition: &str, mut holds: impl FnMut(&Self) -> bool) {
        let start = Instant::now();
        while !holds(self) {
            let ended = self.child.try_wait().expect("a child's status");
            // The process may have fulfilled the condition just before its end.
            if ended.is_some() && holds(self) {
                return;
            }
            let late = start.elapsed() > TIMEOUT;
            assert!(ended.is_none() && !late, "{condition}: not yet ({ended:?})\n{}", self.output_so_far());
            thread::sleep(POLL_INTERVAL);
        }
    }

    /// Sends SIGINT, as Ctrl-C does.
    pub fn interrupt(&self) {
        self.signal("INT");
    }

    /// Sends SIGHUP, as closing the terminal does.
    pub fn hang_up(&self) {
        self.signal("HUP");
    }

    /// Sends SIGTERM, as a supervisor does to stop a service.
    pub fn terminate(&self) {
        self.signal("TERM");
    }

    /// Sends SIGKILL: the process ends at once, without cleaning up.
    pub fn kill(&self) {
        self.signal("KILL");
    }

    /// Sends SIGKILL directly, without the shell of [`Self::kill`], which takes a few milliseconds.
    pub fn kill_now(&mut self) {
        // Fails only if the process has ended already.
        let _ = self.child.kill();
    }

    fn signal(&self, name: &str) {
        // The standard library sends SIGKILL only. Every shell has `kill`; the program of that name may be missing.
        let sent = Command::new("sh").arg("-c").arg(format!("kill -{name} {}", self.id())).status();
        assert!(sent.is_ok_and(|status| status.success()), "no SIG{name} for {}", self.output_so_far());
    }

    /// Waits for the end of the process.
    ///
    /// # Panics
    ///
    /// Panics with the whole output if the process does not end within two minutes.
    #[track_caller]
    pub fn finish(mut self) -> Output {
        let start = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("a child's status") {
                break status;
            }
            assert!(start.elapsed() < TIMEOUT, "the process does not end: {}", self.output_so_far());
            thread::sleep(POLL_INTERVAL);
        };
        Output {
            status: status.code(),
            stdout: self.stdout.read_to_end(),
            stderr: self.stderr.read_to_end(),
            command: self.command.clone(),
        }
    }

    fn output_so_far(&self) -> String {
        format!("{}\n--- stdout\n{}\n--- stderr\n{}", self.command, self.stdout(), self.stderr())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both calls fail only if the process has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads a stream to its end on a thread, so that a full pipe does not block the process.
#[derive(Debug)]
struct Pipe {
    text: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Pipe {
    fn collect(stream: Option<impl Read + Send + 'static>) -> Self {
        let mut stream = stream.expect("a piped stream");
        let text = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&text);
        let reader = thread::spawn(move || {
            let mut chunk = [0; 8192];
            while let Ok(read @ 1..) = stream.read(&mut chunk) {
                sink.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&chunk[..read]);
            }
        });
        Self { text, reader: Some(reader) }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.text.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }

    fn read_to_end(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            reader.join().expect("the reader does not panic");
        }
        self.text()
    }
}

/// Returns the command as a user would type it, for messages. The binary is shown by its name only.
fn command_line(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program()).file_name().unwrap_or_default();
    let words: Vec<_> = [program].into_iter().chain(command.get_args()).map(OsStr::to_string_lossy).collect();
    words.join(" ")
}
