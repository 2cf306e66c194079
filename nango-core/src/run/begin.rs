//! What must be known before a run can begin: the function, the connection, its credentials, where requests go.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{
    Beginning, Instance, Job, RunHost, RunRequest, Stop, Target,
    outbound::Outbound,
    transport::{RunClock, Stoppable},
};
use crate::{
    auth::Credentials,
    declare::{Entry, Kind, Registry, suggest},
    error::{Error, ErrorKind, Result},
    http::Lane,
    nango::{ContextParts, RunOptions, store_error},
    store::{BASE_VARIANT, Connection, FunctionKey, NewConnection, RunToken, SharedStore, sqlite::Sqlite},
};

/// A run that can begin.
pub(super) struct Ready {
    pub(super) key: FunctionKey,
    connection: Connection,
    outbound: Outbound,
    metadata: Option<Map<String, Value>>,
    /// What happens once the key is taken, before the function is called.
    pub(super) beginning: Beginning,
    pub(super) options: RunOptions,
}

/// The function that a request names.
pub(super) fn find(instance: &Instance, request: &RunRequest) -> Result<Job> {
    let registry = &instance.registry;
    let integration = &request.integration;
    if !registry.integrations().contains(&integration.as_str()) {
        return Err(Error::msg(Registry::unknown("integration", integration, &registry.integrations())));
    }
    let (kind, name) = match &request.function {
        Target::Sync(name) | Target::Webhook { sync: name, .. } => (Kind::Sync, name),
        Target::Action { name, .. } => (Kind::Action, name),
        Target::Event(name) => (Kind::OnEvent, name),
    };
    let names = || registry.of(integration).filter(|entry| entry.kind() == kind).map(Entry::name).collect::<Vec<_>>();
    let unknown =
        || Error::msg(Registry::unknown(&format!("{} of `{integration}` named", kind.name()), name, &names()));
    match &request.function {
        Target::Sync(name) => registry.sync(integration, name).map(Job::Sync).ok_or_else(unknown),
        Target::Action { name, input } => {
            registry.action(integration, name).map(|def| Job::Action(def, input.clone())).ok_or_else(unknown)
        }
        Target::Event(name) => registry
            .find(integration, Kind::OnEvent, name)
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
            let takes = handler.subscriptions.iter().any(|kind| *kind == "*" || kind == r#type);
            if !takes {
                let hint = suggest::nearest(r#type, handler.subscriptions.iter().copied())
                    .map(|near| format!(", did you mean `{near}`?"))
                    .unwrap_or_default();
                let types = suggest::list(handler.subscriptions.iter().copied());
                return Err(Error::msg(format!(
                    "`{}` takes no webhooks of the type `{}`{hint} It takes {types}",
                    handler.name, r#type
                )));
            }
            Ok(Job::Webhook(handler, payload.clone()))
        }
    }
}

/// The connection that a request names, opened.
pub(super) async fn ready(instance: &Instance, request: &RunRequest, job: &Job) -> Result<Ready> {
    let connection = connection(instance, &request.integration, &request.connection).await?;
    let key = FunctionKey {
        kind: job.kind(),
        integration: request.integration.clone(),
        connection: request.connection.clone(),
        function: job.name().to_owned(),
        variant: request.variant.clone(),
    };
    ready_for(instance, key, connection, None, request.metadata.clone()).await
}

/// The same for a key and a connection that are known; `credentials` are those of a connection that is not stored yet.
pub(super) async fn ready_for(
    instance: &Instance,
    key: FunctionKey,
    connection: Connection,
    credentials: Option<Credentials>,
    metadata: Option<Map<String, Value>>,
) -> Result<Ready> {
    let outbound = match credentials {
        Some(credentials) => Outbound::fixed(instance, &connection, credentials)?,
        None => Outbound::of(instance, &connection).await?,
    };
    Ok(Ready { key, connection, outbound, metadata, beginning: Beginning::default(), options: RunOptions::default() })
}

impl Ready {
    /// The row of the connection; `None` for one that is only being validated.
    pub(super) fn connection_row(&self) -> Option<i64> {
        Some(self.connection.row).filter(|row| *row != 0)
    }

    pub(super) fn context(self, instance: &Instance, token: RunToken, stop: Stop, host: Arc<RunHost>) -> ContextParts {
        let transport = Arc::new(Stoppable { inner: instance.transport.clone(), stop: stop.clone() });
        let (store, inner) = (instance.store.clone(), instance.clock.clone());
        let clock = Arc::new(RunClock { store, inner, stop: stop.clone() });
        // Somebody waits for an action.
        let lane = if self.key.kind == Kind::Action { Lane::Interactive } else { Lane::Background };
        ContextParts {
            key: self.key,
            token,
            store: instance.store.clone(),
            client: self.outbound.client(instance, transport, clock, lane, Some(host.clone())),
            connection: self.connection,
            provider: self.outbound.holder.provider.clone(),
            base_url: self.outbound.shown_base_url(),
            held: self.outbound.held,
            environment: Arc::new(instance.config.environment.clone()),
            metadata: self.metadata,
            stop,
            host,
            options: self.options,
            limits: instance.config.limits.clone(),
        }
    }
}

async fn connection(instance: &Instance, integration: &str, id: &str) -> Result<Connection> {
    if let Some(found) = instance.store.connection(integration, id).await.map_err(store_error)? {
        return Ok(found);
    }
    let all = instance.store.connections(Some(integration)).await.map_err(store_error)?;
    let ids: Vec<&str> = all.iter().map(|connection| connection.id.as_str()).collect();
    let message = if ids.is_empty() {
        format!("`{integration}` has no connection yet: `registry connection add {integration} {id} --auth …`")
    } else {
        Registry::unknown(&format!("connection of `{integration}` named"), id, &ids)
    };
    Err(Error::new(ErrorKind::Connection, message))
}

/// An instance in memory that knows one connection and its checkpoint: what a dry run does stays there.
pub(super) async fn dry_instance(instance: &Instance, request: &RunRequest) -> Result<Instance> {
    let stored = connection(instance, &request.integration, &request.connection).await?;
    let store: SharedStore = Arc::new(Sqlite::open(":memory:").await.map_err(store_error)?);
    let new = NewConnection {
        integration: stored.integration,
        id: stored.id,
        auth: stored.auth,
        credentials: stored.credentials,
        renew_at: stored.renew_at,
        config: stored.config,
        metadata: Some(stored.metadata),
    };
    store.put_connection(new).await.map_err(store_error)?;
    if let Target::Sync(name) = &request.function {
        let key = FunctionKey {
            kind: Kind::Sync,
            integration: request.integration.clone(),
            connection: request.connection.clone(),
            function: name.clone(),
            variant: if request.variant.is_empty() { BASE_VARIANT.to_owned() } else { request.variant.clone() },
        };
        let checkpoint = instance.store.checkpoint(&key).await.map_err(store_error)?;
        if checkpoint.value.is_some() && !request.reset {
            store.set_checkpoint(&key, checkpoint.value).await.map_err(store_error)?;
        }
    }
    let Instance { registry, catalogue, config, ring, transport, clock, .. } = instance;
    let parts = (registry.clone(), catalogue.clone(), config.clone(), ring.clone(), transport.clone(), clock.clone());
    let (registry, catalogue, config, ring, transport, clock) = parts;
    Ok(Instance {
        // Tokens and limits are real, also where records are not: what a provider replaces must not be lost.
        tokens: instance.tokens.clone(),
        budgets: instance.budgets.clone(),
        ..Instance::new(registry, catalogue, config, store, ring, transport, clock)
    })
}
