//! Replay of a recorded run: the same function, from the same state, at the same time, with the recorded answers.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::{
    execute,
    observer::Observer,
    report::RunReport,
    request::{RunRequest, Target},
    runtime::Runtime,
};
use crate::{
    auth::KeyRing,
    config::{Config, IntegrationConfig},
    declare::{FunctionKind, Registry},
    error::{Error, Result},
    provider::Catalogue,
    recording::{Header, RecordedRun, RecordingError, RecordingMode, Replayer},
    store::{SharedStore, StoreError, open_plain_part},
};

/// A recorded run that can be run once, in a database in memory.
#[derive(Debug)]
pub(crate) struct Replay {
    runtime: Arc<Runtime>,
    request: RunRequest,
    replayer: Arc<Replayer>,
    cancellation: CancellationToken,
}

impl Replay {
    /// Creates the database and the answers of a replay. `registry` contains the function, `catalogue` the provider.
    ///
    /// # Errors
    ///
    /// Fails if the recording ended early or is damaged.
    pub(crate) async fn new(recorded: &RecordedRun, registry: Registry, catalogue: Catalogue) -> Result<Self> {
        if recorded.report.is_none() {
            let count = recorded.exchange_count();
            return Err(Error::msg(format!(
                "the recording ended early: it has {count} exchanges and no report, because the program was stopped or \
                 the file could not be written. Record the run again"
            )));
        }
        let request = request(&recorded.header)?;
        let clock = recorded.clock();
        let cancellation = CancellationToken::new();
        let replayer = Replayer::new(recorded, clock.clone(), cancellation.clone());
        let replayer = Arc::new(replayer.map_err(RecordingError::into_error)?);
        let ring = KeyRing::ephemeral()?;
        let seal_state = |context: &[u8], state: &[u8]| ring.seal(state, context).ok();
        let store = open_plain_part(recorded.rows.clone(), clock.clone(), &seal_state).await;
        let store: SharedStore = store.map_err(StoreError::into_error)?;
        store.use_keys(Arc::new(ring.clone()), false).await.map_err(StoreError::into_error)?;
        let config = config(&recorded.header);
        let runtime = Runtime::new(registry, catalogue, config, store, ring, replayer.transport(), clock);
        let runtime = Runtime { recording: Some(RecordingMode::Replay(replayer.clone())), ..runtime };
        Ok(Self { runtime: Arc::new(runtime), request, replayer, cancellation })
    }

    /// Runs the function and returns the report of the run.
    ///
    /// # Errors
    ///
    /// Fails if the run cannot start.
    pub(crate) async fn run(&self, observer: Arc<dyn Observer>) -> Result<RunReport> {
        execute::execute(&self.runtime, self.request.clone(), self.cancellation.clone(), observer).await
    }

    /// Returns what the function asked differently from the recorded run: requests without an answer, and answers that
    /// were not used.
    pub(crate) fn differences(&self) -> Vec<String> {
        let mut differences = self.replayer.missing();
        differences.extend(self.replayer.unused());
        differences
    }

    /// Returns the database of the replay.
    pub(crate) fn store(&self) -> &SharedStore {
        &self.runtime.store
    }
}

fn request(header: &Header) -> Result<RunRequest> {
    let name = header.function.clone();
    let input = header.input.clone().unwrap_or_default();
    let function = match (FunctionKind::from_name(&header.kind), &header.sync, &header.webhook) {
        (Some(FunctionKind::Sync), None, None) => Target::Sync(name),
        (Some(FunctionKind::Action), ..) => Target::Action { name, input },
        (Some(FunctionKind::OnEvent), ..) => Target::Event(name),
        (_, Some(sync), Some(kind)) => Target::Webhook { sync: sync.clone(), r#type: kind.clone(), payload: input },
        _ => {
            let kind = &header.kind;
            return Err(Error::msg(format!("the recording is of a function of the unknown type `{kind}`")));
        }
    };
    let options = header.options.clone();
    Ok(RunRequest {
        variant: header.variant.clone(),
        metadata: options.metadata,
        checkpoint: options.checkpoint,
        reset: options.reset,
        empty_cache: options.empty_cache,
        full: options.full,
        allow_deletes: options.allow_deletes,
        dry_run: options.dry_run,
        ..RunRequest::new(&header.integration, function, &header.connection)
    })
}

fn config(header: &Header) -> Config {
    let settings = IntegrationConfig {
        provider: Some(header.provider.clone()),
        base_url: Some(header.base_url.clone()),
        trusted_origins: header.trusted_origins.clone(),
        ..IntegrationConfig::default()
    };
    Config {
        integrations: [(header.integration.clone(), settings)].into(),
        environment: header.environment.clone(),
        ..Config::default()
    }
}
