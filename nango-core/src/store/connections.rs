//! Connections: one customer's credentials for an integration, with its configuration and metadata.
//!
//! The store receives and returns credentials only sealed; `auth` alone opens them.

use serde_json::{Map, Value};

use super::{ConnectionProfile, ConnectionQuery, ProfileChange, StoreFuture};
use crate::time::Timestamp;

/// The name of a connection in an installation.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ConnectionKey {
    /// The integration's unique key.
    pub integration: String,
    /// The connection's id.
    pub connection: String,
}

impl ConnectionKey {
    /// Creates the name of a connection of an integration.
    pub fn new(integration: impl Into<String>, connection: impl Into<String>) -> Self {
        Self { integration: integration.into(), connection: connection.into() }
    }
}

/// Writes a description for messages, such as "connection `ann` of `shop`".
impl std::fmt::Display for ConnectionKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "connection `{}` of `{}`", self.connection, self.integration)
    }
}

/// A connection as it is stored in the database.
#[derive(Clone, PartialEq)]
pub struct Connection {
    /// The number in the database. A connection that was removed and added again has a new number.
    pub row: i64,
    /// The integration's unique key.
    pub integration: String,
    /// The connection's id, chosen by the application.
    pub id: String,
    /// The auth mode of the credentials, such as `API_KEY`.
    pub auth: String,
    /// The sealed credentials.
    pub credentials: Vec<u8>,
    /// The values for the provider's templates, such as a subdomain.
    pub config: Map<String, Value>,
    /// The metadata that the application and its functions store with the connection.
    pub metadata: Map<String, Value>,
    /// The time at which the connection was added.
    pub created_at: Timestamp,
    /// The time of the last change of the connection.
    pub updated_at: Timestamp,
    /// The version of the credentials: each change of them increments it.
    pub version: i64,
    /// The time from which the token is refreshed, somewhat before its expiry. `None`: never, or the expiry is unknown.
    pub refresh_at: Option<Timestamp>,
    /// The last failure of a token refresh since the token was obtained, if any.
    pub failure: Option<RefreshFailure>,
    /// The end user, tags and webhook target that the application stores with the connection.
    pub profile: ConnectionProfile,
}

/// A failed token refresh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshFailure {
    /// The number of consecutive failures.
    pub attempts: u32,
    /// The time of the last failure.
    pub failed_at: Timestamp,
    /// The reason, without secrets.
    pub message: String,
    /// Whether the token server refused these credentials, so that another attempt is useless: the connection needs new
    /// credentials.
    pub refused: bool,
    /// The time of the first response without a token since a token was last obtained. `None`: the server did not
    /// respond, or reported only that it is unavailable.
    pub rejected_since: Option<Timestamp>,
}

impl Connection {
    /// Returns the connection's name.
    pub fn key(&self) -> ConnectionKey {
        ConnectionKey::new(&self.integration, &self.id)
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("integration", &self.integration)
            .field("id", &self.id)
            .field("auth", &self.auth)
            .finish_non_exhaustive()
    }
}

/// A connection to add, or to replace the one with the same name.
#[derive(Clone)]
pub struct NewConnection {
    /// The integration's unique key.
    pub integration: String,
    /// The connection's id.
    pub id: String,
    /// The auth mode of the credentials, such as `API_KEY`.
    pub auth: String,
    /// The sealed credentials.
    pub credentials: Vec<u8>,
    /// The time from which the token is refreshed. `None`: never, or the expiry is unknown.
    pub refresh_at: Option<Timestamp>,
    /// The values for the provider's templates, such as a subdomain.
    pub config: Map<String, Value>,
    /// The new metadata; `None` keeps the metadata of a replaced connection.
    pub metadata: Option<Map<String, Value>>,
    /// The change of the profile; values that are not given keep those of a replaced connection.
    pub profile: ProfileChange,
}

impl std::fmt::Debug for NewConnection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewConnection")
            .field("integration", &self.integration)
            .field("id", &self.id)
            .field("auth", &self.auth)
            .finish_non_exhaustive()
    }
}

/// A change of a connection's metadata.
#[derive(Debug, Clone, PartialEq)]
pub enum MetadataChange {
    /// Replaces all metadata.
    Replace(Map<String, Value>),
    /// Sets these top-level keys and keeps the others.
    Merge(Map<String, Value>),
}

/// The data that was removed together with a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RemovedConnection {
    /// The number of records, tombstones included.
    pub records: u64,
}

/// The connections of a database.
pub trait Connections {
    /// Adds a connection, or replaces the credentials and configuration of the one with this name: its records,
    /// checkpoints and (if none is given) metadata are kept, the stored refresh failure is cleared. The flag is `true`
    /// if the connection is new.
    fn put_connection(&self, new: NewConnection) -> StoreFuture<'_, (Connection, bool)>;

    /// Returns a connection by integration and id.
    fn connection(&self, integration: &str, id: &str) -> StoreFuture<'_, Option<Connection>>;

    /// Returns all connections, or those of one integration, sorted by integration and id.
    fn connections(&self, integration: Option<&str>) -> StoreFuture<'_, Vec<Connection>>;

    /// Returns a page of the selected connections, sorted by row number: in the order in which they were added.
    fn find_connections(&self, query: ConnectionQuery) -> StoreFuture<'_, Vec<Connection>>;

    /// Changes the profile and returns the connection, or `None` if it does not exist. The change takes effect at once,
    /// and the credentials keep their version.
    fn change_profile(&self, integration: &str, id: &str, change: ProfileChange)
    -> StoreFuture<'_, Option<Connection>>;

    /// Changes the metadata of several connections of an integration in one transaction: of all of them, or, if one
    /// does not exist, of none. Returns the first id that does not exist.
    fn change_all_metadata(
        &self,
        integration: &str,
        ids: Vec<String>,
        change: MetadataChange,
    ) -> StoreFuture<'_, Option<String>>;

    /// Changes the metadata and returns the result, or `None` if the connection does not exist.
    fn change_metadata(
        &self,
        integration: &str,
        id: &str,
        change: MetadataChange,
    ) -> StoreFuture<'_, Option<Map<String, Value>>>;

    /// Replaces configuration and credentials with the same values of which more are sealed, unless the credentials
    /// changed after this version or are being refreshed. Returns whether the row was written.
    fn seal_config(
        &self,
        row: i64,
        version: i64,
        credentials: Vec<u8>,
        config: Map<String, Value>,
    ) -> StoreFuture<'_, bool>;

    /// Returns an internal value of the program by name.
    fn meta_value(&self, name: &str) -> StoreFuture<'_, Option<Vec<u8>>>;

    /// Stores or removes an internal value. Secrets in it must be sealed.
    fn put_meta_value(&self, name: &str, value: Option<Vec<u8>>) -> StoreFuture<'_, ()>;

    /// Removes a connection with its records, checkpoints, resume states and parents. The sequence numbers of its
    /// datasets are kept, so that a cursor stays valid if a connection of this name is added again. Returns `None` if
    /// the connection does not exist.
    fn remove_connection(&self, integration: &str, id: &str) -> StoreFuture<'_, Option<RemovedConnection>>;
}
