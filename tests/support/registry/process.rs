//! A process under test: what it prints is collected while it runs, and it is never waited for without end.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Longer than any test's process should take on a busy machine; what lasts longer hangs.
const TIMEOUT: Duration = Duration::from_mins(2);
/// How often a running process is looked at.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// How a process ended, and what it printed.
#[derive(Debug, Clone)]
pub struct Output {
    /// The exit code; `None` if a signal ended it.
    pub status: Option<i32>,
    /// What it printed for programs.
    pub stdout: String,
    /// What it printed for people.
    pub stderr: String,
    command: String,
}

impl Output {
    /// Expects this exit code.
    ///
    /// # Panics
    ///
    /// It was another: with all that was printed.
    #[expect(clippy::return_self_not_must_use, reason = "often the exit code is all that is asked")]
    #[track_caller]
    pub fn expect(self, status: i32) -> Self {
        assert_eq!(self.status, Some(status), "{}", self.report());
        self
    }

    /// Reads stdout as one JSON document.
    ///
    /// # Panics
    ///
    /// It is none.
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

/// A process that was started. Dropped before it ended, it is killed.
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
        let shown = command_line(&command);
        let mut child = command
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{shown}: {error}"));
        let stdout = Pipe::collect(child.stdout.take());
        let stderr = Pipe::collect(child.stderr.take());
        if let Some((mut stdin, input)) = child.stdin.take().zip(input) {
            // A process may end without reading: that is for the test to judge, not for the writer.
            thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
        }
        Self { command: shown, child, stdout, stderr }
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it printed on stdout so far.
    pub fn stdout(&self) -> String {
        self.stdout.text()
    }

    /// What it printed on stderr so far.
    pub fn stderr(&self) -> String {
        self.stderr.text()
    }

    /// Whether it has not ended yet.
    ///
    /// # Panics
    ///
    /// The system does not say.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("a child's status").is_none()
    }

    /// Waits until a condition holds: that a server saw three requests, say, or that a line was printed.
    ///
    /// # Panics
    ///
    /// The process ended before, or it took too long.
    #[track_caller]
    pub fn wait_until(&mut self, what: &str, mut holds: impl FnMut(&Self) -> bool) {
        let start = Instant::now();
        while !holds(self) {
            let ended = self.child.try_wait().expect("a child's status");
            // It may have brought the condition about with its last act.
            if ended.is_some() && holds(self) {
                return;
            }
            let late = start.elapsed() > TIMEOUT;
            assert!(ended.is_none() && !late, "{what}: not yet ({ended:?})\n{}", self.output_so_far());
            thread::sleep(POLL_INTERVAL);
        }
    }

    /// Presses Ctrl-C: sends SIGINT.
    pub fn interrupt(&self) {
        self.signal("INT");
    }

    /// Closes the terminal: sends SIGHUP.
    pub fn hang_up(&self) {
        self.signal("HUP");
    }

    /// Ends it at once, without a chance to tidy up: sends SIGKILL.
    pub fn kill(&self) {
        self.signal("KILL");
    }

    /// [`Self::kill`], at this very moment: without the shell in between, which takes a few milliseconds.
    pub fn kill_now(&mut self) {
        // It fails only if the process has ended already.
        let _ = self.child.kill();
    }

    fn signal(&self, name: &str) {
        // The standard library sends SIGKILL only. Every shell has `kill`; the program of that name may be missing.
        let sent = Command::new("sh").arg("-c").arg(format!("kill -{name} {}", self.id())).status();
        assert!(sent.is_ok_and(|status| status.success()), "no SIG{name} for {}", self.output_so_far());
    }

    /// Waits for its end.
    ///
    /// # Panics
    ///
    /// It does not end in two minutes: with all that was printed.
    #[track_caller]
    pub fn finish(mut self) -> Output {
        let start = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("a child's status") {
                break status;
            }
            assert!(start.elapsed() < TIMEOUT, "it does not end: {}", self.output_so_far());
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
        // Both fail only if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads a stream to its end on a thread, so that a full pipe stops nobody.
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

/// The command as a person would type it, for messages; the binary by its name, for its path says nothing.
fn command_line(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program()).file_name().unwrap_or_default();
    let words: Vec<_> = [program].into_iter().chain(command.get_args()).map(OsStr::to_string_lossy).collect();
    words.join(" ")
}
