//! Output of commands.
//!
//! Results go to stdout; notes, hints, progress and errors go to stderr. In human form a result is lines and tables.
//! With `--json` it is one document, and the lines are not printed.

use std::{
    fmt::Display,
    io::{self, IsTerminal as _, Write},
};

use serde::Serialize;
use serde_json::json;

use super::{CommandError, Exit};
use crate::redact::{printable, printable_json};

/// Stdout and stderr of a command, with the output format.
#[expect(clippy::struct_excessive_bools, reason = "each is an independent setting or fact of the output")]
pub struct Terminal {
    out: Box<dyn Write + Send>,
    err: Box<dyn Write + Send>,
    json: bool,
    quiet: bool,
    /// Whether help texts are coloured.
    colored: bool,
    document_written: bool,
    width: Option<u16>,
    interactive: bool,
    /// Target of stdout.
    output_target: OutputTarget,
}

/// Type of the target of stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OutputTarget {
    /// A terminal, which interprets control characters, so they are escaped.
    Terminal,
    /// A file or program, which receives the bytes unchanged.
    NonTerminal,
}

impl std::fmt::Debug for Terminal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Terminal").field("json", &self.json).field("watched", &self.interactive).finish_non_exhaustive()
    }
}

impl Terminal {
    /// Returns the terminal of the process.
    pub fn new() -> Self {
        let on_terminal = io::stdout().is_terminal();
        Self {
            out: Box::new(io::BufWriter::new(io::stdout())),
            err: Box::new(io::stderr()),
            json: false,
            quiet: false,
            document_written: false,
            // A terminal that is too narrow for a table, or of unknown width, is treated like a file.
            width: on_terminal.then(|| comfy_table::Table::new().width()).flatten().filter(|width| *width >= 40),
            interactive: io::stderr().is_terminal(),
            colored: is_colored(on_terminal, |name| std::env::var_os(name)),
            output_target: if on_terminal { OutputTarget::Terminal } else { OutputTarget::NonTerminal },
        }
    }

    /// Returns a terminal that writes to these writers instead of stdout and stderr.
    #[cfg(test)]
    pub(crate) fn from_writers(out: Box<dyn Write + Send>, err: Box<dyn Write + Send>) -> Self {
        Self {
            out,
            err,
            json: false,
            quiet: false,
            document_written: false,
            width: None,
            interactive: false,
            colored: false,
            output_target: OutputTarget::NonTerminal,
        }
    }

    /// Returns whether results are printed as JSON.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Returns whether hints, progress and log lines below `warn` are suppressed (`--quiet`).
    pub(super) fn is_quiet(&self) -> bool {
        self.quiet
    }

    pub(super) fn set_quiet(&mut self, quiet: bool) {
        self.quiet = quiet;
        self.interactive &= !quiet;
    }

    pub(super) fn set_json(&mut self, json: bool) {
        self.json = json;
    }

    /// Returns whether stderr is a terminal, so that progress can be drawn.
    pub fn is_interactive(&self) -> bool {
        self.interactive
    }

    /// Returns the width of the terminal in characters, or `None` if stdout is not a terminal of at least 40 columns.
    pub fn width(&self) -> Option<u16> {
        self.width
    }

    /// Prints a line or a table of the result. Prints nothing with `--json`.
    pub fn line(&mut self, text: impl Display) -> Result<(), CommandError> {
        if !self.json {
            writeln!(self.out, "{}", printable(&text.to_string()))?;
            self.out.flush()?;
        }
        Ok(())
    }

    /// Prints a help text, with colours if the terminal supports them.
    pub(super) fn help(&mut self, text: &clap::builder::StyledStr) -> Result<(), CommandError> {
        if !self.colored || self.json {
            return self.line(text.to_string().trim_end());
        }
        writeln!(self.out, "{}", text.ansi().to_string().trim_end())?;
        self.out.flush()?;
        Ok(())
    }

    /// Prints text for another program without escaping any character. Prints nothing with `--json`.
    pub(super) fn raw(&mut self, text: &str) -> Result<(), CommandError> {
        if !self.json {
            self.out.write_all(text.as_bytes())?;
            self.out.flush()?;
        }
        Ok(())
    }

    /// Prints the result as a JSON document. Prints nothing without `--json`.
    pub fn json(&mut self, document: &impl Serialize) -> Result<(), CommandError> {
        if self.json { self.document(document) } else { Ok(()) }
    }

    /// Prints a JSON document, with and without `--json`.
    pub fn document(&mut self, document: &impl Serialize) -> Result<(), CommandError> {
        let mut text = serde_json::to_string_pretty(document)
            .map_err(|error| CommandError::failed(format!("cannot write the result as JSON: {error}")))?;
        text.push('\n');
        self.bytes(printable_json(&text).as_bytes())
    }

    /// Prints JSON that is already serialized.
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

    /// Prints a note to stderr. Write errors are ignored.
    pub fn note(&mut self, text: impl Display) {
        let _ = self.out.flush();
        let _ = writeln!(self.err, "{}", printable(&text.to_string()));
    }

    /// Prints the next step to stderr. Prints nothing with `--json`.
    pub fn hint(&mut self, text: impl Display) {
        if !self.json && !self.quiet {
            self.note(text);
        }
    }

    /// Prints an error, also as a document with `--json`, and returns the exit status.
    pub(super) fn report_error(&mut self, error: &CommandError) -> Exit {
        if error.exit() == Exit::Success {
            return Exit::Success;
        }
        self.note(format_args!("error: {error}"));
        if self.json && !self.document_written {
            let document = json!({ "error": { "type": error.kind(), "message": error.to_string() } });
            // If stdout is closed, the exit code still reports the error.
            let _ = self.document(&document);
        }
        error.exit()
    }
}

/// Returns whether output is coloured: `CLICOLOR_FORCE` (unless `0`) enables colours, else `NO_COLOR` (unless empty)
/// disables them, else a terminal enables them.
fn is_colored(on_terminal: bool, variable: impl Fn(&str) -> Option<std::ffi::OsString>) -> bool {
    if variable("CLICOLOR_FORCE").is_some_and(|value| !value.is_empty() && value != "0") {
        return true;
    }
    on_terminal && variable("NO_COLOR").is_none_or(|value| value.is_empty())
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

    /// Writer whose content can be read.
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

    /// Returns a terminal with the buffers of its stdout and stderr.
    pub(in crate::cli) fn captured_terminal(json: bool) -> (Terminal, SharedBuffer, SharedBuffer) {
        let (out, err) = (SharedBuffer::default(), SharedBuffer::default());
        let mut terminal = Terminal::from_writers(Box::new(out.clone()), Box::new(err.clone()));
        terminal.set_json(json);
        (terminal, out, err)
    }

    #[test]
    fn colors_follow_the_conventional_variables() {
        let check = |on_terminal: bool, set: &[(&str, &str)], expect: bool| {
            let variable = |name: &str| set.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into());
            assert_eq!(is_colored(on_terminal, variable), expect, "{on_terminal} {set:?}");
        };
        check(true, &[], true);
        check(false, &[], false);
        check(true, &[("NO_COLOR", "1")], false);
        check(true, &[("NO_COLOR", "")], true);
        check(false, &[("CLICOLOR_FORCE", "1")], true);
        check(false, &[("CLICOLOR_FORCE", "0")], false);
        check(false, &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], true);
    }

    #[test]
    fn quiet_terminal_prints_warnings_but_no_hints() {
        let (mut terminal, _, err) = captured_terminal(false);
        terminal.set_quiet(true);
        terminal.hint("next: …");
        terminal.note("warning: a");
        assert_eq!(err.text(), "warning: a\n");
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
        let error = terminal.line("x").unwrap_err();
        assert_eq!(terminal.report_error(&error), Exit::Success);
        assert_eq!(err.text(), "");
    }
}
