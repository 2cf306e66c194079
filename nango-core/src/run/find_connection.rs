//! Lookup of the connection of a run.

use super::runtime::Runtime;
use crate::{
    declare::Registry,
    error::{Error, ErrorKind, Remedy, Result, register_layer_error},
    store::{Connection, ConnectionKey, StoreError},
};

/// Error of a connection that is not stored.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.message())]
pub(crate) struct UnknownConnection {
    /// Requested connection.
    pub(crate) key: ConnectionKey,
    /// Ids of the connections that the integration has.
    pub(crate) available: Vec<String>,
}

register_layer_error!(UnknownConnection);

impl UnknownConnection {
    fn message(&self) -> String {
        let ConnectionKey { integration, connection } = &self.key;
        if self.available.is_empty() {
            return format!("`{integration}` has no connection yet");
        }
        Registry::unknown_message(&format!("connection of `{integration}` named"), connection, &self.available)
    }

    fn into_error(self) -> Error {
        let remedy = self.available.is_empty().then(|| {
            let ConnectionKey { integration, connection } = self.key.clone();
            Remedy::AddConnection { integration, connection }
        });
        Error::new(ErrorKind::Connection, self).with_remedy(remedy)
    }
}

/// Reads a connection from the database.
///
/// # Errors
///
/// Fails with an [`UnknownConnection`] if it is not stored, or if the database fails.
pub(crate) async fn find_connection(runtime: &Runtime, key: ConnectionKey) -> Result<Connection> {
    let ConnectionKey { integration, connection } = &key;
    if let Some(found) = runtime.store.connection(integration, connection).await.map_err(StoreError::into_error)? {
        return Ok(found);
    }
    let all = runtime.store.connections(Some(integration)).await.map_err(StoreError::into_error)?;
    let available = all.into_iter().map(|connection| connection.id).collect();
    Err(UnknownConnection { key, available }.into_error())
}
