//! Execution of a run that a claim has started.

use std::{sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

use super::{
    execute::{RunStart, execute_started, run_triggered_syncs, services},
    job::Job,
    observer::Observer,
    prepare,
    report::RunReport,
    request::{RunRequest, Target},
    run_lease::RunLease,
    runtime::Runtime,
};
use crate::{
    error::{Error, Result},
    store::{ClaimedRun, QueuedOptions, RunEnd, RunStatus, StoreError},
};

/// Executes a run that a claim has started. The run is ended in any case, unless the database fails.
///
/// # Errors
///
/// Fails if the run cannot be prepared, or the database fails.
pub(crate) async fn execute_claimed(
    runtime: &Arc<Runtime>,
    claimed: ClaimedRun,
    cancellation: CancellationToken,
    observer: Arc<dyn Observer>,
) -> Result<RunReport> {
    runtime.start_heartbeat();
    let token = claimed.token;
    let lease = runtime.config.lease;
    let lease = RunLease::acquired(runtime.store.clone(), token, lease, cancellation.clone());
    let request = request_of(&claimed);
    let prepared = async {
        let job = Job::resolve(&runtime.registry, &request)?;
        let prepared = prepare::prepare(runtime, &request, &job).await?;
        Ok::<_, Error>((job, prepared))
    };
    let (job, prepared) = match prepared.await {
        Ok(prepared) => prepared,
        Err(error) => {
            lease.stop();
            let end = RunEnd { error: Some(error.to_stored()), ..RunEnd::new(RunStatus::Error) };
            return match runtime.store.end_attempt(&token, end, None).await {
                Ok(ended) => {
                    if let Some(listener) = runtime.listener.get() {
                        listener.on_run_end(ended.key.kind, ended.status, Duration::ZERO, &ended.totals);
                    }
                    Err(error)
                }
                Err(StoreError::LeaseLost) => Err(error),
                Err(error) => Err(error.into_error()),
            };
        }
    };
    let services = services(runtime, observer, true);
    let start = RunStart { lease, claimed: Some(claimed) };
    let mut report = execute_started(runtime, prepared, job, start, cancellation.clone(), services.clone()).await?;
    run_triggered_syncs(runtime, &services, &mut report, &cancellation).await;
    Ok(report)
}

fn request_of(claimed: &ClaimedRun) -> RunRequest {
    let key = &claimed.key;
    let QueuedOptions { reset, empty_cache, full, allow_deletes } = claimed.options;
    RunRequest {
        variant: key.variant.clone(),
        reset,
        empty_cache,
        full,
        allow_deletes,
        ..RunRequest::new(&key.integration, Target::Sync(key.function.clone()), &key.connection)
    }
}
