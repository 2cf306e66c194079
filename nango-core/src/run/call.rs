//! Call of the function of a run.

use std::{panic::AssertUnwindSafe, sync::Arc};

use futures_util::FutureExt;
use serde_json::Value;

use super::{job::Job, mapper, runtime::Runtime};
use crate::{
    declare::{Handle, SyncRun},
    error::{Error, Result},
    nango::{Context, Nango},
};

/// Calls the function and converts a panic into an error, so that the run is ended in either case.
pub(super) async fn call_catching_panics(
    runtime: &Arc<Runtime>,
    context: Arc<Context>,
    job: &Job,
) -> Result<Option<Value>> {
    match AssertUnwindSafe(call(runtime, context, job)).catch_unwind().await {
        Ok(outcome) => outcome,
        Err(panic) => {
            let text = panic.downcast_ref::<&str>().map(ToString::to_string);
            let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
            Err(Error::msg(format!("the function panicked: {text}")))
        }
    }
}

async fn call(runtime: &Arc<Runtime>, context: Arc<Context>, job: &Job) -> Result<Option<Value>> {
    let handle = Handle::from(Nango::new(context.clone()));
    match job {
        Job::Sync(def) => match &def.run {
            SyncRun::Function(run) => run(handle).await.map(|()| None),
            SyncRun::Mapper(mapper) => mapper::walk(runtime, context, def, mapper).await.map(|()| None),
        },
        Job::Action(def, input) => (def.run)(handle, input.clone()).await.map(Some),
        Job::Webhook(def, payload) => (def.run)(handle, payload.clone()).await.map(|()| None),
        Job::Event(def) => (def.run)(handle).await.map(|()| None),
    }
}
