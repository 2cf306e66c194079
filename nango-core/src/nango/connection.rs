//! What a function may know of its connection and integration.

use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    Nango, NangoAction, NangoSync,
    context::{lock, store_error},
};
use crate::{
    auth::{Credentials, RefreshError},
    declare::{BoxFuture, HasMetadata},
    error::{Error, ErrorKind, Result},
    json::decode_value,
    model::Data,
    store::{Connection, MetadataChange, StoreError},
};

/// A connection with its opened credentials.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ConnectionInfo {
    /// Its id, chosen by the application.
    pub id: String,
    /// The integration.
    pub integration: String,
    /// Its credentials.
    pub credentials: Credentials,
    /// What the provider's templates ask for, such as a subdomain.
    pub config: Map<String, Value>,
    /// What the application and its functions keep with it.
    pub metadata: Map<String, Value>,
}

/// The integration of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct IntegrationInfo {
    /// Its unique key.
    pub key: String,
    /// The provider's name in the catalogue; the integration's own if it is not there.
    pub provider: String,
    /// The provider's name for people.
    pub display_name: String,
    /// Where its requests go.
    pub base_url: String,
}

/// A wish to know the connection; `.await` fulfils it.
///
/// ```no_run
/// # use nango_core::prelude::*;
/// # async fn show(nango: Nango) -> Result<()> {
/// let connection = nango.connection().await?;
/// let renewed = nango.connection().force_refresh().await?;
/// assert_eq!(connection.id, renewed.id);
/// # Ok(()) }
/// ```
#[derive(Debug)]
#[must_use = "nothing is asked before `.await`"]
pub struct ConnectionRequest {
    nango: Nango,
    force_refresh: bool,
    refresh_token: bool,
}

impl ConnectionRequest {
    /// Renews the token first, whether it is due or not. Calls that come together share one renewal.
    pub fn force_refresh(mut self) -> Self {
        self.force_refresh = true;
        self
    }

    /// Gives the refresh token too, which otherwise stays here.
    pub fn refresh_token(mut self) -> Self {
        self.refresh_token = true;
        self
    }

    async fn load(self) -> Result<ConnectionInfo> {
        let context = self.nango.context();
        context.check()?;
        let credentials = if self.force_refresh {
            context.credentials.force_refresh().await
        } else {
            context.credentials.current().await
        };
        let credentials = credentials.map_err(refresh_error)?;
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

/// A token that cannot be had is the connection's fault, a provider that does not answer the network's.
fn refresh_error(error: RefreshError) -> Error {
    let kind =
        if matches!(error, RefreshError::RetryLater { .. }) { ErrorKind::Network } else { ErrorKind::Connection };
    Error::new(kind, error)
}

impl Nango {
    /// The connection as it is now, with credentials that are good now: a token that is due is renewed first.
    pub fn connection(&self) -> ConnectionRequest {
        ConnectionRequest { nango: self.clone(), force_refresh: false, refresh_token: false }
    }

    /// The connection as the database has it.
    async fn stored_connection(&self) -> Result<Connection> {
        let context = self.context();
        let (integration, id) = (&context.key.integration, &context.key.connection);
        // What is being validated is the new one, also where it replaces a stored one.
        let validating = context.connection.row == 0;
        let stored =
            if validating { None } else { context.store.connection(integration, id).await.map_err(store_error)? };
        Ok(stored.unwrap_or_else(|| context.connection.clone()))
    }

    /// The token or API key that a request would be sent with now: one that is due is renewed first.
    pub async fn token(&self) -> Result<String> {
        let context = self.context();
        context.check()?;
        let credentials = context.credentials.current().await.map_err(refresh_error)?;
        credentials.token().map(ToOwned::to_owned).ok_or_else(|| {
            let (integration, id) = (&context.key.integration, &context.key.connection);
            let mode = credentials.mode().name();
            Error::new(
                ErrorKind::Connection,
                format!("connection `{id}` of `{integration}` has no token: its credentials are of the kind `{mode}`"),
            )
        })
    }

    /// The integration that this function belongs to.
    pub fn integration(&self) -> IntegrationInfo {
        let context = self.context();
        IntegrationInfo {
            key: context.key.integration.clone(),
            provider: context.provider.name.clone(),
            display_name: context.provider.display_name.clone(),
            base_url: context.base_url.clone(),
        }
    }

    /// The connection's metadata without a type.
    pub async fn metadata_map(&self) -> Result<Map<String, Value>> {
        let context = self.context();
        context.check()?;
        let metadata = lock(&context.metadata).clone();
        match metadata {
            Some(metadata) => Ok(metadata),
            None => Ok(self.stored_connection().await?.metadata),
        }
    }

    /// Replaces the connection's metadata.
    pub async fn set_metadata(&self, metadata: &(impl Serialize + Sync + ?Sized)) -> Result<()> {
        self.change_metadata(MetadataChange::Replace(object(metadata)?)).await
    }

    /// Sets some top-level keys of the connection's metadata; the others stay.
    pub async fn update_metadata(&self, metadata: &(impl Serialize + Sync + ?Sized)) -> Result<()> {
        self.change_metadata(MetadataChange::Merge(object(metadata)?)).await
    }

    async fn change_metadata(&self, change: MetadataChange) -> Result<()> {
        let context = self.context();
        context.check()?;
        let (integration, connection) = (&context.key.integration, &context.key.connection);
        let (stored, map) = match &change {
            MetadataChange::Replace(map) => (None, map),
            MetadataChange::Merge(map) => {
                (context.store.connection(integration, connection).await.map_err(store_error)?, map)
            }
        };
        let stored = stored.as_ref().map(|connection| &connection.metadata);
        let fits = context.limits().check_metadata(stored, map);
        fits.map_err(|message| Error::new(ErrorKind::Connection, message))?;
        let changed =
            context.store.change_metadata(integration, connection, change).await.map_err(store_error)?.ok_or_else(
                || {
                    let (integration, connection) = (integration.clone(), connection.clone());
                    store_error(StoreError::NoConnection { integration, connection })
                },
            )?;
        // A run that was started with other metadata reads its own writes, too.
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

/// Reads metadata as the type that a function declares; the error says what is missing and how to set it.
pub(crate) fn read_metadata<M: Data>(metadata: &Value, integration: &str, connection: &str) -> Result<M> {
    decode_value(metadata).map_err(|error| {
        let location = if error.path == "." { String::new() } else { format!(" at `{}`", error.path) };
        Error::new(
            ErrorKind::Connection,
            format!(
                "the metadata of connection `{connection}` does not fit{location}: {}. \
                 Set it: `registry connection set-metadata {integration} {connection} '{{…}}'`",
                error.message
            ),
        )
    })
}

fn object(value: &(impl Serialize + ?Sized)) -> Result<Map<String, Value>> {
    match serde_json::to_value(value)? {
        Value::Object(map) => Ok(map),
        other => Err(Error::msg(format!("metadata is an object, not {other}"))),
    }
}

impl<S> NangoSync<S> {
    /// The connection's metadata as the type that the sync declares.
    pub fn metadata<M>(&self) -> BoxFuture<Result<M>>
    where
        S: HasMetadata<Metadata = M>,
        M: Data,
    {
        Box::pin(self.0.clone().typed_metadata())
    }
}

impl<A> NangoAction<A> {
    /// The connection's metadata as the type that the action declares.
    pub fn metadata<M>(&self) -> BoxFuture<Result<M>>
    where
        A: HasMetadata<Metadata = M>,
        M: Data,
    {
        Box::pin(self.0.clone().typed_metadata())
    }
}
