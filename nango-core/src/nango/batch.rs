//! Record writes of a single batch, and the commit of pages.

use serde_json::Value;

use super::{Nango, NangoSync, Saved, context::PageCommit};
use crate::{
    declare::{BoxFuture, Saves, SavesGiven, suggest},
    error::{Error, ErrorKind, Result},
    json::decode,
    model::{AsRecord, Batch, KeyOf, ModelInfo, Patch, PatchOf, Record, RecordError, canonical},
    store::{Change, DeleteRow, ParentKey, PatchRow, Write},
    time::{self, Timestamp},
};

/// Write of a page to the records of a model.
#[derive(Debug)]
pub(super) struct PageWrite {
    pub(super) model: &'static ModelInfo,
    /// Parent whose children are replaced.
    pub(super) parent: Option<ParentKey>,
    pub(super) write: Write,
}

/// Not implemented: records are written by the handle of a sync.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "records are written by the handle of a sync, not by `Nango`",
    label = "this handle has no models",
    note = "in a helper function, take `nango: &NangoSync<impl Saves<YourModel>>` in place of `nango: &Nango`",
    note = "a function with `#[action]` or `#[on_event]` writes no records: it triggers a sync, or its webhook \
            handler does",
    note = "see docs/guides/i-want-to.md#a-position-between-runs in the repository"
)]
pub trait OnlyOfSync {}

/// Methods that exist so that their use is an error with the right type of the handle.
impl Nango {
    #[doc(hidden)]
    pub fn batch_save<I: OnlyOfSync>(&self, _records: I) -> BoxFuture<Result<Saved>> {
        Box::pin(std::future::ready(Ok(Saved::default())))
    }

    #[doc(hidden)]
    pub fn batch_update<I: OnlyOfSync>(&self, _patches: I) -> BoxFuture<Result<Saved>> {
        Box::pin(std::future::ready(Ok(Saved::default())))
    }

    #[doc(hidden)]
    pub fn batch_delete<M>(&self, _records: impl OnlyOfSync) -> BoxFuture<Result<Saved>> {
        Box::pin(std::future::ready(Ok(Saved::default())))
    }
}

impl<S> NangoSync<S> {
    /// Saves records of a model that the sync declares: adds new records, updates changed records, and skips unchanged
    /// records. If an id occurs repeatedly in one call, only the first record is stored.
    ///
    /// It takes records or references to them: `batch_save(&issues)`, `batch_save([issue])`,
    /// `batch_save(issues.iter().filter(…))`.
    #[doc(alias = "batchSave")]
    pub fn batch_save<I>(&self, records: I) -> BoxFuture<Result<Saved>>
    where
        I: IntoIterator,
        I::Item: AsRecord,
        S: SavesGiven<<I::Item as AsRecord>::Model>,
    {
        write(&self.0, <I::Item as AsRecord>::Model::RECORD, encode(records).map(Write::Save))
    }

    /// Deletes records, given by id or as records. A deleted record stays in the feed as deleted, with its last
    /// content.
    ///
    /// If the time of the event is given, as a pair of a key and an [`ApiTime`](crate::ApiTime), a record that was
    /// updated later is kept and reported as [`skipped_older`](Saved::skipped_older), and an older save does not
    /// restore a deleted record. Times are compared only if the model declares the field of its time, `#[model(updated
    /// = "field")]`.
    ///
    /// ```
    /// # use nango_core::prelude::*;
    /// #[model(updated = "updated_at")]
    /// pub struct Contact {
    ///     pub id: String,
    ///     pub updated_at: String,
    /// }
    ///
    /// #[model]
    /// pub struct DeletedContact {
    ///     pub id: String,
    ///     pub deleted_at: String,
    /// }
    ///
    /// #[sync(model = "Contact", integration = "crm")]
    /// async fn contacts(nango: NangoSync) -> Result<()> {
    ///     let deleted: Vec<DeletedContact> = nango.get("/contacts/deleted").json().await?;
    ///     nango.batch_delete(deleted.into_iter().map(|one| (one.id, one.deleted_at))).await?;
    ///     Ok(())
    /// }
    /// ```
    ///
    /// A sync of several models names the model: `batch_delete::<Contact>(ids)`.
    #[doc(alias = "batchDelete")]
    pub fn batch_delete<M>(&self, records: impl IntoIterator<Item = impl KeyOf<M>>) -> BoxFuture<Result<Saved>>
    where
        S: Saves<M>,
        M: Record,
    {
        write(&self.0, M::RECORD, Ok(delete_rows(records)))
    }

    /// Merges partial records into stored records: objects are merged recursively, all other values are replaced.
    /// Patches of records that are not stored, or are deleted, are skipped and reported as missing. If a patch contains
    /// the field that the model declares with `#[model(updated = "field")]`, it is skipped if the stored record is
    /// newer.
    #[doc(alias = "batchUpdate")]
    pub fn batch_update<I>(&self, patches: I) -> BoxFuture<Result<Saved>>
    where
        I: IntoIterator,
        I::Item: PatchOf,
        S: SavesGiven<<I::Item as PatchOf>::Model>,
    {
        write(&self.0, <I::Item as PatchOf>::Model::RECORD, patch_rows(patches).map(Write::Patch))
    }

    /// Updates records like [`batch_update`](Self::batch_update), with patches that are built at run time: pairs of an
    /// id and an object.
    pub fn batch_update_values<M>(
        &self,
        patches: impl IntoIterator<Item = (impl KeyOf<M>, Value)>,
    ) -> BoxFuture<Result<Saved>>
    where
        S: Saves<M>,
        M: Record,
    {
        let rows = patches.into_iter().map(|(id, value)| patch_row(id.key(), value, M::UPDATED));
        let rows = rows.collect::<Result<_>>();
        write(&self.0, M::RECORD, rows.map(Write::Patch))
    }
}

pub(super) fn encode<R: AsRecord>(records: impl IntoIterator<Item = R>) -> Result<Batch> {
    let mut batch = Batch::default();
    for record in records {
        batch.push(record.record()).map_err(RecordError::into_error)?;
    }
    Ok(batch)
}

pub(super) fn delete_rows<M, K: KeyOf<M>>(records: impl IntoIterator<Item = K>) -> Write {
    let row = |record: K| DeleteRow { id: record.key(), deleted_at: record.event_micros().map(Timestamp::from_micros) };
    Write::Delete(records.into_iter().map(row).collect())
}

pub(super) fn patch_rows<P: PatchOf>(patches: impl IntoIterator<Item = P>) -> Result<Vec<PatchRow>> {
    // Uses the canonical encoding, so that a float in a patch has the same text as in a full record.
    let fields = |patch: &P| -> Result<Value> {
        let mut bytes = Vec::new();
        canonical::write(patch, &mut bytes).map_err(|error| Error::new(ErrorKind::Record, error))?;
        decode(&bytes).map_err(|error| Error::new(ErrorKind::Record, error))
    };
    patches.into_iter().map(|patch| patch_row(patch.id().to_string(), fields(&patch)?, P::Model::UPDATED)).collect()
}

/// Creates a patch of a model that stores its time of update in the JSON field named by `updated`.
fn patch_row(id: String, fields: Value, updated: Option<&str>) -> Result<PatchRow> {
    match fields {
        Value::Object(fields) => {
            let updated = match updated.and_then(|name| fields.get(name)) {
                None => Patch::Keep,
                Some(value) => time::from_value(value).map_or(Patch::Null, Patch::Set),
            };
            Ok(PatchRow { id, fields, updated })
        }
        other => Err(Error::new(ErrorKind::Record, format!("the patch of `{id}` must be an object, but is {other}"))),
    }
}

// Not generic, so that all models share one compiled state machine.
fn write(nango: &Nango, model: &'static ModelInfo, write: Result<Write>) -> BoxFuture<Result<Saved>> {
    let nango = nango.clone();
    Box::pin(async move { commit(nango, vec![PageWrite { model, parent: None, write: write? }], None).await })
}

pub(super) async fn commit(nango: Nango, writes: Vec<PageWrite>, checkpoint: Option<Value>) -> Result<Saved> {
    let context = nango.active_context()?;
    for PageWrite { model, write, .. } in &writes {
        if let Write::Patch(rows) = write {
            check_fields(&nango, model, rows)?;
        }
    }
    let merging = context.merging();
    let changes: Vec<Change> = writes
        .into_iter()
        .map(|PageWrite { model, parent, write }| {
            let full_walk = context.full_walks.number(model.name);
            Change { dataset: context.dataset(model.name), merging, full_walk, parent, write }
        })
        .collect();
    if changes.iter().all(|change| change.write.is_empty()) && checkpoint.is_none() {
        return Ok(Saved::default());
    }
    let checkpoint = match checkpoint {
        Some(value) => Some(context.checkpoint_write(Some(value)).await?),
        None => None,
    };
    let committed = context.commit(PageCommit { changes, checkpoint, is_page: true, ..PageCommit::default() }).await?;
    context.checkpoint_written(committed.checkpoint_version).await;
    Ok(Saved(committed.changes))
}

/// Refuses patches with a field that the model does not have: the field would be stored, but never read.
fn check_fields(nango: &Nango, model: &'static ModelInfo, rows: &[PatchRow]) -> Result<()> {
    let Some(fields) = nango.context().fields_of(model) else { return Ok(()) };
    let unknown = rows.iter().flat_map(|row| row.fields.keys()).find(|name| !fields.contains(*name));
    let Some(name) = unknown else { return Ok(()) };
    let names = || fields.iter().map(String::as_str);
    let hint = suggest::hint(suggest::nearest(name, names()));
    let available = suggest::list(names());
    let message = format!("unknown field `{name}` of model `{}`; available: {available}{hint}", model.name);
    Err(Error::new(ErrorKind::Record, message))
}
