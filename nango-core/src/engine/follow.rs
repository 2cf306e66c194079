//! Progress of a run that any process executes, read from the database.

use std::{sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::error::EngineError;
use crate::{
    error::{Error, ErrorKind, Result},
    nango::RunFindings,
    run::{Observer, RunReport, Runtime},
    store::{Run, RunStatus, SharedStore, StoreError, Totals},
};

/// Maximum time between two reads.
const MAX_WAIT: Duration = Duration::from_secs(1);
/// Minimum time between two reads.
const MIN_WAIT: Duration = Duration::from_millis(100);

/// Waits until a run has ended, reports its progress and its log, and returns its report. A run that is interrupted and
/// continued is followed in its next attempt. The cancellation cancels the run.
///
/// # Errors
///
/// Fails if the run does not exist, no process serves the database any more before it starts, or the database fails.
pub(crate) async fn follow_run(
    runtime: &Runtime,
    run: Uuid,
    cancellation: CancellationToken,
    observer: Arc<dyn Observer>,
) -> Result<RunReport> {
    let mut followed = Followed { run, lines: 0, totals: Totals::default(), has_waited: false };
    loop {
        let changed = runtime.store.wait_for_change(MAX_WAIT);
        if cancellation.is_cancelled() {
            runtime.store.cancel_run(followed.run).await.map_err(StoreError::into_error)?;
        }
        if let Some(report) = followed.read(runtime, observer.as_ref()).await? {
            return Ok(report);
        }
        tokio::select! {
            () = cancellation.cancelled(), if !cancellation.is_cancelled() => {}
            _ = changed => runtime.clock.sleep(MIN_WAIT).await,
        }
    }
}

/// Part of a run that was reported so far.
struct Followed {
    run: Uuid,
    lines: usize,
    totals: Totals,
    has_waited: bool,
}

impl Followed {
    /// Reports what is new. Returns the report if the run has ended.
    async fn read(&mut self, runtime: &Runtime, observer: &dyn Observer) -> Result<Option<RunReport>> {
        let store = &runtime.store;
        if let Some(due) = store.due_run(self.run).await.map_err(StoreError::into_error)? {
            let is_served = store.is_served().await.map_err(StoreError::into_error)?;
            if !is_served && store.cancel_run(self.run).await.map_err(StoreError::into_error)? {
                return Err(EngineError::NotServed.into_error());
            }
            if due.is_blocked && !self.has_waited {
                self.has_waited = true;
                observer.on_wait("the run waits for a run of the same sync, or for the limits of active syncs");
            }
            return Ok(None);
        }
        let found = store.run(self.run).await.map_err(StoreError::into_error)?;
        let run = found.ok_or_else(|| EngineError::NoRun(self.run).into_error())?;
        // Read after the run, so that the lines of its end are included.
        let lines = store.logs_after(self.run, self.lines).await.map_err(StoreError::into_error)?;
        for line in &lines {
            observer.on_log(line);
        }
        self.lines += lines.len();
        if run.totals != self.totals {
            self.totals = run.totals.clone();
            observer.on_commit(&run.totals);
        }
        if run.status == RunStatus::Running {
            return Ok(None);
        }
        if run.status == RunStatus::Interrupted
            && let Some(next) = next_attempt(store, &run).await.map_err(StoreError::into_error)?
        {
            observer.on_warning("the run was interrupted, and is continued");
            *self = Self { run: next, lines: 0, totals: Totals::default(), has_waited: false };
            return Ok(None);
        }
        let checkpoint = store.checkpoint(&run.key).await.map_err(StoreError::into_error)?.value;
        Ok(Some(report(run, checkpoint)))
    }
}

/// Returns the run that continues an interrupted one: it is due, or has started since. `None`: it is not continued.
async fn next_attempt(store: &SharedStore, run: &Run) -> Result<Option<Uuid>, StoreError> {
    if let Some(due) = store.due_run_of(&run.key).await? {
        return Ok(Some(due.id));
    }
    let latest = store.runs_of(&run.key, 1).await?.pop();
    Ok(latest.map(|latest| latest.id).filter(|latest| *latest != run.id))
}

/// Returns the report of a run that another process executed.
fn report(run: Run, checkpoint: Option<serde_json::Value>) -> RunReport {
    let error = run.error.as_ref().map(Error::from_stored);
    let error = error.or_else(|| match run.status {
        RunStatus::Cancelled => Some(Error::new(ErrorKind::Interrupted, "the run was cancelled")),
        RunStatus::Interrupted => Some(Error::new(ErrorKind::Interrupted, "the run was interrupted")),
        _ => None,
    });
    let duration = run.duration();
    RunReport {
        run: run.id,
        key: run.key,
        status: run.status,
        totals: run.totals,
        findings: RunFindings::default(),
        resumable: run.status != RunStatus::Success && checkpoint.is_some(),
        checkpoint,
        output: None,
        error,
        started_at: run.started_at,
        duration: duration.unwrap_or_default(),
        waited: Duration::ZERO,
        dry_records: None,
        triggered: Vec::new(),
    }
}
