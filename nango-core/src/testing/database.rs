//! The database of a mock, with its connection.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::setup::NAME;
use crate::{
    auth::{Credentials, KeyRing},
    error::Result,
    store::{Connections, NewConnection, ProfileChange, SharedStore, StoreError, sqlite::Sqlite},
};

/// The database in memory, and the key that seals credentials and resume states in it.
#[derive(Debug)]
pub(super) struct Database {
    pub(super) sqlite: Arc<Sqlite>,
    pub(super) ring: KeyRing,
}

impl Database {
    /// Opens a database with one connection, which has no credentials.
    pub(super) async fn open(metadata: Map<String, Value>) -> Result<Self> {
        let ring = KeyRing::ephemeral()?;
        let sqlite = Sqlite::open(":memory:").await.map_err(StoreError::into_error)?;
        let credentials = Credentials::none();
        let new = NewConnection {
            integration: NAME.to_owned(),
            id: NAME.to_owned(),
            auth: credentials.mode().stored_name().to_owned(),
            credentials: credentials.seal(&ring, NAME, NAME)?,
            refresh_at: None,
            config: Map::new(),
            metadata: Some(metadata),
            profile: ProfileChange::default(),
        };
        sqlite.put_connection(new).await.map_err(StoreError::into_error)?;
        Ok(Self { sqlite: Arc::new(sqlite), ring })
    }

    pub(super) fn store(&self) -> SharedStore {
        self.sqlite.clone()
    }
}

/// Runs a future to completion on a separate thread, so that a handle is available without `.await`.
pub(super) fn block_on<T: Send + 'static>(future: impl Future<Output = Result<T>> + Send + 'static) -> T {
    let thread = std::thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.map_err(|error| error.to_string())?.block_on(future).map_err(|error| error.to_string())
    });
    match thread.join() {
        Ok(Ok(value)) => value,
        Ok(Err(error)) => panic!("the mock's database failed: {error}"),
        Err(panic) => std::panic::resume_unwind(panic),
    }
}
