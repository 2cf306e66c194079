//! The commands of the `registry` binary: one file for each.
//!
//! A crate of integrations calls [`main`], or adds commands of its own to an [`App`] first. A command gets a
//! [`Context`]: the configuration, the registry, an open database, a [`Terminal`]. The tables and reports that the
//! built-in commands print are public, so that an added one looks the same.
//!
//! What a script may rely on:
//! - With `--json`, stdout is exactly one JSON document (`records --follow` prints one for each record); everything
//!   else goes to stderr. If the command cannot do what was asked, that document is
//!   `{ "error": { "type", "message" } }`.
//! - Exit codes: 0 success, 1 the run failed, 2 usage (a name that is not there, too), 3 database or configuration,
//!   130 interrupted. A reader that closes the pipe is not an error.
//! - Secrets are printed by `--show-secrets` alone.

mod args;
mod connection;
mod context;
mod database;
mod describe;
mod encryption;
mod error;
mod group;
mod input;
mod lifecycle;
mod list;
pub mod lookup;
mod progress;
mod prompt;
mod providers;
mod record_table;
mod records;
pub mod report;
mod run;
mod schema;
mod signals;
mod startup_check;
pub mod table;
mod terminal;
pub mod values;

use std::process::ExitCode;

pub use args::GlobalOptions;
pub use clap;
pub use context::Context;
pub use error::{CommandError, Exit};
pub use progress::Progress;
pub use record_table::record_table;
pub use startup_check::check;
pub use terminal::Terminal;

/// A command.
pub trait Command {
    /// Its name, what it is for, and its arguments.
    fn clap(&self) -> clap::Command;

    /// Does it.
    ///
    /// # Errors
    ///
    /// It could not be done: the fault is printed, and decides the exit code.
    fn run(&self, matches: &clap::ArgMatches, context: &mut Context) -> Result<Exit, CommandError>;
}

/// The program: the built-in commands, and those that were added.
pub struct App {
    commands: Vec<Box<dyn Command>>,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.commands.iter().map(|command| command.clap().get_name().to_owned())).finish()
    }
}

impl App {
    /// The built-in commands.
    pub fn new() -> Self {
        Self {
            commands: vec![
                Box::new(list::List),
                Box::new(describe::Describe),
                Box::new(run::Run),
                Box::new(records::Records),
                Box::new(connection::Connection),
                Box::new(providers::Providers),
                Box::new(database::Database),
                Box::new(encryption::Encryption),
                Box::new(schema::Schema),
            ],
        }
    }

    /// Adds a command. It stands first in the help, and replaces a built-in one of its name.
    #[must_use]
    pub fn command(mut self, command: Box<dyn Command>) -> Self {
        let name = command.clap().get_name().to_owned();
        self.commands.retain(|other| other.clap().get_name() != name);
        self.commands.insert(0, command);
        self
    }

    /// Reads the command line of the process and does what it says.
    pub fn main(self) -> ExitCode {
        crate::run::capture_tracing();
        let mut terminal = Terminal::new();
        let exit = self
            .run(&std::env::args_os().collect::<Vec<_>>(), &mut terminal)
            .unwrap_or_else(|fault| terminal.report_error(&fault));
        ExitCode::from(exit.code())
    }

    fn run(&self, line: &[std::ffi::OsString], terminal: &mut Terminal) -> Result<Exit, CommandError> {
        let root = args::root_command(self.commands.iter().map(|command| command.clap()));
        let matches = match root.clone().try_get_matches_from(line) {
            Ok(matches) => matches,
            Err(error) => return args::report_parse_error(&root, line, &error, terminal),
        };
        let Some((name, own)) = matches.subcommand() else {
            return Ok(Exit::Usage);
        };
        let globals = GlobalOptions::from_matches(&matches);
        terminal.set_json(globals.json);
        let Some(command) = self.commands.iter().find(|command| command.clap().get_name() == name) else {
            return Ok(Exit::Usage);
        };
        let mut context = Context::new(&globals)?;
        std::mem::swap(&mut context.terminal, terminal);
        if name != providers::NAME {
            context.warn_of_unreadable_providers();
        }
        let done = command.run(own, &mut context);
        std::mem::swap(&mut context.terminal, terminal);
        context.close();
        done
    }
}

impl Default for App {
    fn default() -> Self {
        Self::new()
    }
}

/// The program without commands of its own: what a `main.rs` calls.
pub fn main() -> ExitCode {
    App::new().main()
}
