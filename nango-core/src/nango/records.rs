//! Reading the cache from inside a sync.

use std::{collections::HashMap, hash::Hash, marker::PhantomData};

use futures_util::{Stream, stream};

use super::{Nango, NangoSync, context::store_error};
use crate::{
    declare::{BoxFuture, Saves},
    error::{Error, ErrorKind, Result},
    json::decode,
    model::{Record, RecordId, Stored},
    store::{FeedRow, ReadQuery},
};

/// How many records a stream reads at once.
const STREAM_PAGE: u32 = 200;

impl<S> NangoSync<S> {
    /// Records by id, deleted ones included (see [`Stored::deleted_at`]); ids that are not there are left out.
    pub fn records_by_id<M, K>(&self, ids: impl IntoIterator<Item = K>) -> BoxFuture<Result<HashMap<K, Stored<M>>>>
    where
        S: Saves<M>,
        M: Record,
        K: RecordId + Eq + Hash + Send + 'static,
    {
        let mut keys: HashMap<String, K> = ids.into_iter().map(|id| (id.to_string(), id)).collect();
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

    /// All records of a model, deleted ones included, the longest unchanged first.
    pub fn records<M>(&self) -> RecordStream<M>
    where
        S: Saves<M>,
        M: Record,
    {
        RecordStream { nango: self.0.clone(), buffer: Vec::new().into_iter(), next: Next::First, model: PhantomData }
    }
}

async fn rows_by_id(nango: &Nango, model: &str, ids: Vec<String>) -> Result<Vec<FeedRow>> {
    let context = nango.context();
    context.check()?;
    context.store.records_by_id(&context.dataset(model), ids).await.map_err(store_error)
}

/// A row as the model; `None` if its payload was pruned.
fn stored<M: Record>(model: &str, row: &FeedRow) -> Result<Option<Stored<M>>> {
    let Some(payload) = &row.payload else { return Ok(None) };
    let record = decode(payload).map_err(|error| {
        let message = format!(
            "the stored record `{}` of `{model}` no longer fits the model: {error}. The next sync that saves it cures this",
            row.id
        );
        Error::new(ErrorKind::Decode, message)
    })?;
    Ok(Some(Stored::new(record, row.first_seen_at, row.last_modified_at, row.deleted_at)))
}

/// The records of a model, read page by page.
#[derive(Debug)]
pub struct RecordStream<M> {
    nango: Nango,
    buffer: std::vec::IntoIter<FeedRow>,
    next: Next,
    model: PhantomData<fn() -> M>,
}

/// The page that is read next.
#[derive(Debug)]
enum Next {
    First,
    After(String),
    None,
}

impl<M: Record> RecordStream<M> {
    /// The next record.
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
            let context = self.nango.context();
            context.check()?;
            let query = ReadQuery { cursor, limit: STREAM_PAGE, ..ReadQuery::default() };
            let page = context.store.read(&context.dataset(M::NAME), query).await.map_err(store_error)?;
            self.next = page.next_cursor.map_or(Next::None, Next::After);
            self.buffer = page.records.into_iter();
        }
    }

    /// As a stream of `futures`.
    pub fn into_stream(self) -> impl Stream<Item = Result<Stored<M>>> + Send {
        stream::try_unfold(self, |mut records| async move { Ok(records.next().await?.map(|record| (record, records))) })
    }
}
