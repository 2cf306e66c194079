//! Services for running functions: calls of other functions of their connection, and notification of the observer.

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::{
    observer::Observer,
    report::RunReport,
    request::{RunRequest, Target},
    runtime::Runtime,
};
use crate::{
    declare::{ActionDef, BoxFuture, Registry},
    error::{Error, Result},
    http::WaitObserver,
    nango::{Context, RunServices, lock_state},
    store::{LogLine, Totals},
};

/// Function that executes a run. It is passed in, because `execute` imports this module.
pub(super) type RunFunction =
    fn(Arc<Runtime>, RunRequest, CancellationToken, Arc<dyn Observer>) -> BoxFuture<Result<RunReport>>;

/// Services of one run.
pub(super) struct RuntimeServices {
    runtime: Arc<Runtime>,
    run: RunFunction,
    pub(super) observer: Arc<dyn Observer>,
    triggered: Mutex<Vec<String>>,
    /// Whether syncs may be triggered. They may not while the connection is being validated or removed.
    accepts_syncs: bool,
}

impl RuntimeServices {
    pub(super) fn new(
        runtime: Arc<Runtime>,
        run: RunFunction,
        observer: Arc<dyn Observer>,
        accepts_syncs: bool,
    ) -> Self {
        Self { runtime, run, observer, triggered: Mutex::default(), accepts_syncs }
    }

    /// Removes and returns the syncs that were triggered since the last call, in order.
    pub(super) fn take_triggered(&self) -> Vec<String> {
        std::mem::take(&mut *lock_state(&self.triggered))
    }
}

impl WaitObserver for RuntimeServices {
    fn on_wait(&self, what: &str) {
        self.observer.on_wait(what);
    }
}

impl fmt::Debug for RuntimeServices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RuntimeServices").finish_non_exhaustive()
    }
}

impl RunServices for RuntimeServices {
    fn trigger_action(
        &self,
        caller: &Arc<Context>,
        action: &'static ActionDef,
        input: Value,
    ) -> BoxFuture<Result<Value>> {
        let (runtime, observer) = (self.runtime.clone(), self.observer.clone());
        let cancellation = caller.cancellation().clone();
        let integration = runtime.registry.integration_of(action);
        let function = Target::Action { name: action.name.to_owned(), input };
        let request = RunRequest::new(integration, function, caller.key().connection.clone());
        let started = (self.run)(runtime, request, cancellation, observer);
        Box::pin(async move {
            let name = action.name;
            let report = started.await?;
            match report.error {
                Some(error) => Err(error.context(format!("the triggered action `{name}` failed"))),
                None => Ok(report.output.unwrap_or(Value::Null)),
            }
        })
    }

    fn trigger_sync(&self, caller: &Arc<Context>, sync: &str) -> Result<()> {
        let integration = &caller.key().integration;
        if !self.accepts_syncs {
            return Err(Error::msg(format!(
                "`{sync}` cannot be triggered here: the connection is being validated or removed. \
                 Trigger it in an `#[on_event(post_connection_creation)]` function"
            )));
        }
        if self.runtime.registry.sync(integration, sync).is_none() {
            let names: Vec<&str> = self
                .runtime
                .registry
                .syncs()
                .filter(|(entry, _)| entry.integration() == integration)
                .map(|(_, def)| def.name)
                .collect();
            return Err(Error::msg(Registry::unknown_message(&format!("sync of `{integration}` named"), sync, &names)));
        }
        lock_state(&self.triggered).push(sync.to_owned());
        Ok(())
    }

    fn on_log(&self, line: &LogLine) {
        self.observer.on_log(line);
    }

    fn on_commit(&self, totals: &Totals) {
        self.observer.on_commit(totals);
    }
}
