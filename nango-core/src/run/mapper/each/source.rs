//! Parents of a run in the order of their ids, in batches.

use std::{collections::HashMap, sync::Arc, vec};

use super::super::parents::{Parent, ParentsRun};
use crate::{
    declare::{Each, EachScope, ParentElement, ParentSource, SharedMetadata},
    error::{Error, Result},
    run::resume::{self, SyncState},
    store::{BASE_VARIANT, DatasetKey, ParentRow, StoreError},
    time::Timestamp,
};

/// Number of parents that are read at the same time.
const BATCH: u32 = 128;

/// Parent that is next.
pub(super) enum NextParent {
    /// An earlier run of the same logical run has walked its list.
    Done(Arc<str>),
    /// The payload of its record was pruned.
    WithoutPayload(Arc<str>),
    /// Its list is walked from its stored state.
    Walk(Parent, Box<SyncState>),
}

impl NextParent {
    /// Returns the id of the parent.
    pub(super) fn id(&self) -> &Arc<str> {
        match self {
            Self::Done(id) | Self::WithoutPayload(id) => id,
            Self::Walk(parent, _) => &parent.id,
        }
    }
}

/// Parent before its state is read: its id, the time at which its record was first seen, and its value.
type FoundParent = (String, Option<Timestamp>, Option<EachScope>);

/// Parents of a run that are not done.
pub(super) struct Parents<'a> {
    run: &'a ParentsRun<'a>,
    metadata: Option<SharedMetadata>,
    /// Id of the last read parent.
    after: Option<String>,
    from: Source,
}

enum Source {
    Records { dataset: DatasetKey, decode: fn(&[u8]) -> Result<crate::declare::SharedParent> },
    Elements(vec::IntoIter<ParentElement>),
    End,
}

impl<'a> Parents<'a> {
    /// Creates the parents after those that are done.
    pub(super) fn new(run: &'a ParentsRun<'a>, each: &Each, metadata: Option<SharedMetadata>) -> Result<Self> {
        let after = run.logical().after.clone();
        let from = match &each.parents {
            ParentSource::Model { decode, .. } => {
                let dataset = dataset(run, each).ok_or_else(|| Error::msg("the parents have no dataset"))?;
                Source::Records { dataset, decode: *decode }
            }
            ParentSource::Metadata { .. } => {
                let mut elements = elements(each, metadata.as_ref())?;
                elements.retain(|element| after.as_deref().is_none_or(|after| element.id.as_str() > after));
                Source::Elements(elements.into_iter())
            }
        };
        Ok(Self { run, metadata, after, from })
    }

    /// Returns the next parents and those after them, or `None` after the last one.
    pub(super) async fn next_batch(mut self) -> Result<Option<(Vec<NextParent>, Self)>> {
        let found = self.read().await?;
        let Some((last, ..)) = found.last() else { return Ok(None) };
        self.after = Some(last.clone());
        let context = &self.run.run.context;
        let ids = found.iter().map(|(id, ..)| id.clone()).collect();
        let rows = self.run.run.runtime.store.parent_rows(context.key(), ids).await.map_err(StoreError::into_error)?;
        let mut rows: HashMap<String, ParentRow> = rows.into_iter().map(|row| (row.id.clone(), row)).collect();
        let next = found.into_iter().map(|(id, seen, scope)| self.next_of(rows.remove(&id), id, seen, scope)).collect();
        Ok(Some((next, self)))
    }

    /// Reads the next parents without their states. An empty batch is the last.
    async fn read(&mut self) -> Result<Vec<FoundParent>> {
        let scope = |parent| EachScope { parent, metadata: self.metadata.clone() };
        match &mut self.from {
            Source::End => Ok(Vec::new()),
            Source::Elements(elements) => {
                let batch = elements.take(BATCH as usize);
                Ok(batch.map(|ParentElement { id, value }| (id, None, Some(scope(value)))).collect())
            }
            Source::Records { dataset, decode } => {
                let store = &self.run.run.runtime.store;
                let read = store.live_records_after(dataset, self.after.as_deref(), BATCH).await;
                let records = read.map_err(StoreError::into_error)?;
                let mut found = Vec::with_capacity(records.len());
                for record in records {
                    let parent = record.payload.map(|payload| decode(&payload)).transpose();
                    let parent = parent
                        .map_err(|error| error.context(format!("record `{}` of `{}`", record.id, dataset.model)))?;
                    found.push((record.id, Some(record.first_seen_at), parent.map(scope)));
                }
                if found.len() < BATCH as usize {
                    self.from = Source::End;
                }
                Ok(found)
            }
        }
    }

    fn next_of(
        &self,
        row: Option<ParentRow>,
        id: String,
        first_seen_at: Option<Timestamp>,
        scope: Option<EachScope>,
    ) -> NextParent {
        // A parent that was deleted and restored since starts anew.
        let row = row.filter(|row| row.first_seen_at == first_seen_at);
        if row.as_ref().is_some_and(|row| row.done == Some(self.run.number())) {
            return NextParent::Done(id.into());
        }
        let Some(scope) = scope else { return NextParent::WithoutPayload(id.into()) };
        let run = self.run.run;
        let sealed = row.and_then(|row| row.state);
        let state = resume::open_parent(run.runtime, run.context.key(), &id, sealed.as_deref());
        NextParent::Walk(Parent { id: id.into(), first_seen_at, scope }, Box::new(state))
    }
}

/// Returns the dataset of the parents; `None` if they are elements of a list in the metadata.
pub(super) fn dataset(run: &ParentsRun<'_>, each: &Each) -> Option<DatasetKey> {
    let ParentSource::Model { model, variant, .. } = &each.parents else { return None };
    let variant = variant.unwrap_or(BASE_VARIANT).to_owned();
    Some(DatasetKey { variant, ..run.run.context.dataset(model.name) })
}

/// Returns the elements of the list in the metadata, in the order of their ids.
pub(super) fn elements(each: &Each, metadata: Option<&SharedMetadata>) -> Result<Vec<ParentElement>> {
    let ParentSource::Metadata { list, .. } = &each.parents else { return Ok(Vec::new()) };
    let metadata = metadata.ok_or_else(|| Error::msg("the metadata of the parents was not read"))?;
    list(metadata)
}

/// Returns the fingerprint of the lists of all parents. `lists`: the fingerprint of what they have in common.
pub(super) fn fingerprint(each: &Each, lists: &str) -> String {
    let parents = match &each.parents {
        ParentSource::Model { model, variant, .. } => format!("model {} {:?}", model.name, variant.unwrap_or_default()),
        ParentSource::Metadata { path, .. } => format!("metadata {path}"),
    };
    blake3::hash(format!("{lists} each: {parents}").as_bytes()).to_hex()[..32].to_owned()
}
