//! Connection and integration of a function: credentials, configuration and metadata.

use serde::Serialize;
use serde_json::{Map, Value};

use super::{Nango, NangoAction, NangoSync, context::lock};
use crate::{
    auth::{Credentials, RefreshError},
    declare::{BoxFuture, HasMetadata},
    error::{Error, ErrorKind, Remedy, Result},
    json::decode_value,
    model::Data,
    store::{Connection, MetadataChange, StoreError},
};

/// Connection with decrypted credentials.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ConnectionInfo {
    /// Id of the connection, chosen by the application.
    pub id: String,
    /// Name of the integration.
    pub integration: String,
    /// Decrypted credentials.
    pub credentials: Credentials,
    /// Values for the provider's templates, such as a subdomain.
    pub config: Map<String, Value>,
    /// Values that the application and its functions store with the connection.
    pub metadata: Map<String, Value>,
}

/// Integration of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct IntegrationInfo {
    /// Unique name of the integration.
    pub key: String,
    /// Name of the provider in the catalogue, or the name of the integration if the provider is not in the catalogue.
    pub provider: String,
    /// Name of the provider for display.
    pub display_name: String,
    /// Base URL of relative endpoints.
    pub base_url: String,
}

/// Pending connection lookup; `.await` performs it.
///
/// ```no_run
/// # use nango_core::prelude::*;
/// # async fn show(nango: Nango) -> Result<()> {
/// let connection = nango.connection().await?;
/// let refreshed = nango.connection().force_refresh().await?;
/// assert_eq!(connection.id, refreshed.id);
/// # Ok(()) }
/// ```
#[derive(Debug)]
#[must_use = "a lookup is performed by `.await`"]
pub struct ConnectionRequest {
    nango: Nango,
    force_refresh: bool,
    refresh_token: bool,
}

impl ConnectionRequest {
    /// Refreshes the token first, even if it is not due. Concurrent calls share one refresh.
    pub fn force_refresh(mut self) -> Self {
        self.force_refresh = true;
        self
    }

    /// Includes the refresh token in the returned credentials. Default: excluded.
    pub fn refresh_token(mut self) -> Self {
        self.refresh_token = true;
        self
    }

    async fn load(self) -> Result<ConnectionInfo> {
        let context = self.nango.active_context()?;
        let credentials = if self.force_refresh {
            context.credentials.force_refresh().await
        } else {
            context.credentials.current().await
        };
        let credentials = credentials.map_err(RefreshError::into_error)?;
        let stored = self.nango.stored_connection().await?;
        let mut config = stored.config;
        credentials.add_secret_config(&mut config);
        Ok(ConnectionInfo {
            id: stored.id,
            integration: stored.integration,
            credentials: if self.refresh_token { credentials } else { credentials.without_refresh_token() },
            config,
            metadata: lock(&context.metadata).clone().unwrap_or(stored.metadata),
        })
    }
}

impl IntoFuture for ConnectionRequest {
    type Output = Result<ConnectionInfo>;
    type IntoFuture = BoxFuture<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.load())
    }
}

impl Nango {
    /// Returns a lookup of the connection with valid credentials: a token that is due is refreshed first.
    pub fn connection(&self) -> ConnectionRequest {
        ConnectionRequest { nango: self.clone(), force_refresh: false, refresh_token: false }
    }

    /// Returns the stored connection, or the snapshot of the run if it is not stored.
    async fn stored_connection(&self) -> Result<Connection> {
        let context = self.context();
        let (integration, id) = (&context.key.integration, &context.key.connection);
        // During validation the new connection is used, even if it replaces a stored one.
        let validating = context.connection.row == 0;
        let stored = if validating {
            None
        } else {
            context.store.connection(integration, id).await.map_err(StoreError::into_error)?
        };
        Ok(stored.unwrap_or_else(|| context.connection.clone()))
    }

    /// Returns the token or API key of requests. A token that is due is refreshed first.
    pub async fn token(&self) -> Result<String> {
        let context = self.active_context()?;
        let credentials = context.credentials.current().await.map_err(RefreshError::into_error)?;
        credentials.token().map(ToOwned::to_owned).ok_or_else(|| {
            let (integration, id) = (&context.key.integration, &context.key.connection);
            let mode = credentials.mode().name();
            Error::new(
                ErrorKind::Connection,
                format!("connection `{id}` of `{integration}` has no token: its auth mode is `{mode}`"),
            )
        })
    }

    /// Returns the integration of this function.
    pub fn integration(&self) -> IntegrationInfo {
        let context = self.context();
        IntegrationInfo {
            key: context.key.integration.clone(),
            provider: context.provider.name.clone(),
            display_name: context.provider.display_name.clone(),
            base_url: context.base_url.clone(),
        }
    }

    /// Returns the metadata of the connection as a JSON object.
    pub async fn metadata_map(&self) -> Result<Map<String, Value>> {
        let context = self.active_context()?;
        let metadata = lock(&context.metadata).clone();
        match metadata {
            Some(metadata) => Ok(metadata),
            None => Ok(self.stored_connection().await?.metadata),
        }
    }

    /// Replaces the metadata of the connection.
    pub async fn set_metadata(&self, metadata: &(impl Serialize + Sync + ?Sized)) -> Result<()> {
        self.change_metadata(MetadataChange::Replace(object(metadata)?)).await
    }

    /// Sets some top-level keys of the connection's metadata. The other keys are unchanged.
    pub async fn update_metadata(&self, metadata: &(impl Serialize + Sync + ?Sized)) -> Result<()> {
        self.change_metadata(MetadataChange::Merge(object(metadata)?)).await
    }

    async fn change_metadata(&self, change: MetadataChange) -> Result<()> {
        let context = self.active_context()?;
        let (integration, connection) = (&context.key.integration, &context.key.connection);
        let (stored, map) = match &change {
            MetadataChange::Replace(map) => (None, map),
            MetadataChange::Merge(map) => {
                (context.store.connection(integration, connection).await.map_err(StoreError::into_error)?, map)
            }
        };
        let stored = stored.as_ref().map(|connection| &connection.metadata);
        let fits = context.limits().check_metadata(stored, map);
        fits.map_err(|message| Error::new(ErrorKind::Connection, message))?;
        // A run that is written later must be stored before what it changes.
        context.token().await?;
        let changed = context
            .store
            .change_metadata(integration, connection, change)
            .await
            .map_err(StoreError::into_error)?
            .ok_or_else(|| {
                let (integration, connection) = (integration.clone(), connection.clone());
                StoreError::NoConnection { integration, connection }.into_error()
            })?;
        // A run that was started with replaced metadata must read its own writes, too.
        if let Some(metadata) = &mut *lock(&context.metadata) {
            *metadata = changed;
        }
        Ok(())
    }

    async fn typed_metadata<M: Data>(self) -> Result<M> {
        let metadata = Value::Object(self.metadata_map().await?);
        read_metadata(&metadata, &self.context().key.integration, &self.context().key.connection)
    }
}

/// Decodes metadata to the type that a function declares. The error names the field, and its remedy is to set it.
pub(crate) fn read_metadata<M: Data>(metadata: &Value, integration: &str, connection: &str) -> Result<M> {
    decode_value(metadata).map_err(|error| {
        let location = if error.path == "." { String::new() } else { format!(" at `{}`", error.path) };
        Error::new(
            ErrorKind::Connection,
            format!("the metadata of connection `{connection}` does not fit{location}: {}", error.message),
        )
        .with_remedy(Remedy::SetMetadata { integration: integration.to_owned(), connection: connection.to_owned() })
    })
}

fn object(value: &(impl Serialize + ?Sized)) -> Result<Map<String, Value>> {
    match serde_json::to_value(value)? {
        Value::Object(map) => Ok(map),
        other => Err(Error::msg(format!("metadata must be an object, but is {other}"))),
    }
}

impl<S> NangoSync<S> {
    /// Returns the metadata of the connection as the type that the sync declares.
    pub fn metadata<M>(&self) -> BoxFuture<Result<M>>
    where
        S: HasMetadata<Metadata = M>,
        M: Data,
    {
        Box::pin(self.0.clone().typed_metadata())
    }
}

impl<A> NangoAction<A> {
    /// Returns the metadata of the connection as the type that the action declares.
    pub fn metadata<M>(&self) -> BoxFuture<Result<M>>
    where
        A: HasMetadata<Metadata = M>,
        M: Data,
    {
        Box::pin(self.0.clone().typed_metadata())
    }
}
