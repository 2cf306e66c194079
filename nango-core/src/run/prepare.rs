//! Preparation of a run: resolves the function, the connection, its credentials and the base URL.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{
    Cancellation, Job, RunRequest, RunSetup, Runtime, RuntimeServices, Target,
    outbound::Outbound,
    transport::{CancellableTransport, RunClock},
};
use crate::{
    auth::Credentials,
    declare::{Entry, FunctionKind, Registry, suggest},
    error::{Error, ErrorKind, Result},
    http::Priority,
    nango::{ContextParts, RunOptions},
    store::{BASE_VARIANT, Connection, FunctionKey, NewConnection, RunToken, SharedStore, StoreError, sqlite::Sqlite},
};

/// Run that is ready to start.
pub(super) struct PreparedRun {
    pub(super) key: FunctionKey,
    connection: Connection,
    outbound: Outbound,
    metadata: Option<Map<String, Value>>,
    /// Changes to apply after the lease was acquired and before the function is called.
    pub(super) setup: RunSetup,
    pub(super) options: RunOptions,
}

/// Returns the requested function.
pub(super) fn resolve_function(runtime: &Runtime, request: &RunRequest) -> Result<Job> {
    let registry = &runtime.registry;
    let integration = &request.integration;
    if !registry.integrations().contains(&integration.as_str()) {
        return Err(Error::msg(Registry::unknown_message("integration", integration, &registry.integrations())));
    }
    let (kind, name) = match &request.function {
        Target::Sync(name) | Target::Webhook { sync: name, .. } => (FunctionKind::Sync, name),
        Target::Action { name, .. } => (FunctionKind::Action, name),
        Target::Event(name) => (FunctionKind::OnEvent, name),
    };
    let names = || registry.of(integration).filter(|entry| entry.kind() == kind).map(Entry::name).collect::<Vec<_>>();
    let unknown =
        || Error::msg(Registry::unknown_message(&format!("{} of `{integration}` named", kind.name()), name, &names()));
    match &request.function {
        Target::Sync(name) => registry.sync(integration, name).map(Job::Sync).ok_or_else(unknown),
        Target::Action { name, input } => {
            registry.action(integration, name).map(|def| Job::Action(def, input.clone())).ok_or_else(unknown)
        }
        Target::Event(name) => registry
            .find(integration, FunctionKind::OnEvent, name)
            .and_then(|entry| match entry.item() {
                crate::declare::Item::Event(def) => Some(Job::Event(def)),
                _ => None,
            })
            .ok_or_else(unknown),
        Target::Webhook { sync, r#type, payload } => {
            registry.sync(integration, sync).ok_or_else(unknown)?;
            let handler = registry.webhook(integration, sync).ok_or_else(|| {
                Error::msg(format!(
                    "the sync `{sync}` has no webhook handler: write one with `#[on_webhook({}, \"…\")]`",
                    sync.replace('-', "_")
                ))
            })?;
            let accepts = handler.subscriptions.iter().any(|kind| *kind == "*" || kind == r#type);
            if !accepts {
                let hint = suggest::nearest(r#type, handler.subscriptions.iter().copied())
                    .map(|near| format!("; did you mean `{near}`?"))
                    .unwrap_or_default();
                let types = suggest::list(handler.subscriptions.iter().copied());
                return Err(Error::msg(format!(
                    "unknown webhook type `{}` for `{}`; accepted: {types}{hint}",
                    r#type, handler.name
                )));
            }
            Ok(Job::Webhook(handler, payload.clone()))
        }
    }
}

/// Prepares a run of a function for the requested connection.
pub(super) async fn prepare(runtime: &Runtime, request: &RunRequest, job: &Job) -> Result<PreparedRun> {
    let connection = find_connection(runtime, &request.integration, &request.connection).await?;
    let key = FunctionKey {
        kind: job.kind(),
        integration: request.integration.clone(),
        connection: request.connection.clone(),
        function: job.name().to_owned(),
        variant: request.variant.clone(),
    };
    prepare_for(runtime, key, connection, None, request.metadata.clone()).await
}

/// Prepares a run for a given key and connection. `credentials` are the credentials of a connection that is not stored
/// yet.
pub(super) async fn prepare_for(
    runtime: &Runtime,
    key: FunctionKey,
    connection: Connection,
    credentials: Option<Credentials>,
    metadata: Option<Map<String, Value>>,
) -> Result<PreparedRun> {
    let outbound = match credentials {
        Some(credentials) => Outbound::with_credentials(runtime, &connection, credentials)?,
        None => Outbound::for_connection(runtime, &connection).await?,
    };
    Ok(PreparedRun { key, connection, outbound, metadata, setup: RunSetup::default(), options: RunOptions::default() })
}

impl PreparedRun {
    /// Returns the row of the connection, or `None` during its validation.
    pub(super) fn connection_row(&self) -> Option<i64> {
        Some(self.connection.row).filter(|row| *row != 0)
    }

    pub(super) fn into_context_parts(
        self,
        runtime: &Runtime,
        token: RunToken,
        cancellation: Cancellation,
        services: Arc<RuntimeServices>,
    ) -> ContextParts {
        let transport =
            Arc::new(CancellableTransport { inner: runtime.transport.clone(), cancellation: cancellation.clone() });
        let (store, inner) = (runtime.store.clone(), runtime.clock.clone());
        let clock = Arc::new(RunClock { store, inner, cancellation: cancellation.clone() });
        // A caller waits for the output of an action.
        let priority = if self.key.kind == FunctionKind::Action { Priority::Interactive } else { Priority::Background };
        ContextParts {
            key: self.key,
            token,
            store: runtime.store.clone(),
            client: self.outbound.client(runtime, transport, clock, priority, Some(services.clone())),
            connection: self.connection,
            provider: self.outbound.context.provider.clone(),
            base_url: self.outbound.redacted_base_url(),
            credentials: self.outbound.credentials,
            environment: Arc::new(runtime.config.environment.clone()),
            metadata: self.metadata,
            cancellation,
            services,
            options: self.options,
            limits: runtime.config.limits.clone(),
        }
    }
}

async fn find_connection(runtime: &Runtime, integration: &str, id: &str) -> Result<Connection> {
    if let Some(found) = runtime.store.connection(integration, id).await.map_err(StoreError::into_error)? {
        return Ok(found);
    }
    let all = runtime.store.connections(Some(integration)).await.map_err(StoreError::into_error)?;
    let ids: Vec<&str> = all.iter().map(|connection| connection.id.as_str()).collect();
    let message = if ids.is_empty() {
        format!("`{integration}` has no connection yet: `registry connection add {integration} {id} --auth …`")
    } else {
        Registry::unknown_message(&format!("connection of `{integration}` named"), id, &ids)
    };
    Err(Error::new(ErrorKind::Connection, message))
}

/// Creates a runtime with a database in memory, which contains one connection and its checkpoint. The writes of a dry
/// run are dropped with it.
pub(super) async fn dry_run_runtime(runtime: &Runtime, request: &RunRequest) -> Result<Runtime> {
    let stored = find_connection(runtime, &request.integration, &request.connection).await?;
    let store: SharedStore = Arc::new(Sqlite::open(":memory:").await.map_err(StoreError::into_error)?);
    let new = NewConnection {
        integration: stored.integration,
        id: stored.id,
        auth: stored.auth,
        credentials: stored.credentials,
        renew_at: stored.renew_at,
        config: stored.config,
        metadata: Some(stored.metadata),
    };
    store.put_connection(new).await.map_err(StoreError::into_error)?;
    if let Target::Sync(name) = &request.function {
        let key = FunctionKey {
            kind: FunctionKind::Sync,
            integration: request.integration.clone(),
            connection: request.connection.clone(),
            function: name.clone(),
            variant: if request.variant.is_empty() { BASE_VARIANT.to_owned() } else { request.variant.clone() },
        };
        let checkpoint = runtime.store.checkpoint(&key).await.map_err(StoreError::into_error)?;
        if checkpoint.value.is_some() && !request.reset {
            store.set_checkpoint(&key, checkpoint.value).await.map_err(StoreError::into_error)?;
        }
    }
    let Runtime { registry, catalogue, config, ring, transport, clock, .. } = runtime;
    let parts = (registry.clone(), catalogue.clone(), config.clone(), ring.clone(), transport.clone(), clock.clone());
    let (registry, catalogue, config, ring, transport, clock) = parts;
    Ok(Runtime {
        // Tokens and rate limits are shared with the real runtime, because a refresh token that the provider replaces
        // must not be lost.
        token_refresher: runtime.token_refresher.clone(),
        rate_limiters: runtime.rate_limiters.clone(),
        ..Runtime::new(registry, catalogue, config, store, ring, transport, clock)
    })
}
