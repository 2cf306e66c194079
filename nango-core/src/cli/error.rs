//! Why a command could not do what was asked, and the number that the process ends with.

use std::{fmt, io};

use crate::{
    config::ConfigError,
    error::{Error, ErrorKind},
    store::{RunStatus, StoreError},
    wire::WireError,
};

/// How the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0
    Success,
    /// 1: the run failed.
    Failed,
    /// 2: the command line asks for something that is not there.
    Usage,
    /// 3: the database or the configuration cannot be used.
    Setup,
    /// 130: it was interrupted.
    Interrupted,
}

impl Exit {
    /// The number.
    pub const fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Setup => 3,
            Self::Interrupted => 130,
        }
    }

    /// How a process ends whose run ended like this.
    pub const fn from_run_status(status: RunStatus) -> Self {
        match status {
            RunStatus::Success => Self::Success,
            RunStatus::Interrupted => Self::Interrupted,
            RunStatus::Running | RunStatus::Error | RunStatus::Cancelled => Self::Failed,
        }
    }
}

/// Why a command could not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandError {
    exit: Exit,
    kind: &'static str,
    message: String,
}

impl CommandError {
    /// The command line asks for something that is not there, or does not fit.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, kind: "usage", message: message.into() }
    }

    /// A name that is not there.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, kind: "not_found", message: message.into() }
    }

    /// The configuration, or the program itself, cannot be used.
    pub fn setup(message: impl Into<String>) -> Self {
        Self { exit: Exit::Setup, kind: "configuration", message: message.into() }
    }

    /// What was asked was tried and failed.
    pub fn failed(message: impl Into<String>) -> Self {
        Self { exit: Exit::Failed, kind: "failed", message: message.into() }
    }

    /// Whoever reads the output has had enough.
    fn stdout_closed() -> Self {
        Self { exit: Exit::Success, kind: "closed", message: String::new() }
    }

    /// How the process ends.
    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// The class, for programs: `usage`, `not_found`, `configuration`, `database`, `failed`, or the type of an error of
    /// a run.
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

impl From<io::Error> for CommandError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::stdout_closed(),
            _ => Self::failed(format!("the output cannot be written: {error}")),
        }
    }
}

impl From<ConfigError> for CommandError {
    fn from(error: ConfigError) -> Self {
        Self::setup(error.to_string())
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
        Self { exit, kind, message: Error::from(error).to_string() }
    }
}

impl From<Error> for CommandError {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        let exit = match (error.kind(), error.downcast_ref::<StoreError>()) {
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
        let code = |fault: CommandError| fault.exit().code();
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
