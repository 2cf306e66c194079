//! Errors of commands, and the exit code of the process.

use std::{fmt, io};

use super::remedy;
use crate::{
    auth::KeyError,
    config::ConfigError,
    error::{Chain, Error, ErrorKind},
    store::{RunStatus, StoreError},
    wire::WireError,
};

/// Exit status of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Exit {
    /// Exit code 0: success, or stdout was closed by its reader.
    Success,
    /// Exit code 1: the run failed.
    Failed,
    /// Exit code 2: usage error or unknown name.
    Usage,
    /// Exit code 3: the database or the configuration cannot be used.
    Setup,
    /// Exit code 130: interrupted.
    Interrupted,
}

impl Exit {
    /// Returns the process exit code.
    pub const fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Setup => 3,
            Self::Interrupted => 130,
        }
    }

    /// Returns the exit status for a run with this status.
    pub(crate) const fn from_run_status(status: RunStatus) -> Self {
        match status {
            RunStatus::Success => Self::Success,
            RunStatus::Interrupted => Self::Interrupted,
            RunStatus::Running | RunStatus::Error | RunStatus::Cancelled => Self::Failed,
        }
    }
}

/// Error of a command: message, class and exit status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandError {
    exit: Exit,
    kind: &'static str,
    message: String,
}

impl CommandError {
    /// Creates an error for a command line with a value or option that does not fit.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, kind: "usage", message: message.into() }
    }

    /// Creates an error for an unknown name.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, kind: "not_found", message: message.into() }
    }

    /// Creates an error for a configuration, or a program, that cannot be used.
    pub fn setup(message: impl Into<String>) -> Self {
        Self { exit: Exit::Setup, kind: "configuration", message: message.into() }
    }

    /// Creates an error for a database that cannot be used.
    pub(crate) fn database(message: impl Into<String>) -> Self {
        Self { exit: Exit::Setup, kind: "database", message: message.into() }
    }

    /// Creates an error for an operation that was tried and failed.
    pub fn failed(message: impl Into<String>) -> Self {
        Self { exit: Exit::Failed, kind: "failed", message: message.into() }
    }

    /// Creates the error for a broken pipe: stdout was closed by its reader. It ends the process with success.
    fn stdout_closed() -> Self {
        Self { exit: Exit::Success, kind: "closed", message: String::new() }
    }

    /// Returns the exit status of the process.
    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// Returns the class for programs: `usage`, `not_found`, `configuration`, `database`, `failed`, or the type of a
    /// run's error.
    pub fn kind(&self) -> &'static str {
        self.kind
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for CommandError {}

impl From<clap::Error> for CommandError {
    /// Converts the error of arguments that do not fit the command.
    fn from(error: clap::Error) -> Self {
        Self::usage(error.to_string())
    }
}

impl From<io::Error> for CommandError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::stdout_closed(),
            _ => Self::failed(format!("cannot write the output: {error}")),
        }
    }
}

impl From<ConfigError> for CommandError {
    fn from(error: ConfigError) -> Self {
        Self::setup(Chain(&error).to_string())
    }
}

impl From<KeyError> for CommandError {
    fn from(error: KeyError) -> Self {
        Self::setup(Chain(&error).to_string())
    }
}

impl From<StoreError> for CommandError {
    fn from(error: StoreError) -> Self {
        let exit = match &error {
            StoreError::Cursor | StoreError::NoConnection { .. } => Exit::Usage,
            StoreError::Busy { .. } | StoreError::LeaseLost | StoreError::CheckpointConflict { .. } => Exit::Failed,
            _ => Exit::Setup,
        };
        let kind = if exit == Exit::Setup { "database" } else { "failed" };
        Self { exit, kind, message: remedy::message(&error.into_error()) }
    }
}

impl From<Error> for CommandError {
    fn from(error: Error) -> Self {
        let message = remedy::message(&error);
        let exit = match (error.kind(), error.find::<StoreError>()) {
            (_, Some(StoreError::Cursor | StoreError::NoConnection { .. })) => Exit::Usage,
            (_, Some(StoreError::Busy { .. } | StoreError::LeaseLost | StoreError::CheckpointConflict { .. })) => {
                Exit::Failed
            }
            (ErrorKind::Store, _) => return Self { exit: Exit::Setup, kind: "database", message },
            (ErrorKind::Connection, _) => Exit::Setup,
            (ErrorKind::Interrupted, _) => Exit::Interrupted,
            _ => Exit::Failed,
        };
        Self { exit, kind: WireError::of(&error).r#type, message }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_code_follows_error_class() {
        let code = |error: CommandError| error.exit().code();
        assert_eq!(code(CommandError::usage("x")), 2);
        assert_eq!(code(StoreError::Cursor.into()), 2);
        assert_eq!(code(StoreError::Full.into()), 3);
        assert_eq!(code(Error::new(ErrorKind::Store, StoreError::Full).into()), 3);
        assert_eq!(code(Error::msg("x").into()), 1);
        assert_eq!(code(Error::new(ErrorKind::Interrupted, "x").into()), 130);
        assert_eq!(code(io::Error::from(io::ErrorKind::BrokenPipe).into()), 0);
        assert_eq!(code(io::Error::from(io::ErrorKind::StorageFull).into()), 1);
        assert_eq!(Exit::from_run_status(RunStatus::Interrupted).code(), 130);
        assert_eq!(Exit::from_run_status(RunStatus::Error).code(), 1);
    }
}
