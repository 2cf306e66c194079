//! Record writes: a single batch, or a page of several changes and a checkpoint in one transaction.

use serde_json::Value;

use super::{Nango, NangoSync, checkpoint::checkpoint_value, context::PageCommit};
use crate::{
    declare::{BoxFuture, HasCheckpoint, Saves, SavesGiven, suggest},
    error::{Error, ErrorKind, Result},
    json::decode,
    model::{
        AsRecord, Batch, Checkpoint, KeyOf, ModelInfo, Patch, PatchOf, Record, RecordError, RecordId, canonical,
        valid_parent,
    },
    store::{Change, ChangeOutcome, DeleteRow, ParentKey, PatchRow, RowOutcome, Write},
    time::{self, Timestamp},
};

/// Outcomes of the records of one write.
#[derive(Debug, Default)]
pub struct Saved(Vec<ChangeOutcome>);

impl Saved {
    /// Returns the ids of records that were not stored before, or were deleted.
    pub fn added(&self) -> impl Iterator<Item = &str> {
        self.ids(RowOutcome::Added)
    }

    /// Returns the ids of records that changed.
    pub fn updated(&self) -> impl Iterator<Item = &str> {
        self.ids(RowOutcome::Updated)
    }

    /// Returns the ids of records that were already stored with the same content.
    pub fn unchanged(&self) -> impl Iterator<Item = &str> {
        self.ids(RowOutcome::Unchanged)
    }

    /// Returns the ids of records that were deleted by this write.
    pub fn deleted(&self) -> impl Iterator<Item = &str> {
        self.ids(RowOutcome::Deleted)
    }

    /// Returns the ids that were skipped because another run wrote them after the data of this page was requested.
    pub fn skipped_newer(&self) -> impl Iterator<Item = &str> {
        self.ids(RowOutcome::SkippedNewer)
    }

    /// Returns the ids that were skipped because the stored record was updated later at the provider, according to the
    /// field that the model declares with `#[model(updated = "field")]`.
    pub fn skipped_older(&self) -> impl Iterator<Item = &str> {
        self.ids(RowOutcome::SkippedOlder)
    }

    /// Returns the ids that occurred repeatedly in one write; only the first record was stored.
    pub fn duplicates(&self) -> impl Iterator<Item = &str> {
        self.ids(RowOutcome::Duplicate)
    }

    /// Returns the ids of deletes and patches whose record is not stored.
    pub fn missing(&self) -> impl Iterator<Item = &str> {
        self.ids(RowOutcome::Missing)
    }

    /// Returns the ids with an outcome, in the order of the write.
    pub fn ids(&self, outcome: RowOutcome) -> impl Iterator<Item = &str> {
        self.0.iter().flat_map(move |done| {
            let ids = done.change.write.ids();
            ids.zip(&done.rows).filter(move |(_, row)| **row == outcome).map(|(id, _)| id)
        })
    }

    /// Returns the number of ids with an outcome.
    pub fn count(&self, outcome: RowOutcome) -> usize {
        self.0.iter().flat_map(|done| &done.rows).filter(|row| **row == outcome).count()
    }
}

/// Builder of a page; nothing is written before [`commit`](Self::commit).
#[derive(Debug)]
#[must_use = "a page is written by `.commit().await?`"]
pub struct PageBuilder<S> {
    nango: NangoSync<S>,
    writes: Vec<PageWrite>,
    checkpoint: Option<Value>,
    /// First error of a builder method. The commit returns it and writes nothing.
    deferred_error: Option<Error>,
}

/// Write of a page to the records of a model.
#[derive(Debug)]
struct PageWrite {
    model: &'static ModelInfo,
    /// Parent whose children are replaced.
    parent: Option<ParentKey>,
    write: Write,
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

    /// Returns a builder for several changes and a checkpoint in one transaction:
    /// `nango.page().save(issues).delete(deleted).checkpoint(position).commit().await?`.
    pub fn page(&self) -> PageBuilder<S> {
        PageBuilder { nango: self.clone(), writes: Vec::new(), checkpoint: None, deferred_error: None }
    }
}

impl<S> PageBuilder<S> {
    /// Adds records to save, see [`NangoSync::batch_save`].
    pub fn save<I>(self, records: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRecord,
        S: SavesGiven<<I::Item as AsRecord>::Model>,
    {
        self.push_write(<I::Item as AsRecord>::Model::RECORD, encode(records).map(Write::Save))
    }

    /// Adds records to delete, see [`NangoSync::batch_delete`].
    pub fn delete<M>(self, records: impl IntoIterator<Item = impl KeyOf<M>>) -> Self
    where
        S: Saves<M>,
        M: Record,
    {
        self.push_write(M::RECORD, Ok(delete_rows(records)))
    }

    /// Adds all records that belong to one parent, such as the lines of an order. They are saved, and records that were
    /// stored for the same parent and are not among them are deleted.
    /// Without records, all stored children of the parent are deleted.
    ///
    /// `parent` is the id of the parent. Records that were saved without a parent, or for another one, are not deleted.
    /// In a mapper, [`Children`](crate::Children) is a part of the return type.
    ///
    /// ```
    /// # use nango_core::prelude::*;
    /// #[model]
    /// pub struct Line {
    ///     pub id: u64,
    ///     pub quantity: u32,
    /// }
    ///
    /// #[model]
    /// pub struct Order {
    ///     pub id: u64,
    ///     pub lines: Vec<Line>,
    /// }
    ///
    /// #[sync(models("Order", "Line"), integration = "shop")]
    /// async fn orders(nango: NangoSync) -> Result<()> {
    ///     let orders: Vec<Order> = nango.get("/orders").json().await?;
    ///     for order in orders {
    ///         nango.page().save([&order]).replace_children(&order.id, &order.lines).commit().await?;
    ///     }
    ///     Ok(())
    /// }
    /// ```
    pub fn replace_children<I>(self, parent: &impl RecordId, records: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRecord,
        S: SavesGiven<<I::Item as AsRecord>::Model>,
    {
        let model = <I::Item as AsRecord>::Model::RECORD;
        let parent = valid_parent(parent).map(|parent| ParentKey::of(&parent));
        let change = parent.and_then(|parent| Ok((parent, encode(records)?)));
        let change = change.map(|(parent, records)| (Some(parent), Write::Replace(records)));
        self.push_change(model, change)
    }

    /// Adds patches, see [`NangoSync::batch_update`].
    pub fn update<I>(self, patches: I) -> Self
    where
        I: IntoIterator,
        I::Item: PatchOf,
        S: SavesGiven<<I::Item as PatchOf>::Model>,
    {
        self.push_write(<I::Item as PatchOf>::Model::RECORD, patch_rows(patches).map(Write::Patch))
    }

    /// Sets the checkpoint that is stored together with the records.
    #[expect(clippy::needless_pass_by_value, reason = "takes ownership of the checkpoint, like `save_checkpoint`")]
    pub fn checkpoint<C>(mut self, checkpoint: C) -> Self
    where
        S: HasCheckpoint<Checkpoint = C>,
        C: Checkpoint,
    {
        match checkpoint_value(&checkpoint) {
            Ok(value) => self.checkpoint = Some(value),
            Err(error) => {
                self.deferred_error.get_or_insert(error);
            }
        }
        self
    }

    /// Commits the page in one transaction.
    pub async fn commit(self) -> Result<Saved> {
        self.deferred_error.map_or(Ok(()), Err)?;
        commit(self.nango.0.clone(), self.writes, self.checkpoint).await
    }

    fn push_write(self, model: &'static ModelInfo, write: Result<Write>) -> Self {
        self.push_change(model, write.map(|write| (None, write)))
    }

    fn push_change(mut self, model: &'static ModelInfo, change: Result<(Option<ParentKey>, Write)>) -> Self {
        match change {
            Ok((parent, write)) => self.writes.push(PageWrite { model, parent, write }),
            Err(error) => {
                self.deferred_error.get_or_insert(error);
            }
        }
        self
    }
}

fn encode<R: AsRecord>(records: impl IntoIterator<Item = R>) -> Result<Batch> {
    let mut batch = Batch::default();
    for record in records {
        batch.push(record.record()).map_err(RecordError::into_error)?;
    }
    Ok(batch)
}

fn delete_rows<M, K: KeyOf<M>>(records: impl IntoIterator<Item = K>) -> Write {
    let row = |record: K| DeleteRow { id: record.key(), deleted_at: record.event_micros().map(Timestamp::from_micros) };
    Write::Delete(records.into_iter().map(row).collect())
}

fn patch_rows<P: PatchOf>(patches: impl IntoIterator<Item = P>) -> Result<Vec<PatchRow>> {
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

async fn commit(nango: Nango, writes: Vec<PageWrite>, checkpoint: Option<Value>) -> Result<Saved> {
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
