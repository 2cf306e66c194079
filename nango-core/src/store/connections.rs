//! Connections: one customer's credentials for an integration, with its configuration and metadata.
//!
//! Credentials arrive sealed and leave sealed; only `auth` can open them.

use serde_json::{Map, Value};

use super::StoreFuture;

/// A connection as the database holds it.
#[derive(Clone, PartialEq)]
pub struct Connection {
    /// The database's own number of it. A connection that was removed and added again has another.
    pub row: i64,
    /// The integration.
    pub integration: String,
    /// Its id, chosen by the application.
    pub id: String,
    /// The kind of its credentials, such as `API_KEY`.
    pub auth: String,
    /// Its sealed credentials.
    pub credentials: Vec<u8>,
    /// What the provider's templates ask for, such as a subdomain.
    pub config: Map<String, Value>,
    /// What the application and its functions keep with the connection.
    pub metadata: Map<String, Value>,
    /// When it was added, microseconds since 1970.
    pub created_at: i64,
    /// When anything of it last changed.
    pub updated_at: i64,
    /// The version of its credentials: it grows with each change of them.
    pub version: i64,
    /// When its token is to be renewed: a while before its end. `None`: never, or nobody knows.
    pub renew_at: Option<i64>,
    /// Why its token could not be renewed since it was last obtained.
    pub failure: Option<RefreshFailure>,
}

/// Why a token could not be renewed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshFailure {
    /// How often in a row.
    pub attempts: u32,
    /// When last, microseconds since 1970.
    pub failed_at: i64,
    /// Why, in words without secrets.
    pub message: String,
    /// Whether the token server refused these credentials, so that another attempt has no purpose: the connection must be
    /// given new ones.
    pub refused: bool,
    /// When the token server first answered without a token since one was last obtained, microseconds since 1970. `None`: it
    /// did not answer, or only that it cannot answer now.
    pub rejected_since: Option<i64>,
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

/// A connection that is being added, or replaces the one of the same name.
#[derive(Clone)]
pub struct NewConnection {
    /// The integration.
    pub integration: String,
    /// Its id.
    pub id: String,
    /// The kind of its credentials.
    pub auth: String,
    /// Its sealed credentials.
    pub credentials: Vec<u8>,
    /// When its token is to be renewed, microseconds since 1970; `None`: never, or nobody knows.
    pub renew_at: Option<i64>,
    /// What the provider's templates ask for.
    pub config: Map<String, Value>,
    /// Its metadata; `None` keeps what a replaced connection had.
    pub metadata: Option<Map<String, Value>>,
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

/// How metadata changes.
#[derive(Debug, Clone, PartialEq)]
pub enum MetadataChange {
    /// All of it becomes this.
    Replace(Map<String, Value>),
    /// These top-level keys become these values, the others stay.
    Merge(Map<String, Value>),
}

/// What went with a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RemovedConnection {
    /// How many records, deleted ones included.
    pub records: u64,
}

/// The connections of a database.
pub trait Connections {
    /// Adds a connection, or replaces the credentials and configuration of the one with this name: its records,
    /// checkpoints and (unless given) metadata stay, what was said of its token goes. The flag says whether it is new.
    fn put_connection(&self, new: NewConnection) -> StoreFuture<'_, (Connection, bool)>;

    /// A connection by name.
    fn connection(&self, integration: &str, id: &str) -> StoreFuture<'_, Option<Connection>>;

    /// All connections, or those of one integration, by integration and id.
    fn connections(&self, integration: Option<&str>) -> StoreFuture<'_, Vec<Connection>>;

    /// Changes the metadata and gives the result. `None`: there is no such connection.
    fn change_metadata(
        &self,
        integration: &str,
        id: &str,
        change: MetadataChange,
    ) -> StoreFuture<'_, Option<Map<String, Value>>>;

    /// Replaces configuration and credentials of a row by the same with more of it sealed, unless the credentials have
    /// changed since this version or are being renewed. The flag says whether it did.
    fn seal_config(
        &self,
        row: i64,
        version: i64,
        credentials: Vec<u8>,
        config: Map<String, Value>,
    ) -> StoreFuture<'_, bool>;

    /// A value that the program keeps for itself, by name.
    fn meta_value(&self, name: &str) -> StoreFuture<'_, Option<Vec<u8>>>;

    /// Keeps a value, or drops it. What is secret in it must be sealed.
    fn put_meta_value(&self, name: &str, value: Option<Vec<u8>>) -> StoreFuture<'_, ()>;

    /// Removes a connection, its records, checkpoints and resume states. The sequences of its datasets stay, so that a
    /// cursor goes on if a connection of this name comes back. `None`: there is no such connection.
    fn remove_connection(&self, integration: &str, id: &str) -> StoreFuture<'_, Option<RemovedConnection>>;
}
