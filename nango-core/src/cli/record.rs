//! `registry run --record`: the recording of a run.

use std::{fs, io, path::Path, sync::Arc};

use super::{CommandError, Context, Exit, report, shell::shell_quoted};
use crate::{
    error::Error,
    recording::Recorder,
    run::{RunReport, RunRequest, Runtime, TooManyRecords, execute_recorded},
};

/// Executes a run, records it in a new file, and prints its report.
///
/// # Errors
///
/// Fails if the file exists or cannot be created, and if the run cannot start. Then there is no file.
pub(super) fn run(
    context: &mut Context,
    runtime: &Arc<Runtime>,
    request: RunRequest,
    path: &Path,
) -> Result<Exit, CommandError> {
    let recorder = Arc::new(Recorder::create(path).map_err(|error| create_error(path, &error))?);
    context.terminal.note(format_args!(
        "note: {} will contain the responses of the API without credentials; they may contain personal data: review \
         the file before you share it",
        path.display()
    ));
    let started = {
        let (runtime, recorder) = (runtime.clone(), recorder.clone());
        context.execute_with(&runtime, |stop, observer| execute_recorded(&runtime, request, recorder, stop, observer))
    };
    let report = match started {
        Ok(report) if too_many_records(&report).is_none() => report,
        failed => {
            // It contains nothing that could be replayed.
            let _ = fs::remove_file(path);
            let report = failed?;
            return Err(too_many_records(&report).unwrap_or_else(|| CommandError::failed("the run was not recorded")));
        }
    };
    let document = report::document(&report)?;
    let ended = recorder.end(document);
    let exit = report::print(&mut context.terminal, &report)?;
    match ended {
        Ok(()) => {
            context
                .terminal
                .hint(format_args!("Replay it: registry replay {}", shell_quoted(&path.display().to_string())));
            Ok(exit)
        }
        Err(error) => {
            context.terminal.note(format_args!(
                "error: the recording {} is incomplete and cannot be replayed: {error}",
                path.display()
            ));
            Ok(if exit == Exit::Success { Exit::Failed } else { exit })
        }
    }
}

fn create_error(path: &Path, error: &io::Error) -> CommandError {
    let path = path.display();
    match error.kind() {
        io::ErrorKind::AlreadyExists => CommandError::usage(format!(
            "--record: {path} exists, and a recording never overwrites a file: remove it, or choose another name"
        )),
        _ => CommandError::usage(format!("--record: {path} cannot be created: {error}")),
    }
}

/// Returns the error of a run that starts from too many records, with what to do.
fn too_many_records(report: &RunReport) -> Option<CommandError> {
    let error = report.error.as_ref().and_then(Error::find::<TooManyRecords>)?;
    Some(CommandError::failed(format!(
        "{error}. Record with an empty cache: choose another database with `--database`, or a connection with fewer \
         records"
    )))
}
