//! What functions ask of the floor that executes them: other functions of their connection.

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use serde_json::Value;

use super::{Instance, Observer, RunRequest, Target, run_one};
use crate::{
    declare::{ActionDef, BoxFuture, Registry, integration_key},
    error::{Error, Result},
    http::Watch,
    nango::{Context, Host, lock_state},
    store::{LogLine, Totals},
};

/// The host of one run.
pub(super) struct RunHost {
    instance: Arc<Instance>,
    pub(super) observer: Arc<dyn Observer>,
    triggered: Mutex<Vec<String>>,
    /// Whether syncs may be asked for: not while the connection is being validated or removed.
    takes_syncs: bool,
}

impl RunHost {
    pub(super) fn new(instance: Arc<Instance>, observer: Arc<dyn Observer>, takes_syncs: bool) -> Self {
        Self { instance, observer, triggered: Mutex::default(), takes_syncs }
    }

    /// The syncs that were asked for since this was last called, in order.
    pub(super) fn take_triggered(&self) -> Vec<String> {
        std::mem::take(&mut *lock_state(&self.triggered))
    }
}

impl Watch for RunHost {
    fn waiting(&self, what: &str) {
        self.observer.waiting(what);
    }
}

impl fmt::Debug for RunHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunHost").finish_non_exhaustive()
    }
}

impl Host for RunHost {
    fn trigger(&self, caller: &Arc<Context>, action: &'static ActionDef, input: Value) -> BoxFuture<Result<Value>> {
        let (instance, observer) = (self.instance.clone(), self.observer.clone());
        let stop = caller.stop().clone();
        let integration = integration_key(action.integration);
        let function = Target::Action { name: action.name.to_owned(), input };
        let request = RunRequest::new(integration, function, caller.key().connection.clone());
        Box::pin(async move {
            let name = action.name;
            let report = run_one(&instance, request, stop, observer).await?;
            match report.error {
                Some(error) => Err(error.context(format!("the triggered action `{name}`"))),
                None => Ok(report.output.unwrap_or(Value::Null)),
            }
        })
    }

    fn trigger_sync(&self, caller: &Arc<Context>, sync: &str) -> Result<()> {
        let integration = &caller.key().integration;
        if !self.takes_syncs {
            return Err(Error::msg(format!(
                "`{sync}` cannot be triggered here: the connection is being validated or removed. \
                 Trigger it in an `#[on_event(post_connection_creation)]` function"
            )));
        }
        if self.instance.registry.sync(integration, sync).is_none() {
            let names: Vec<&str> = self
                .instance
                .registry
                .syncs()
                .filter(|(entry, _)| entry.integration() == integration)
                .map(|(_, def)| def.name)
                .collect();
            return Err(Error::msg(Registry::unknown(&format!("sync of `{integration}` named"), sync, &names)));
        }
        lock_state(&self.triggered).push(sync.to_owned());
        Ok(())
    }

    fn logged(&self, line: &LogLine) {
        self.observer.log(line);
    }

    fn committed(&self, totals: &Totals) {
        self.observer.page(totals);
    }
}
