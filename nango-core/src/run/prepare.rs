//! Preparation of a run: resolves the connection, its credentials and the base URL.

use std::sync::Arc;

use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use super::{
    clock::RunClock, find_connection::find_connection, job::Job, request::RunRequest,
    resolved_connection::ResolvedConnection, runtime::Runtime, services::RuntimeServices, setup::RunSetup,
};
use crate::{
    declare::FunctionKind,
    error::Result,
    http::Priority,
    nango::{NewContext, RunOptions, WriteToken},
    recording::RecordingMode,
    store::FunctionKey,
};

/// Run that is ready to start.
pub(super) struct PreparedRun {
    pub(super) key: FunctionKey,
    pub(super) resolved: ResolvedConnection,
    metadata: Option<Map<String, Value>>,
    /// Changes to apply after the lease was acquired and before the function is called.
    pub(super) setup: RunSetup,
    pub(super) options: RunOptions,
    /// Whether the run may be written after it has ended, if it writes nothing else.
    pub(super) write_later: bool,
    /// The request, if the run is recorded.
    pub(super) recorded: Option<RunRequest>,
}

/// Prepares a run of a function for the requested connection, with the requested changes and options.
pub(super) async fn prepare(runtime: &Runtime, request: &RunRequest, job: &Job) -> Result<PreparedRun> {
    let connection = find_connection(runtime, request.connection_key()).await?;
    let resolved = ResolvedConnection::stored(runtime, connection).await?;
    let key = FunctionKey {
        kind: job.kind(),
        integration: request.integration.clone(),
        connection: request.connection.clone(),
        function: job.name().to_owned(),
        variant: request.variant.clone(),
    };
    Ok(PreparedRun {
        setup: RunSetup {
            reset: request.reset,
            empty_cache: request.empty_cache && request.reset,
            checkpoint: request.checkpoint.clone(),
        },
        options: RunOptions { full: request.full, allow_deletes: request.allow_deletes },
        write_later: request.write_later,
        ..PreparedRun::new(key, resolved, request.metadata.clone())
    })
}

impl PreparedRun {
    /// Creates a run without changes and options.
    pub(super) fn new(key: FunctionKey, resolved: ResolvedConnection, metadata: Option<Map<String, Value>>) -> Self {
        let (setup, options) = (RunSetup::default(), RunOptions::default());
        Self { key, resolved, metadata, setup, options, write_later: false, recorded: None }
    }

    /// Returns the row of the connection, or `None` during its validation.
    pub(super) fn connection_row(&self) -> Option<i64> {
        Some(self.resolved.connection.row).filter(|row| *row != 0)
    }

    pub(super) fn into_context_parts(
        self,
        runtime: &Runtime,
        token: WriteToken,
        cancellation: CancellationToken,
        services: Arc<RuntimeServices>,
    ) -> NewContext {
        let inner = match &runtime.recording {
            Some(RecordingMode::Record(recorder)) => recorder.clock(runtime.clock.clone()),
            _ => runtime.clock.clone(),
        };
        let clock = Arc::new(RunClock { store: runtime.store.clone(), inner });
        // A caller waits for the output of an action.
        let priority = if self.key.kind == FunctionKind::Action { Priority::Interactive } else { Priority::Background };
        NewContext {
            key: self.key,
            token,
            store: runtime.store.clone(),
            client: self.resolved.client(runtime, clock, priority, cancellation.clone(), Some(services.clone())),
            base_url: self.resolved.redacted_base_url(),
            connection: self.resolved.connection,
            provider: self.resolved.context.provider.clone(),
            credentials: self.resolved.credentials,
            environment: Arc::new(runtime.config.environment.clone()),
            metadata: self.metadata,
            cancellation,
            services,
            options: self.options,
            limits: runtime.config.limits.clone(),
        }
    }
}
