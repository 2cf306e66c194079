//! Execution of one run: from the lease to the stored result.
//!
//! All functions are called here, so that locking, logging and error handling are the same for each of them.
//! [`execute`] resolves the function and the connection, acquires the lease of the run's key, calls the function with a
//! handle, and stores the result.

use std::sync::Arc;

use serde_json::Value;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    attempt::{self, Continuation},
    call::call_catching_panics,
    dry_run,
    job::Job,
    lease, mapper,
    observer::Observer,
    prepare::{self, PreparedRun},
    record,
    report::{RunReport, TriggeredSync},
    request::{RunRequest, Target},
    resume,
    run_lease::RunLease,
    runtime::Runtime,
    services::{RunFunction, RuntimeServices},
    tracing_log,
};
use crate::{
    declare::{SyncDef, SyncRun},
    error::{Error, ErrorKind, Result},
    nango::{Context, lease_lost},
    recording::{Recorder, RecordingMode},
    store::{
        ClaimedRun, FinishedRun, FunctionKey, NewDueRun, NewRun, NextAttempt, QueuedOptions, RunEnd, RunStatus,
        RunToken, StoreError, failpoint::failpoint,
    },
    time::Timestamp,
};

/// Runs a function and returns the report of the run.
///
/// # Errors
///
/// Fails if the run cannot start: unknown function or connection, credentials that cannot be decrypted, a key that is
/// leased by another run, or a database error. Errors after the start are part of the report.
pub async fn execute(
    runtime: &Arc<Runtime>,
    request: RunRequest,
    cancellation: CancellationToken,
    observer: Arc<dyn Observer>,
) -> Result<RunReport> {
    runtime.start_heartbeat();
    execute_here(runtime, request, cancellation, observer).await
}

/// Runs a function like [`execute`], and records its exchanges. The report is not part of the recording yet.
///
/// # Errors
///
/// Fails like [`execute`], and if the run starts from more records than a recording can have.
pub(crate) async fn execute_recorded(
    runtime: &Arc<Runtime>,
    request: RunRequest,
    recorder: Arc<Recorder>,
    cancellation: CancellationToken,
    observer: Arc<dyn Observer>,
) -> Result<RunReport> {
    runtime.start_heartbeat();
    let runtime = Arc::new(runtime.with_recording(RecordingMode::Record(recorder)));
    execute_here(&runtime, request, cancellation, observer).await
}

async fn execute_here(
    runtime: &Arc<Runtime>,
    request: RunRequest,
    cancellation: CancellationToken,
    observer: Arc<dyn Observer>,
) -> Result<RunReport> {
    let is_dry_run = request.dry_run;
    // The database of a replay is a copy already.
    let needs_copy = is_dry_run && !matches!(runtime.recording, Some(RecordingMode::Replay(_)));
    let copy = if needs_copy { Some(Arc::new(dry_run::runtime(runtime, &request).await?)) } else { None };
    let effective = copy.as_ref().unwrap_or(runtime);
    let mut report = run_one(effective, request, cancellation.clone(), observer.clone()).await?;
    if is_dry_run {
        report.dry_records = Some(dry_run::records(effective, &report).await?);
    }
    Ok(report)
}

async fn run_one(
    runtime: &Arc<Runtime>,
    request: RunRequest,
    cancellation: CancellationToken,
    observer: Arc<dyn Observer>,
) -> Result<RunReport> {
    let job = Job::resolve(&runtime.registry, &request)?;
    let mut prepared = prepare::prepare(runtime, &request, &job).await?;
    if let Some(RecordingMode::Record(_)) = runtime.recording {
        prepared.recorded = Some(request);
    }
    let services = services(runtime, observer, true);
    let mut report = execute_prepared(runtime, prepared, job, cancellation.clone(), services.clone()).await?;
    run_triggered_syncs(runtime, &services, &mut report, &cancellation).await;
    Ok(report)
}

/// Creates the services of a run. `accepts_syncs` is false while the connection is being validated or removed.
pub(super) fn services(
    runtime: &Arc<Runtime>,
    observer: Arc<dyn Observer>,
    accepts_syncs: bool,
) -> Arc<RuntimeServices> {
    let run: RunFunction = |runtime, request, cancellation, observer| {
        Box::pin(async move { run_one(&runtime, request, cancellation, observer).await })
    };
    Arc::new(RuntimeServices::new(runtime.clone(), run, observer, accepts_syncs))
}

/// Runs the syncs that a function requested, unless they became due with the end of its run. A sync that cannot start
/// does not undo the effects of the function.
pub(super) async fn run_triggered_syncs(
    runtime: &Arc<Runtime>,
    services: &RuntimeServices,
    report: &mut RunReport,
    cancellation: &CancellationToken,
) {
    let triggered = services.take_triggered();
    for sync in triggered {
        if cancellation.is_cancelled() || report.status != RunStatus::Success {
            return;
        }
        let (integration, connection) = (report.key.integration.clone(), report.key.connection.clone());
        let next = RunRequest::new(integration, Target::Sync(sync.clone()), connection);
        let outcome = Box::pin(run_one(runtime, next, cancellation.clone(), services.observer.clone())).await;
        report.triggered.push(TriggeredSync { sync, outcome });
    }
}

/// Acquires the lease of the run's key, calls the function, and ends the run.
pub(super) async fn execute_prepared(
    runtime: &Arc<Runtime>,
    prepared: PreparedRun,
    job: Job,
    cancellation: CancellationToken,
    services: Arc<RuntimeServices>,
) -> Result<RunReport> {
    let exclusive = matches!(job, Job::Sync(_));
    let new = NewRun {
        key: prepared.key.clone(),
        connection: prepared.connection_row(),
        exclusive,
        lease: runtime.config.lease,
    };
    if prepared.write_later && !exclusive && new.connection.is_some() && runtime.finished_runs.is_open() {
        let lease = RunLease::deferred(runtime.store.clone(), new, runtime.clock.uuid(), cancellation.clone());
        let start = RunStart { lease, claimed: None };
        return execute_started(runtime, prepared, job, start, cancellation, services).await;
    }
    let started = runtime.clock.instant();
    let token = lease::acquire(&runtime.store, &new, &cancellation, services.observer.as_ref()).await?;
    let lease = RunLease::acquired(runtime.store.clone(), token, runtime.config.lease, cancellation.clone());
    let waited = runtime.clock.instant().saturating_duration_since(started);
    let start = RunStart { lease, claimed: None };
    let mut report = execute_started(runtime, prepared, job, start, cancellation, services).await?;
    report.duration += waited;
    Ok(report)
}

/// Start of a run.
pub(super) struct RunStart {
    pub(super) lease: RunLease,
    /// The attempt, if a claim has started the run.
    pub(super) claimed: Option<ClaimedRun>,
}

/// Calls the function of a run, and ends the run.
pub(super) async fn execute_started(
    runtime: &Arc<Runtime>,
    mut prepared: PreparedRun,
    job: Job,
    start: RunStart,
    cancellation: CancellationToken,
    services: Arc<RuntimeServices>,
) -> Result<RunReport> {
    let RunStart { lease, claimed } = start;
    let started = runtime.clock.instant();
    let begun = record::begin(runtime, &prepared).await;
    let started_at = runtime.store.now();
    let setup = std::mem::take(&mut prepared.setup);
    let connection = prepared.connection_row();
    let parts = prepared.into_context_parts(runtime, lease.write_token(), cancellation.clone(), services.clone());
    let context = Arc::new(Context::new(parts));
    let work = async {
        begun?;
        setup.apply(&context, &job).await?;
        failpoint!("run:before-call");
        call_catching_panics(runtime, context.clone(), &job).await
    };
    let outcome = tracing_log::in_run(context.clone(), Box::pin(work)).await;
    let lost = lease.stop();
    let outcome = if lost { outcome.and(Err(lease_lost())) } else { outcome };
    let (output, mut error, mut status) = match outcome {
        Ok(output) => (output, None, RunStatus::Success),
        Err(error) => {
            let error = match context.current_token() {
                Some(token) => lease::with_lease_loss_reason(runtime, token, error).await,
                None => error,
            };
            let status = match error.kind() {
                ErrorKind::Interrupted | ErrorKind::LeaseLost => RunStatus::Interrupted,
                _ => RunStatus::Error,
            };
            (None, Some(error), status)
        }
    };
    failpoint!("run:before-end");
    let mut next = None;
    if let (RunStatus::Interrupted, Some(claimed)) = (status, &claimed) {
        match attempt::continuation(runtime, claimed, context.totals().pages).await? {
            Some(Continuation::Next(attempt)) => next = Some(attempt),
            Some(Continuation::NoProgress) => (error, status) = (Some(Continuation::no_progress()), RunStatus::Error),
            None => {}
        }
    }
    let error = error.map(|error| error.redacted(context.client().redactor()));
    let triggered = match status {
        RunStatus::Success if runtime.queues_syncs() => due_syncs(runtime, &context, &services),
        _ => Vec::new(),
    };
    let end = RunEnd { error: error.as_ref().map(Error::to_stored), triggered, ..RunEnd::new(status) };
    let mut ended = Ended { run: Uuid::nil(), status, checkpoint: None, walks: false };
    match (context.current_token(), connection) {
        (None, Some(connection)) if end.triggered.is_empty() => {
            ended.run = write_later(runtime, &context, connection, started_at, end).await?;
        }
        _ => ended = write_end(runtime, &context, &job, end, next).await?,
    }
    let Ended { run, status, checkpoint, walks } = ended;
    let duration = runtime.clock.instant().saturating_duration_since(started);
    if let Some(listener) = runtime.listener.get() {
        listener.on_run_end(context.key().kind, status, duration, &context.totals());
    }
    Ok(RunReport {
        run,
        key: context.key().clone(),
        status,
        totals: context.totals(),
        findings: context.findings(),
        resumable: status != RunStatus::Success && (walks || checkpoint.is_some()),
        checkpoint,
        output,
        error,
        started_at,
        duration,
        waited: context.client().rate_limit_wait(),
        dry_records: None,
        triggered: Vec::new(),
    })
}

/// Removes the syncs that the function triggered from its services, and returns them as due runs, which are written
/// with the end of the run: if the process stops then, they are not lost.
fn due_syncs(runtime: &Runtime, context: &Context, services: &RuntimeServices) -> Vec<NewDueRun> {
    let FunctionKey { integration, connection, .. } = context.key();
    let due = |sync| NewDueRun {
        key: FunctionKey::sync(integration, connection, sync),
        due_at: runtime.store.now(),
        options: QueuedOptions::default(),
    };
    services.take_triggered().into_iter().map(due).collect()
}

/// Stored end of a run.
struct Ended {
    run: Uuid,
    status: RunStatus,
    checkpoint: Option<Value>,
    /// Whether the next run can resume a walk.
    walks: bool,
}

/// Adds a run that has written nothing to those that are written later, and returns its id.
async fn write_later(
    runtime: &Runtime,
    context: &Context,
    connection: i64,
    started_at: Timestamp,
    end: RunEnd,
) -> Result<Uuid> {
    let (logs, requests) = context.take_pending();
    let id = context.run_id();
    let RunEnd { status, error, .. } = end;
    let (key, finished_at) = (context.key().clone(), runtime.store.now());
    let run = FinishedRun { id, key, connection, status, started_at, finished_at, error, requests, logs };
    if let Err(run) = runtime.finished_runs.add(run) {
        runtime.store.write_finished_runs(vec![*run]).await.map_err(StoreError::into_error)?;
    }
    Ok(id)
}

/// Ends a run in the database, and reads the state in which it left its function.
async fn write_end(
    runtime: &Runtime,
    context: &Context,
    job: &Job,
    end: RunEnd,
    next: Option<NextAttempt>,
) -> Result<Ended> {
    let token = context.token().await?;
    let status = end_run(runtime, context, token, end, next).await?;
    failpoint!("run:ended");
    let checkpoint = runtime.store.checkpoint(context.key()).await.map_err(StoreError::into_error)?.value;
    let resume = runtime.store.resume_state(context.key()).await.map_err(StoreError::into_error)?;
    let tokens_only = match job {
        Job::Sync(def @ SyncDef { run: SyncRun::Mapper(mapper), .. }) => mapper::requires_token(def, mapper),
        _ => false,
    };
    let walks = resume.is_some_and(|sealed| resume::has_resumable_walk(runtime, context.key(), &sealed, tokens_only));
    Ok(Ended { run: token.id, status, checkpoint, walks })
}

async fn end_run(
    runtime: &Runtime,
    context: &Context,
    token: RunToken,
    end: RunEnd,
    next: Option<NextAttempt>,
) -> Result<RunStatus> {
    let (logs, requests) = context.take_pending();
    let status = end.status;
    let end = RunEnd { requests, logs, ..end };
    match runtime.store.end_attempt(&token, end, next).await {
        Ok(_) => Ok(status),
        // The run that took over the key has ended this run already; its stored status is authoritative.
        Err(StoreError::LeaseLost) => {
            let ended = runtime.store.run(token.id).await.map_err(StoreError::into_error)?;
            Ok(ended.map_or(RunStatus::Interrupted, |run| run.status))
        }
        Err(error) => Err(error.into_error()),
    }
}
