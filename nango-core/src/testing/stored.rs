//! Records, checkpoint and metadata in the database of a mock.

use std::time::Duration;

use serde_json::Value;

use super::{
    database::{Database, block_on},
    mock::Mock,
    rows::{self, checked},
    setup::NAME,
};
use crate::{
    declare::{Handle, Merging},
    model::{Batch, Checkpoint, Record},
    nango::Nango,
    store::{BASE_VARIANT, Change, Connections, DatasetKey, MetadataChange, Page, StoreError, Write},
};

impl Mock {
    /// Saves a record in the cache before the function runs.
    pub async fn record<M: Record>(self, record: M) -> Self {
        let mut batch = Batch::default();
        let pushed = batch.push(&record);
        assert!(pushed.is_ok(), "this record cannot be saved: {pushed:?}");
        let handle: Handle = self.nango();
        let context = Nango::from(handle).context().clone();
        let (dataset, merging) = (dataset_key(M::NAME), Merging::Override);
        let change = Change { dataset, merging, full_walk: None, parent: None, write: Write::Save(batch) };
        let page = Page {
            run: Box::pin(context.token()).await.unwrap_or_else(|_| unreachable!("the run of a mock has started")),
            function: context.key().clone(),
            requested_at: context.store().now(),
            changes: vec![change],
            checkpoint: None,
            resume: None,
            parents: Vec::new(),
            pages: 0,
            requests: 0,
            skipped_invalid: 0,
            logs: Vec::new(),
        };
        let saved = context.store().commit(page).await;
        assert!(saved.is_ok(), "this record cannot be saved: {saved:?}");
        self
    }

    /// Returns the saved records of a model that are not deleted, in the order of their last changes.
    pub async fn saved<M: Record>(&self) -> Vec<M> {
        rows::saved(&self.database().store(), &dataset_key(M::NAME)).await
    }

    /// Returns the ids of the deleted records of a model.
    pub async fn deleted<M: Record>(&self) -> Vec<String> {
        rows::deleted(&self.database().store(), &dataset_key(M::NAME)).await
    }

    /// Returns the checkpoint that the function stored which ran last, or `None` if it stored none.
    ///
    /// # Panics
    ///
    /// Panics if the stored checkpoint has another type.
    pub async fn checkpoint<C: Checkpoint>(&self) -> Option<C> {
        let key = self.settings(|settings| settings.function.clone());
        rows::checkpoint(&self.database().store(), &key).await
    }

    /// Returns the metadata that the connection has now.
    pub async fn current_metadata(&self) -> Value {
        let database = self.database();
        self.apply_metadata(database);
        let connection = checked(database.sqlite.connection(NAME, NAME).await);
        connection.map(|connection| Value::Object(connection.metadata)).unwrap_or_default()
    }

    /// Advances the time, without waiting: for `since` with `full_every`, `hold`, and times that a function reads.
    pub fn advance(&self, duration: Duration) {
        self.clock().advance(duration);
        self.database().sqlite.advance_clock(duration);
    }

    /// Returns the database, which is opened on first use.
    pub(super) fn database(&self) -> &Database {
        self.0.database.get_or_init(|| {
            let metadata = self.settings(|settings| settings.metadata.take().unwrap_or_default());
            block_on(Database::open(metadata))
        })
    }

    /// Stores the metadata that was set after the database was opened.
    pub(super) fn apply_metadata(&self, database: &Database) {
        if let Some(metadata) = self.settings(|settings| settings.metadata.take()) {
            let store = database.store();
            block_on(async move {
                let change = store.change_metadata(NAME, NAME, MetadataChange::Replace(metadata)).await;
                change.map_err(StoreError::into_error)
            });
        }
    }
}

fn dataset_key(model: &str) -> DatasetKey {
    let name = || NAME.to_owned();
    DatasetKey { integration: name(), connection: name(), model: model.to_owned(), variant: BASE_VARIANT.to_owned() }
}
