//! Commands of the `registry` binary, one file per command.
//!
//! The `main.rs` of a crate of integrations calls [`main`], or adds commands of its own to an [`App`] first. A command
//! receives a [`Context`] with the configuration, the registry, the database and a [`Terminal`]. The tables and reports
//! that the built-in commands print are public, so that an added command looks the same.
//!
//! Guarantees for scripts:
//! - With `--json`, stdout is exactly one JSON document (`records --follow` prints one for each record); everything
//!   else goes to stderr. If the command fails before it prints a result, that document is
//!   `{ "error": { "type", "message" } }`.
//! - Exit codes: 0 success, 1 the run failed, 2 usage error or unknown name, 3 database or configuration, 130
//!   interrupted. A reader that closes the pipe is not an error.
//! - Secrets are printed only with `--show-secrets`, and by the commands that create or print a key.

mod api_keys;
mod args;
mod completions;
mod connection;
mod context;
mod database;
mod dataset;
mod describe;
mod doctor;
mod encryption;
mod error;
mod exposed_files;
mod group;
#[cfg(feature = "server")]
mod import;
mod input;
mod key_file;
mod lifecycle;
mod list;
mod lookup;
mod progress;
mod prompt;
mod providers;
mod record;
mod record_table;
mod records;
mod remedy;
mod replay;
pub(crate) mod report;
mod run;
mod runs;
mod schedules;
mod schema;
#[cfg(feature = "server")]
mod serve;
mod shell;
mod signals;
mod startup_check;
mod table;
mod terminal;
mod test;
mod value_check;
mod values;
mod webhooks;

use std::process::ExitCode;

use crate::store;
#[cfg(feature = "server")]
#[doc(hidden)]
pub use api_keys::{FirstKey, find_or_create_key};
pub(crate) use args::GlobalOptions;
pub use clap;
pub use context::Context;
pub use error::{CommandError, Exit};
#[doc(hidden)]
pub use progress::Progress;
#[doc(hidden)]
pub use record_table::record_table;
#[cfg(feature = "server")]
#[doc(hidden)]
pub use serve::OpenServer;
pub use terminal::Terminal;

/// A command of the `registry` binary.
///
/// Implement it to add a command with [`App::command`].
pub trait Command {
    /// Returns the name, the description and the arguments of the command.
    fn clap(&self) -> clap::Command;

    /// Runs the command.
    ///
    /// # Errors
    ///
    /// Fails if the command fails. The error is printed and determines the exit code.
    fn run(&self, matches: &clap::ArgMatches, context: &mut Context) -> Result<Exit, CommandError>;
}

/// The program: the built-in commands and the commands that were added to them.
pub struct App {
    commands: Vec<Box<dyn Command>>,
    commit: Option<&'static str>,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.commands.iter().map(|command| command.clap().get_name().to_owned())).finish()
    }
}

impl App {
    /// Returns a program with the built-in commands.
    pub fn new() -> Self {
        Self {
            commands: vec![
                Box::new(list::List),
                Box::new(describe::Describe),
                Box::new(run::Run),
                Box::new(replay::ReplayRecording),
                Box::new(schedules::Schedules),
                Box::new(runs::Runs),
                Box::new(records::Records),
                #[cfg(feature = "server")]
                Box::new(serve::Serve),
                Box::new(doctor::Doctor),
                Box::new(connection::Connection),
                #[cfg(feature = "server")]
                Box::new(import::Import),
                Box::new(providers::Providers),
                Box::new(database::Database),
                Box::new(encryption::Encryption),
                Box::new(api_keys::ApiKeys),
                Box::new(webhooks::Webhooks),
                Box::new(schema::Schema),
                Box::new(test::Test),
            ],
            commit: None,
        }
    }

    /// Adds a command. The help lists it first; it replaces a built-in command of the same name.
    #[must_use]
    pub fn command(mut self, command: Box<dyn Command>) -> Self {
        let name = command.clap().get_name().to_owned();
        self.commands.retain(|other| other.clap().get_name() != name);
        self.commands.insert(0, command);
        self
    }

    /// Sets the commit that `--version` prints, such as `option_env!("NANGO_BUILD_COMMIT")` of a build script; default:
    /// none.
    #[must_use]
    pub fn commit(self, commit: Option<&'static str>) -> Self {
        Self { commit, ..self }
    }

    /// Returns the text of `--version`: version, commit, and the schema versions of databases that this program reads
    /// and writes.
    fn version(&self) -> String {
        let commit = self.commit.map(|commit| format!("commit {commit}, ")).unwrap_or_default();
        let sqlite = store::sqlite::SCHEMA_VERSION;
        #[cfg(feature = "postgres")]
        let postgres = format!(", PostgreSQL schema {}", store::postgres::SCHEMA_VERSION);
        #[cfg(not(feature = "postgres"))]
        let postgres = "";
        format!("{} ({commit}SQLite schema {sqlite}{postgres})", env!("CARGO_PKG_VERSION"))
    }

    /// Parses the arguments of the process and runs the selected command. Returns the exit code.
    pub fn main(self) -> ExitCode {
        crate::run::capture_tracing();
        let mut terminal = Terminal::new();
        let exit = self
            .run(&std::env::args_os().collect::<Vec<_>>(), &mut terminal)
            .unwrap_or_else(|error| terminal.report_error(&error));
        ExitCode::from(exit.code())
    }

    fn run(&self, args: &[std::ffi::OsString], terminal: &mut Terminal) -> Result<Exit, CommandError> {
        let root = args::root_command(self.commands.iter().map(|command| command.clap()), self.version());
        let matches = match root.clone().try_get_matches_from(args) {
            Ok(matches) => matches,
            Err(error) => return args::report_parse_error(&root, args, &error, terminal),
        };
        let Some((name, own)) = matches.subcommand() else {
            return Ok(Exit::Usage);
        };
        let globals = GlobalOptions::from_matches(&matches);
        terminal.set_json(globals.json);
        terminal.set_quiet(globals.quiet);
        match name {
            completions::COMPLETIONS => return completions::complete(root, own, terminal),
            completions::MAN => return completions::write_manual(root, own, terminal),
            _ => {}
        }
        let Some(command) = self.commands.iter().find(|command| command.clap().get_name() == name) else {
            return Ok(Exit::Usage);
        };
        let mut context = match Context::new(&globals) {
            Err(error) if name == doctor::NAME => return doctor::report_unusable(terminal, &error),
            context => context?,
        };
        std::mem::swap(&mut context.terminal, terminal);
        if name != providers::NAME && name != doctor::NAME {
            context.warn_of_unreadable_providers();
        }
        let result = command.run(own, &mut context);
        context.report_created_keys();
        std::mem::swap(&mut context.terminal, terminal);
        context.close();
        result
    }
}

impl Default for App {
    fn default() -> Self {
        Self::new()
    }
}

/// Runs the program with the built-in commands only. This is the whole `main` of a crate of integrations.
pub fn main() -> ExitCode {
    App::new().main()
}
