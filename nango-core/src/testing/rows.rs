//! Records and checkpoints in the database of a mock or of a replay.

use crate::{
    json::decode,
    model::{Checkpoint, Record},
    store::{DatasetKey, FeedRow, FunctionKey, ReadQuery, SharedStore, StoreError},
};

/// Returns the records that are not deleted, in the order of their last changes.
pub(super) async fn saved<M: Record>(store: &SharedStore, dataset: &DatasetKey) -> Vec<M> {
    let rows = rows(store, dataset).await;
    let saved = rows.iter().filter(|row| row.deleted_at.is_none()).filter_map(|row| row.payload.as_ref());
    saved.map(|payload| decode_record(payload)).collect()
}

/// Returns the ids of the deleted records.
pub(super) async fn deleted(store: &SharedStore, dataset: &DatasetKey) -> Vec<String> {
    let rows = rows(store, dataset).await;
    rows.into_iter().filter(|row| row.deleted_at.is_some()).map(|row| row.id).collect()
}

/// Returns the checkpoint of a function.
pub(super) async fn checkpoint<C: Checkpoint>(store: &SharedStore, key: &FunctionKey) -> Option<C> {
    let stored = checked(store.checkpoint(key).await);
    stored.value.map(|value| match serde_json::from_value(value.clone()) {
        Ok(checkpoint) => checkpoint,
        Err(error) => panic!("the stored checkpoint {value} is not a `{}`: {error}", std::any::type_name::<C>()),
    })
}

async fn rows(store: &SharedStore, dataset: &DatasetKey) -> Vec<FeedRow> {
    let query = ReadQuery { limit: 10_000, ..ReadQuery::default() };
    checked(store.read(dataset, query).await).records
}

#[track_caller]
fn decode_record<M: Record>(payload: &[u8]) -> M {
    match decode(payload) {
        Ok(record) => record,
        Err(error) => panic!("the saved record {} is not a `{}`: {error}", String::from_utf8_lossy(payload), M::NAME),
    }
}

pub(super) fn checked<T>(result: Result<T, StoreError>) -> T {
    result.unwrap_or_else(|error| panic!("the database of the test failed: {error}"))
}
