//! Runs of annotated functions on a mock, by the engine that also runs them in the program.

use std::{future::IntoFuture, pin::Pin, sync::Arc};

use serde::Serialize;
use serde_json::Value;

use super::{
    mock::{Logs, Mock},
    report::Report,
    setup::{NAME, builtin_provider, unauthenticated},
};
use crate::{
    config::Config,
    declare::{Entry, Item, Registry},
    error::Result,
    nango::lock_state,
    provider::Catalogue,
    run::{Observer, RunRequest, Runtime, Target, execute},
    store::{BASE_VARIANT, FunctionKey, LogLine},
};

/// A run of a function on a [`Mock`], which starts when it is awaited. See [`Mock::run`].
#[derive(Debug)]
#[must_use = "a run starts when it is awaited: `mock.run(function).await?`"]
pub struct Run {
    mock: Mock,
    item: Item,
    input: Option<Value>,
    webhook: Option<(String, Value)>,
    full: bool,
    allow_deletes: bool,
    reset: bool,
}

impl Mock {
    /// Runs an annotated function as the program does, and returns the report of the run:
    ///
    /// - a sync: `mock.run(repo_issues).await?`. A mapper requests its endpoint, page by page, with everything that its
    ///   attribute declares: `since`, deletes, `on_invalid`, resume.
    /// - an action: `mock.run(create_issue).input(input).await?.output::<Issue>()`
    /// - a webhook handler: `mock.run(issue_changed).webhook("issues.edited", payload).await?`
    /// - a function of an event: `mock.run(check_repository).await?`
    ///
    /// The runs of one mock use one connection and one database: a second run of a sync sees what the first one stored,
    /// resumes it if it was interrupted, and requests only changes if the sync declares `since`. Waits take no time.
    /// The default provider is the entry of the built-in catalogue that has the name of the integration, if there is
    /// one. The connection has no credentials.
    ///
    /// # Panics
    ///
    /// Panics if the function has no attribute, or is not linked into the program.
    #[track_caller]
    pub fn run<F>(&self, function: F) -> Run {
        drop(function);
        let item = Registry::item_of(std::any::type_name::<F>()).unwrap_or_else(|message| panic!("{message}"));
        let mock = self.clone();
        Run { mock, item, input: None, webhook: None, full: false, allow_deletes: false, reset: false }
    }

    /// Returns the runtime for the functions of an integration, which is created on its first run.
    fn runtime(&self, integration: &str) -> Arc<Runtime> {
        if let Some(runtime) = self.settings(|settings| settings.runtimes.get(integration).cloned()) {
            return runtime;
        }
        let settings = self.settings(|settings| settings.clone());
        let registry = Registry::of_integration(integration, NAME).unwrap_or_else(|errors| {
            let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
            panic!("the functions of `{integration}` cannot be loaded: {}", errors.join("; "))
        });
        let provider = settings.provider.as_deref().map(builtin_provider);
        let provider = provider.or_else(|| Catalogue::builtin().get(integration).cloned());
        let config = Config { environment: settings.environment, ..Config::default() };
        let database = self.database();
        let (store, ring) = (database.store(), database.ring.clone());
        let (transport, clock) = (Arc::new(self.api().clone()), self.clock().clone());
        let catalogue = Catalogue::of(NAME, unauthenticated(provider));
        let runtime = Arc::new(Runtime::new(registry, catalogue, config, store, ring, transport, clock));
        self.settings(|settings| settings.runtimes.insert(integration.to_owned(), runtime.clone()));
        runtime
    }
}

impl Run {
    /// Sets the input of an action.
    ///
    /// # Panics
    ///
    /// Panics if the function is not an action, or the value cannot be written as JSON.
    #[track_caller]
    pub fn input(mut self, input: impl Serialize) -> Self {
        let name = self.name();
        assert!(matches!(self.item, Item::Action(_)), "`{name}` has no input: it is not an `#[action]`");
        self.input = Some(json(input, "input"));
        self
    }

    /// Sets type and payload of the webhook that a handler receives.
    ///
    /// # Panics
    ///
    /// Panics if the function is not a webhook handler, or the payload cannot be written as JSON.
    #[track_caller]
    pub fn webhook(mut self, r#type: &str, payload: impl Serialize) -> Self {
        let name = self.name();
        assert!(matches!(self.item, Item::Webhook(_)), "`{name}` receives no webhook: it has no `#[on_webhook]`");
        self.webhook = Some((r#type.to_owned(), json(payload, "payload")));
        self
    }

    /// Reads the complete list, as `registry run --full` does.
    pub fn full(mut self) -> Self {
        self.full = true;
        self
    }

    /// Applies deletes at once that are otherwise held, as `registry run --allow-deletes` does.
    pub fn allow_deletes(mut self) -> Self {
        self.allow_deletes = true;
        self
    }

    /// Deletes the checkpoint and the resume state before the run, as `registry run --reset` does.
    pub fn reset(mut self) -> Self {
        self.reset = true;
        self
    }

    /// Returns the report of the run, also if it failed or was interrupted. Awaiting the run itself returns the error
    /// of such a run.
    ///
    /// # Errors
    ///
    /// Fails if the run cannot start, for example because the handler does not receive this type of webhook.
    ///
    /// # Panics
    ///
    /// Panics if the function is a webhook handler and no webhook was given.
    pub async fn report(self) -> Result<Report> {
        let entry = Entry::new(self.item);
        let name = entry.name().to_owned();
        let runtime = self.mock.runtime(entry.integration());
        self.mock.apply_metadata(self.mock.database());
        let function = match self.item {
            Item::Sync(_) => Target::Sync(name.clone()),
            Item::Action(_) => Target::Action { name: name.clone(), input: self.input.unwrap_or_default() },
            Item::Event(_) => Target::Event(name.clone()),
            Item::Webhook(def) => match self.webhook {
                Some((r#type, payload)) => Target::Webhook { sync: def.sync.name.to_owned(), r#type, payload },
                None => panic!(
                    "`{name}` handles webhooks: add `.webhook(\"{}\", payload)`",
                    def.subscriptions.first().unwrap_or(&"*")
                ),
            },
        };
        let key = FunctionKey {
            kind: entry.kind(),
            integration: NAME.to_owned(),
            connection: NAME.to_owned(),
            function: name,
            variant: BASE_VARIANT.to_owned(),
        };
        let start_at = self.mock.settings(|settings| {
            settings.function = key;
            settings.start_at.take()
        });
        let request = RunRequest {
            checkpoint: start_at,
            full: self.full,
            allow_deletes: self.allow_deletes,
            reset: self.reset,
            ..RunRequest::new(NAME, function, NAME)
        };
        let api = self.mock.api();
        let observer = Arc::new(LogCollector(self.mock.0.logs.clone()));
        let report = execute(&runtime, request, api.stop(), observer).await;
        api.renew_stop();
        let error = report.as_ref().map_or_else(Some, |report| report.error.as_ref());
        let message = error.map(ToString::to_string);
        self.mock.settings(|settings| settings.last_error = message);
        report.map(Report)
    }

    fn name(&self) -> &'static str {
        Entry::new(self.item).name()
    }
}

impl IntoFuture for Run {
    type Output = Result<Report>;
    type IntoFuture = Pin<Box<dyn Future<Output = Result<Report>> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async { self.report().await?.into_result() })
    }
}

#[track_caller]
fn json(value: impl Serialize, what: &str) -> Value {
    serde_json::to_value(value).unwrap_or_else(|error| panic!("the {what} cannot be written as JSON: {error}"))
}

/// Observer that keeps the log lines of a run.
pub(super) struct LogCollector(pub(super) Logs);

impl Observer for LogCollector {
    fn on_log(&self, line: &LogLine) {
        lock_state(&self.0).push(line.clone());
    }
}
