//! Addition and removal of connections, with the event functions that run for them.

use std::sync::Arc;

use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use super::{
    execute::{execute_prepared, run_triggered_syncs, services},
    job::Job,
    observer::Observer,
    prepare::PreparedRun,
    report::RunReport,
    resolved_connection::{ResolvedConnection, check_credentials, connection_context, obtain_token},
    rotated_token::RotatedToken,
    runtime::Runtime,
    verify,
};
use crate::{
    auth::{ConnectionContext, Credentials, KeyError},
    declare::{Event, EventDef},
    error::{Error, ErrorKind, Result},
    provider::ConnectionConfigError,
    redact::is_secret_name,
    store::{
        BASE_VARIANT, Connection, ConnectionKey, FunctionKey, NewConnection, ProfileChange, RemovedConnection,
        RunStatus, StoreError,
    },
};

/// Connection to add or replace.
#[derive(Debug, Clone)]
pub struct AddConnection {
    /// Name of the integration.
    pub integration: String,
    /// Id of the connection, chosen by the application.
    pub id: String,
    /// Credentials of the connection.
    pub credentials: Credentials,
    /// Values for the provider's templates.
    pub config: Map<String, Value>,
    /// Metadata of the connection; `None` keeps the metadata of a replaced connection.
    pub metadata: Option<Map<String, Value>>,
    /// End user, tags and webhook target of the connection.
    pub profile: ProfileChange,
    /// Whether keys and passwords are verified first, with the request that the provider's entry declares.
    pub verify: bool,
}

/// Result of adding a connection.
#[derive(Debug)]
pub struct AddedConnection {
    /// Stored connection.
    pub connection: Connection,
    /// Whether the connection is new; otherwise it replaced a connection with the same id.
    pub is_new: bool,
    /// Reports of the event functions, in order. A failed `post_connection_creation` function does not undo the
    /// addition.
    pub events: Vec<RunReport>,
}

/// Checks whether a text can be the id of a connection.
///
/// # Errors
///
/// Fails if the id is empty, is longer than 255 bytes, or contains a control character. Ids are also part of the
/// sealing context of credentials, whose parts are separated by NUL.
pub(crate) fn check_connection_id(id: &str) -> Result<(), &'static str> {
    if id.is_empty() || id.len() > 255 {
        return Err("the id of a connection must have 1 to 255 bytes");
    }
    if id.chars().any(char::is_control) {
        return Err("the id of a connection must not contain a line break or another control character");
    }
    Ok(())
}

/// Adds a connection, or replaces the credentials of the connection with this id.
///
/// Functions with `#[on_event(validate_connection)]` run first and can refuse the connection; functions with
/// `#[on_event(post_connection_creation)]` run after a new connection was added.
///
/// # Errors
///
/// Fails with the error of a function that refused the connection, or if the provider cannot use the credentials or the
/// database fails.
pub async fn add_connection(
    runtime: &Arc<Runtime>,
    new: AddConnection,
    observer: Arc<dyn Observer>,
) -> Result<AddedConnection> {
    try_add_connection(runtime, new, observer).await.map_err(|failure| match failure {
        AddFailure::Refused(error) | AddFailure::Other(error) => error,
    })
}

/// Reason why a connection was not added.
#[derive(Debug)]
pub(crate) enum AddFailure {
    /// An event function refused the connection, or failed.
    Refused(Error),
    /// The credentials or the configuration cannot be used, or the database failed.
    Other(Error),
}

impl From<Error> for AddFailure {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

/// Adds a connection like [`add_connection`], and distinguishes the refusal by an event function.
pub(crate) async fn try_add_connection(
    runtime: &Arc<Runtime>,
    new: AddConnection,
    observer: Arc<dyn Observer>,
) -> Result<AddedConnection, AddFailure> {
    let (integration, id) = (new.integration.clone(), new.id.clone());
    let (context, mut candidate) = checked_candidate(runtime, &new).await?;
    let rotated = RotatedToken::for_credentials(&integration, &id, &new.credentials)
        .filter(|_| new.credentials.token().is_none());
    let mut initial = new.credentials;
    if let Some(rotated) = &rotated
        && let Some((credentials, config)) = rotated.replacement(runtime).await?
    {
        initial = credentials;
        candidate.config.extend(config);
    }
    let requested_config = candidate.config.clone();
    let credentials = obtain_token(runtime, &context, &mut candidate, initial).await?;
    if let Some(rotated) = &rotated {
        let obtained_config =
            candidate.config.iter().filter(|(name, value)| requested_config.get(*name) != Some(*value));
        let obtained_config = obtained_config.map(|(name, value)| (name.clone(), value.clone())).collect();
        runtime.create_missing_key().await?;
        rotated.store(runtime, &credentials, &obtained_config).await?;
    }
    if new.verify && verify::is_verifiable(credentials.mode()) {
        let resolved = ResolvedConnection::unstored(runtime, context.clone(), candidate.clone(), credentials.clone())?;
        verify::probe(runtime, &resolved, &candidate, &credentials).await?;
    }
    let mut events = Vec::new();
    for def in runtime.registry.on_event(&integration, Event::ValidateConnection) {
        let resolved = ResolvedConnection::unstored(runtime, context.clone(), candidate.clone(), credentials.clone())?;
        let report = run_event_function(runtime, resolved, def, &observer).await?;
        if report.status != RunStatus::Success {
            let error = report.error.unwrap_or_else(|| Error::msg("it was interrupted"));
            let what = if error.action().is_some() { "refused" } else { "could not check" };
            let error = error.context(format!("`{}` {what} the connection, so it was not stored", def.name));
            return Err(AddFailure::Refused(error));
        }
        events.push(report);
    }
    // Secret configuration values are stored sealed, with the credentials.
    let is_secret = |(name, _): &(String, Value)| context.provider.is_secret_config(name) || is_secret_name(name);
    let (secret, config): (Vec<_>, Vec<_>) = candidate.config.into_iter().partition(is_secret);
    let credentials = credentials.with_config(secret.into_iter().collect());
    runtime.create_missing_key().await?;
    let sealed = credentials.seal(&runtime.ring, &integration, &id);
    let new = NewConnection {
        integration,
        id,
        auth: candidate.auth,
        credentials: sealed.map_err(KeyError::into_error)?,
        refresh_at: candidate.refresh_at,
        config: config.into_iter().collect(),
        metadata: new.metadata,
        profile: new.profile,
    };
    let (connection, is_new) = runtime.store.put_connection(new).await.map_err(StoreError::into_error)?;
    RotatedToken::delete(runtime, &connection.integration, &connection.id).await?;
    if is_new {
        for def in runtime.registry.on_event(&connection.integration, Event::PostConnectionCreation) {
            let resolved = ResolvedConnection::stored_with(runtime, context.clone(), connection.clone()).await?;
            events.push(run_event_function(runtime, resolved, def, &observer).await?);
        }
    }
    Ok(AddedConnection { connection, is_new, events })
}

/// Checks a connection against its provider, before any request is sent, and returns the row to store, without
/// credentials.
pub(super) async fn checked_candidate(
    runtime: &Runtime,
    new: &AddConnection,
) -> Result<(Arc<ConnectionContext>, Connection)> {
    let (integration, id) = (&new.integration, &new.id);
    check_connection_id(id).map_err(|message| Error::new(ErrorKind::Connection, message))?;
    if let Some(metadata) = &new.metadata {
        let fits = runtime.config.limits.check_metadata(None, metadata);
        fits.map_err(|message| Error::new(ErrorKind::Connection, message))?;
    }
    let context = connection_context(runtime, ConnectionKey::new(integration, id))?;
    let config =
        context.provider.validate_config(integration, new.config.clone()).map_err(ConnectionConfigError::into_error)?;
    let fits = context.provider.check_credentials(integration, new.credentials.parts());
    fits.map_err(ConnectionConfigError::into_error)?;
    let replaced = runtime.store.connection(integration, id).await.map_err(StoreError::into_error)?;
    let stored_metadata = || replaced.as_ref().map(|connection| connection.metadata.clone()).unwrap_or_default();
    let candidate = Connection {
        row: 0,
        integration: integration.clone(),
        id: id.clone(),
        auth: new.credentials.mode().stored_name().to_owned(),
        credentials: Vec::new(),
        config,
        metadata: new.metadata.clone().unwrap_or_else(stored_metadata),
        created_at: runtime.store.now(),
        updated_at: runtime.store.now(),
        version: 0,
        refresh_at: None,
        failure: None,
        profile: replaced.map(|stored| stored.profile).unwrap_or_default(),
    };
    check_credentials(runtime, &context, &candidate, &new.credentials)?;
    Ok((context, candidate))
}

/// Removes a connection with its records, after the functions with `#[on_event(pre_connection_deletion)]` ran. A
/// function that fails is reported to the observer and does not prevent the removal. Returns `None` if the connection
/// does not exist.
///
/// # Errors
///
/// Fails if the database fails.
pub(crate) async fn remove_connection(
    runtime: &Arc<Runtime>,
    integration: &str,
    id: &str,
    observer: Arc<dyn Observer>,
) -> Result<Option<RemovedConnection>> {
    let Some(connection) = runtime.store.connection(integration, id).await.map_err(StoreError::into_error)? else {
        return Ok(None);
    };
    for def in runtime.registry.on_event(integration, Event::PreConnectionDeletion) {
        let run = async {
            let resolved = ResolvedConnection::stored(runtime, connection.clone()).await?;
            run_event_function(runtime, resolved, def, &observer).await
        };
        let failed = match run.await {
            Ok(report) => report.error,
            // A connection must be removable if it cannot be decrypted or its token server does not respond.
            Err(error) if matches!(error.kind(), ErrorKind::Connection | ErrorKind::Network | ErrorKind::Internal) => {
                Some(error)
            }
            Err(error) => return Err(error),
        };
        if let Some(error) = failed {
            observer.on_warning(&format!("`{}` failed; the connection is removed nevertheless: {error}", def.name));
        }
    }
    RotatedToken::delete(runtime, integration, id).await?;
    runtime.store.remove_connection(integration, id).await.map_err(StoreError::into_error)
}

async fn run_event_function(
    runtime: &Arc<Runtime>,
    resolved: ResolvedConnection,
    def: &'static EventDef,
    observer: &Arc<dyn Observer>,
) -> Result<RunReport> {
    let key = FunctionKey {
        kind: crate::declare::FunctionKind::OnEvent,
        integration: resolved.connection.integration.clone(),
        connection: resolved.connection.id.clone(),
        function: def.name.to_owned(),
        variant: BASE_VARIANT.to_owned(),
    };
    let prepared = PreparedRun::new(key, resolved, None);
    let accepts_syncs = def.event == Event::PostConnectionCreation;
    let services = services(runtime, observer.clone(), accepts_syncs);
    let mut report =
        execute_prepared(runtime, prepared, Job::Event(def), CancellationToken::new(), services.clone()).await?;
    run_triggered_syncs(runtime, &services, &mut report, &CancellationToken::new()).await;
    Ok(report)
}
