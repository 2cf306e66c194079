//! Reads of stored records by a sync: by id, or as a stream of all records of a model.

use std::{collections::HashMap, hash::Hash, marker::PhantomData};

use futures_util::{Stream, stream};

use super::{Nango, NangoSync};
use crate::{
    declare::{BoxFuture, Saves},
    error::{Error, ErrorKind, Result},
    json::decode,
    model::{KeyOf, Record, Stored},
    store::{FeedRow, ReadQuery, StoreError},
};

/// Number of records that a stream reads per query.
const STREAM_PAGE: u32 = 200;

impl<S> NangoSync<S> {
    /// Returns records by id, including deleted records (see [`Stored::deleted_at`]). Ids that are not stored are
    /// skipped.
    #[doc(alias = "getRecordsById")]
    pub fn records_by_id<M, K>(&self, ids: impl IntoIterator<Item = K>) -> BoxFuture<Result<HashMap<K, Stored<M>>>>
    where
        S: Saves<M>,
        M: Record,
        K: KeyOf<M> + Eq + Hash + Send + 'static,
    {
        let mut keys: HashMap<String, K> = ids.into_iter().map(|id| (id.key(), id)).collect();
        let nango = self.0.clone();
        Box::pin(async move {
            let rows = rows_by_id(&nango, M::NAME, keys.keys().cloned().collect()).await?;
            let mut found = HashMap::with_capacity(rows.len());
            for row in rows {
                if let (Some(id), Some(record)) = (keys.remove(&row.id), stored(M::NAME, &row)?) {
                    found.insert(id, record);
                }
            }
            Ok(found)
        })
    }

    /// Returns all records of a model, including deleted records, sorted by last modification, oldest first. A sync of
    /// several models names the model: `records::<Contact>()`.
    pub fn records<M>(&self) -> RecordStream<M>
    where
        S: Saves<M>,
        M: Record,
    {
        RecordStream { nango: self.0.clone(), buffer: Vec::new().into_iter(), next: Next::First, model: PhantomData }
    }
}

async fn rows_by_id(nango: &Nango, model: &str, ids: Vec<String>) -> Result<Vec<FeedRow>> {
    let context = nango.active_context()?;
    context.store.records_by_id(&context.dataset(model), ids).await.map_err(StoreError::into_error)
}

/// Decodes a row to the model. Returns `None` if its payload was pruned.
fn stored<M: Record>(model: &str, row: &FeedRow) -> Result<Option<Stored<M>>> {
    let Some(payload) = &row.payload else { return Ok(None) };
    let record = decode(payload).map_err(|error| {
        let message = format!(
            "the stored record `{}` of `{model}` no longer fits the model: {error}; the next sync that saves it \
             replaces it",
            row.id
        );
        Error::new(ErrorKind::Decode, message)
    })?;
    Ok(Some(Stored::new(record, row.first_seen_at, row.last_modified_at, row.deleted_at)))
}

/// Records of a model, read page by page.
#[derive(Debug)]
pub struct RecordStream<M> {
    nango: Nango,
    buffer: std::vec::IntoIter<FeedRow>,
    next: Next,
    model: PhantomData<fn() -> M>,
}

/// Next page to read.
#[derive(Debug)]
enum Next {
    First,
    After(String),
    None,
}

impl<M: Record> RecordStream<M> {
    /// Returns the next record, or `None` after the last one.
    pub async fn next(&mut self) -> Result<Option<Stored<M>>> {
        loop {
            for row in self.buffer.by_ref() {
                if let Some(record) = stored(M::NAME, &row)? {
                    return Ok(Some(record));
                }
            }
            let cursor = match std::mem::replace(&mut self.next, Next::None) {
                Next::None => return Ok(None),
                Next::First => None,
                Next::After(cursor) => Some(cursor),
            };
            let context = self.nango.active_context()?;
            let query = ReadQuery { cursor, limit: STREAM_PAGE, ..ReadQuery::default() };
            let page = context.store.read(&context.dataset(M::NAME), query).await.map_err(StoreError::into_error)?;
            self.next = page.next_cursor.map_or(Next::None, Next::After);
            self.buffer = page.records.into_iter();
        }
    }

    /// Converts to a stream of the `futures` crate.
    pub fn into_stream(self) -> impl Stream<Item = Result<Stored<M>>> + Send {
        stream::try_unfold(self, |mut records| async move { Ok(records.next().await?.map(|record| (record, records))) })
    }
}
