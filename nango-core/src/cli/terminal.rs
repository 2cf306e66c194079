//! Where a command prints.
//!
//! Answers go to stdout, everything that is said on the way to stderr. In human form an answer is lines and tables; with
//! `--json` it is one document, and the human lines are not printed at all.

use std::{
    fmt::Display,
    io::{self, IsTerminal as _, Write},
};

use serde::Serialize;
use serde_json::json;

use super::{CommandError, Exit};
use crate::redact::{printable, printable_json};

/// Stdout and stderr, and how to speak on them.
pub struct Terminal {
    out: Box<dyn Write + Send>,
    err: Box<dyn Write + Send>,
    json: bool,
    document_written: bool,
    width: Option<u16>,
    interactive: bool,
    /// What reads stdout.
    output_target: OutputTarget,
}

/// What reads stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OutputTarget {
    /// A person: a terminal acts on some characters.
    Terminal,
    /// A program, which gets the bytes as they are.
    NonTerminal,
}

impl std::fmt::Debug for Terminal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Terminal").field("json", &self.json).field("watched", &self.interactive).finish_non_exhaustive()
    }
}

impl Terminal {
    /// The process's own.
    pub fn new() -> Self {
        let on_terminal = io::stdout().is_terminal();
        Self {
            out: Box::new(io::BufWriter::new(io::stdout())),
            err: Box::new(io::stderr()),
            json: false,
            document_written: false,
            // A window that is too narrow for a table, or does not know its size, is written to like a file.
            width: on_terminal.then(|| comfy_table::Table::new().width()).flatten().filter(|width| *width >= 40),
            interactive: io::stderr().is_terminal(),
            output_target: if on_terminal { OutputTarget::Terminal } else { OutputTarget::NonTerminal },
        }
    }

    /// Two writers in place of stdout and stderr.
    pub fn from_writers(out: Box<dyn Write + Send>, err: Box<dyn Write + Send>) -> Self {
        Self {
            out,
            err,
            json: false,
            document_written: false,
            width: None,
            interactive: false,
            output_target: OutputTarget::NonTerminal,
        }
    }

    /// Whether an answer is a JSON document.
    pub fn is_json(&self) -> bool {
        self.json
    }

    pub(super) fn set_json(&mut self, json: bool) {
        self.json = json;
    }

    /// Whether somebody watches stderr, so that progress is worth drawing.
    pub fn is_interactive(&self) -> bool {
        self.interactive
    }

    /// How many columns the person's window has. `None`: stdout is no window.
    pub fn width(&self) -> Option<u16> {
        self.width
    }

    /// A line or a table of the answer in human form. Nothing with `--json`.
    pub fn line(&mut self, text: impl Display) -> Result<(), CommandError> {
        if !self.json {
            writeln!(self.out, "{}", printable(&text.to_string()))?;
            self.out.flush()?;
        }
        Ok(())
    }

    /// The answer as a JSON document. Nothing without `--json`.
    pub fn json(&mut self, document: &impl Serialize) -> Result<(), CommandError> {
        if self.json { self.document(document) } else { Ok(()) }
    }

    /// A JSON document, whatever the form.
    pub fn document(&mut self, document: &impl Serialize) -> Result<(), CommandError> {
        let mut text = serde_json::to_string_pretty(document)
            .map_err(|error| CommandError::failed(format!("the answer cannot be written as JSON: {error}")))?;
        text.push('\n');
        self.bytes(printable_json(&text).as_bytes())
    }

    /// JSON that is written already.
    pub(super) fn bytes(&mut self, json: &[u8]) -> Result<(), CommandError> {
        self.document_written = true;
        match std::str::from_utf8(json) {
            Ok(text) if self.output_target == OutputTarget::Terminal => {
                self.out.write_all(printable_json(text).as_bytes())?;
            }
            _ => self.out.write_all(json)?,
        }
        self.out.flush()?;
        Ok(())
    }

    /// Something that is said on the way. Whether stderr takes it does not matter.
    pub fn note(&mut self, text: impl Display) {
        let _ = self.out.flush();
        let _ = writeln!(self.err, "{}", printable(&text.to_string()));
    }

    /// What to type next, in human form only.
    pub fn hint(&mut self, text: impl Display) {
        if !self.json {
            self.note(text);
        }
    }

    /// Tells of a fault, and gives how the process ends.
    pub(super) fn report_error(&mut self, fault: &CommandError) -> Exit {
        if fault.exit() == Exit::Success {
            return Exit::Success;
        }
        self.note(format_args!("error: {fault}"));
        if self.json && !self.document_written {
            let error = json!({ "error": { "type": fault.kind(), "message": fault.to_string() } });
            // Whoever does not read the document has the exit code.
            let _ = self.document(&error);
        }
        fault.exit()
    }
}

impl Default for Terminal {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// A writer that can be read.
    #[derive(Debug, Clone, Default)]
    pub(in crate::cli) struct SharedBuffer(Arc<Mutex<Vec<u8>>>);

    impl SharedBuffer {
        pub(in crate::cli) fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for SharedBuffer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A terminal and what it prints to stdout and stderr.
    pub(in crate::cli) fn captured_terminal(json: bool) -> (Terminal, SharedBuffer, SharedBuffer) {
        let (out, err) = (SharedBuffer::default(), SharedBuffer::default());
        let mut terminal = Terminal::from_writers(Box::new(out.clone()), Box::new(err.clone()));
        terminal.set_json(json);
        (terminal, out, err)
    }

    #[test]
    fn output_is_either_json_or_lines() {
        for json in [false, true] {
            let (mut terminal, out, err) = captured_terminal(json);
            terminal.line("a line").unwrap();
            terminal.json(&json!({ "a": 1 })).unwrap();
            terminal.hint("a hint");
            terminal.note("a note");
            let (expect_out, expect_err) =
                if json { ("{\n  \"a\": 1\n}\n", "a note\n") } else { ("a line\n", "a hint\na note\n") };
            assert_eq!((out.text().as_str(), err.text().as_str()), (expect_out, expect_err));
        }
    }

    #[test]
    fn error_document_is_written_once() {
        let (mut terminal, out, err) = captured_terminal(true);
        assert_eq!(terminal.report_error(&CommandError::usage("no such thing")), Exit::Usage);
        assert_eq!(err.text(), "error: no such thing\n");
        let document: serde_json::Value = serde_json::from_str(&out.text()).unwrap();
        assert_eq!(document, json!({ "error": { "type": "usage", "message": "no such thing" } }));
        terminal.report_error(&CommandError::usage("again"));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&out.text()).unwrap(), document);
    }

    #[test]
    fn closed_pipe_exits_with_success() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let err = SharedBuffer::default();
        let mut terminal = Terminal::from_writers(Box::new(Closed), Box::new(err.clone()));
        let fault = terminal.line("x").unwrap_err();
        assert_eq!(terminal.report_error(&fault), Exit::Success);
        assert_eq!(err.text(), "");
    }
}
