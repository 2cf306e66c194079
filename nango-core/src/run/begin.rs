//! What must be known before a run can begin: the function, the connection, its credentials, where requests go.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{
    AddConnection, Beginning, Instance, Job, RunHost, RunRequest, Stop, Target,
    transport::{RunClock, Stoppable},
};
use crate::{
    auth::{Credentials, Injector},
    declare::{Entry, Kind, Registry, suggest},
    error::{Error, ErrorKind, Result},
    http::{Client, ClientParts, Lane, Quota, Url},
    nango::{ContextParts, store_error},
    provider::Provider,
    store::{BASE_VARIANT, Connection, FunctionKey, NewConnection, RunToken, SharedStore, sqlite::Sqlite},
};

/// A run that can begin.
pub(super) struct Ready {
    pub(super) key: FunctionKey,
    connection: Connection,
    credentials: Credentials,
    provider: Provider,
    base_url: Url,
    injector: Injector,
    metadata: Option<Map<String, Value>>,
    /// What happens once the key is taken, before the function is called.
    pub(super) beginning: Beginning,
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
    ready_for(instance, key, connection, request.metadata.clone())
}

/// The same for a connection that need not be stored yet.
pub(super) fn ready_for(
    instance: &Instance,
    key: FunctionKey,
    connection: Connection,
    metadata: Option<Map<String, Value>>,
) -> Result<Ready> {
    let credentials = open_credentials(instance, &connection)?;
    let provider = provider(instance, &connection.integration)?;
    let (base_url, injector) = way_out(&provider, &connection, &credentials)?;
    Ok(Ready { key, connection, credentials, provider, base_url, injector, metadata, beginning: Beginning::default() })
}

/// Where requests of a connection go, and what puts its credentials into them.
fn way_out(provider: &Provider, connection: &Connection, credentials: &Credentials) -> Result<(Url, Injector)> {
    let Connection { integration, id, config, .. } = connection;
    // The error is carried, so that `wire` and `cli` can tell what was typed from what is set up.
    let doing = || format!("connection `{id}` of `{integration}` cannot be used");
    let base_url = provider
        .base_url(integration, config)
        .map_err(|error| Error::new(ErrorKind::Connection, error).context(doing()))?;
    let injector = Injector::new(provider, integration, credentials, config)
        .map_err(|error| Error::new(ErrorKind::Connection, error).context(doing()))?;
    Ok((base_url, injector))
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
        let FunctionKey { integration, connection, kind, .. } = &self.key;
        let budget = instance.budgets.of(integration, connection, false);
        // Somebody waits for an action.
        let lane = if *kind == Kind::Action { Lane::Interactive } else { Lane::Background };
        let parts = ClientParts::new(transport, clock, self.base_url.clone())
            .authorize(Arc::new(self.injector))
            .quota(Quota { budget, connection: connection.clone(), lane })
            .watch(host.clone(), self.provider.display_name.clone());
        ContextParts {
            key: self.key,
            token,
            store: instance.store.clone(),
            client: Client::new(parts),
            connection: self.connection,
            credentials: self.credentials,
            provider: self.provider,
            base_url: self.base_url.into(),
            environment: Arc::new(instance.config.environment.clone()),
            metadata: self.metadata,
            stop,
            host,
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

/// The provider of an integration, with what the settings say over it: the one that they name, the one of its name,
/// or one of its own at the base URL that they give.
pub(super) fn provider(instance: &Instance, integration: &str) -> Result<Provider> {
    let fault = |message: String| Error::new(ErrorKind::Connection, message);
    let settings = instance.config.integrations.get(integration);
    let named = settings.and_then(|settings| settings.provider.as_deref());
    let base_url = settings.and_then(|settings| settings.base_url.as_deref());
    let mut provider = match (instance.catalogue.get(named.unwrap_or(integration)), base_url) {
        (Some(provider), _) => provider.clone(),
        (None, Some(base_url)) => Provider::plain(integration, base_url).map_err(|error| fault(error.to_string()))?,
        (None, None) => {
            return Err(fault(format!(
                "`{integration}` is no provider of the catalogue, so its base URL is not known: put \
                 `base_url = \"https://…\"` (or `provider = \"…\"`) under `[integrations.{integration}]` in nango.toml"
            )));
        }
    };
    if let Some(settings) = settings {
        let headers = settings.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        provider
            .override_with(base_url, headers)
            .map_err(|error| fault(format!("`[integrations.{integration}]` in nango.toml cannot be used: {error}")))?;
    }
    Ok(provider)
}

pub(super) fn seal_credentials(instance: &Instance, new: &AddConnection) -> Result<Vec<u8>> {
    let sealed = new.credentials.seal(&instance.ring, &new.integration, &new.id);
    sealed.map_err(|error| Error::new(ErrorKind::Connection, error))
}

/// Opens the credentials of a connection.
pub(crate) fn open_credentials(instance: &Instance, connection: &Connection) -> Result<Credentials> {
    let Connection { integration, id, credentials, .. } = connection;
    Credentials::open(&instance.ring, credentials, integration, id).map_err(|error| {
        let doing = format!("the credentials of connection `{id}` of `{integration}` cannot be opened");
        Error::new(ErrorKind::Connection, error).context(doing)
    })
}

/// Whether the provider has a place for these credentials, and the connection all that its templates ask for.
pub(super) fn check_credentials(instance: &Instance, connection: &Connection, credentials: &Credentials) -> Result<()> {
    way_out(&provider(instance, &connection.integration)?, connection, credentials).map(drop)
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
    Ok(Instance {
        registry: instance.registry.clone(),
        catalogue: instance.catalogue.clone(),
        config: instance.config.clone(),
        store,
        ring: instance.ring.clone(),
        transport: instance.transport.clone(),
        clock: instance.clock.clone(),
        budgets: instance.budgets.clone(),
    })
}
