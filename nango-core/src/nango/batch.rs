//! Writing records: one batch, or a page of several changes and a checkpoint in one transaction.

use serde_json::Value;

use super::{Nango, NangoSync, checkpoint::checkpoint_value, context::PageCommit};
use crate::{
    declare::{BoxFuture, HasCheckpoint, Saves, suggest},
    error::{Error, ErrorKind, Result},
    json::decode,
    model::{Batch, Checkpoint, KeyOf, ModelInfo, Patch, PatchOf, Record, RecordId, canonical},
    store::{Change, ChangeOutcome, DeleteRow, PatchRow, RowOutcome, Write},
    time,
};

/// What became of the records of one call.
#[derive(Debug, Default)]
pub struct Saved(Vec<ChangeOutcome>);

impl Saved {
    /// The ids of records that were not there, or were deleted.
    pub fn added(&self) -> impl Iterator<Item = &str> {
        self.ids(RowOutcome::Added)
    }

    /// The ids of records that changed.
    pub fn updated(&self) -> impl Iterator<Item = &str> {
        self.ids(RowOutcome::Updated)
    }

    /// The ids of records that already were as given.
    pub fn unchanged(&self) -> impl Iterator<Item = &str> {
        self.ids(RowOutcome::Unchanged)
    }

    /// The ids of records that lived and are deleted now.
    pub fn deleted(&self) -> impl Iterator<Item = &str> {
        self.ids(RowOutcome::Deleted)
    }

    /// The ids that another run wrote after this run's page was requested: its writes stay.
    pub fn skipped_newer(&self) -> impl Iterator<Item = &str> {
        self.ids(RowOutcome::SkippedNewer)
    }

    /// The ids whose stored record was updated later at the provider, by the field that the model names with
    /// `#[model(updated = "field")]`: it stays.
    pub fn skipped_older(&self) -> impl Iterator<Item = &str> {
        self.ids(RowOutcome::SkippedOlder)
    }

    /// The ids that came twice in one call: the first record won.
    pub fn duplicates(&self) -> impl Iterator<Item = &str> {
        self.ids(RowOutcome::Duplicate)
    }

    /// The ids of deletes and patches of records that are not there.
    pub fn missing(&self) -> impl Iterator<Item = &str> {
        self.ids(RowOutcome::Missing)
    }

    /// The ids with one outcome, in the order in which they were given.
    pub fn ids(&self, outcome: RowOutcome) -> impl Iterator<Item = &str> {
        self.0.iter().flat_map(move |done| {
            let ids = done.change.write.ids();
            ids.zip(&done.rows).filter(move |(_, row)| **row == outcome).map(|(id, _)| id)
        })
    }

    /// How many ids have one outcome.
    pub fn count(&self, outcome: RowOutcome) -> usize {
        self.0.iter().flat_map(|done| &done.rows).filter(|row| **row == outcome).count()
    }
}

/// A page that is being put together; nothing is written before [`commit`](Self::commit).
#[derive(Debug)]
#[must_use = "a page is written by `.commit().await?`"]
pub struct PageBuilder<S> {
    nango: NangoSync<S>,
    writes: Vec<(&'static ModelInfo, Write)>,
    checkpoint: Option<Value>,
    /// The first mistake: it surfaces at the commit, and nothing is written.
    deferred_error: Option<Error>,
}

impl<S> NangoSync<S> {
    /// Saves records of a model that the sync declares: new ones are added, changed ones updated, unchanged ones
    /// left alone. Of equal ids in one call the first wins.
    pub fn batch_save<I>(&self, records: I) -> BoxFuture<Result<Saved>>
    where
        I: IntoIterator,
        S: Saves<I::Item>,
        I::Item: Record,
    {
        write(&self.0, <I::Item as Record>::RECORD, encode(records).map(Write::Save))
    }

    /// Deletes records, given by id or as records. What is deleted stays in the feed as deleted, with its last content.
    ///
    /// With the time of the event, as a pair of a key and an [`ApiTime`](crate::ApiTime), a record that was updated later
    /// stays and is reported as [`skipped_older`](Saved::skipped_older), and an older save does not bring a deleted record
    /// back. Both compare only if the model names the field with its time, `#[model(updated = "field")]`.
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
    /// pub struct Gone {
    ///     pub id: String,
    ///     pub deleted_at: String,
    /// }
    ///
    /// #[sync(model = "Contact", integration = "crm")]
    /// async fn contacts(nango: NangoSync) -> Result<()> {
    ///     let gone: Vec<Gone> = nango.get("/contacts/deleted").json().await?;
    ///     nango.batch_delete::<Contact>(gone.into_iter().map(|gone| (gone.id, gone.deleted_at))).await?;
    ///     Ok(())
    /// }
    /// ```
    pub fn batch_delete<M>(&self, records: impl IntoIterator<Item = impl KeyOf<M>>) -> BoxFuture<Result<Saved>>
    where
        S: Saves<M>,
        M: Record,
    {
        write(&self.0, M::RECORD, Ok(delete_rows(records)))
    }

    /// Merges partial records into stored ones: objects recursively, everything else is replaced. What is not there,
    /// or is deleted, is left alone and reported as missing. A patch with the field that the model names with
    /// `#[model(updated = "field")]` is compared by it, and left alone where the stored record is newer.
    pub fn batch_update<I>(&self, patches: I) -> BoxFuture<Result<Saved>>
    where
        I: IntoIterator,
        I::Item: PatchOf,
        S: Saves<<I::Item as PatchOf>::Model>,
    {
        write(&self.0, <I::Item as PatchOf>::Model::RECORD, patch_rows(patches).map(Write::Patch))
    }

    /// [`batch_update`](Self::batch_update) with patches that are known only at run time: pairs of an id and an object.
    pub fn batch_update_values<M>(
        &self,
        patches: impl IntoIterator<Item = (impl RecordId, Value)>,
    ) -> BoxFuture<Result<Saved>>
    where
        S: Saves<M>,
        M: Record,
    {
        let rows = patches.into_iter().map(|(id, value)| patch_row(id.to_string(), value, M::UPDATED));
        let rows = rows.collect::<Result<_>>();
        write(&self.0, M::RECORD, rows.map(Write::Patch))
    }

    /// Several changes and a checkpoint in one transaction:
    /// `nango.page().save(issues).delete::<Issue>(gone).checkpoint(place).commit().await?`.
    pub fn page(&self) -> PageBuilder<S> {
        PageBuilder { nango: self.clone(), writes: Vec::new(), checkpoint: None, deferred_error: None }
    }
}

impl<S> PageBuilder<S> {
    /// As [`NangoSync::batch_save`].
    pub fn save<I>(self, records: I) -> Self
    where
        I: IntoIterator,
        S: Saves<I::Item>,
        I::Item: Record,
    {
        self.push_write(<I::Item as Record>::RECORD, encode(records).map(Write::Save))
    }

    /// As [`NangoSync::batch_delete`].
    pub fn delete<M>(self, records: impl IntoIterator<Item = impl KeyOf<M>>) -> Self
    where
        S: Saves<M>,
        M: Record,
    {
        self.push_write(M::RECORD, Ok(delete_rows(records)))
    }

    /// As [`NangoSync::batch_update`].
    pub fn update<I>(self, patches: I) -> Self
    where
        I: IntoIterator,
        I::Item: PatchOf,
        S: Saves<<I::Item as PatchOf>::Model>,
    {
        self.push_write(<I::Item as PatchOf>::Model::RECORD, patch_rows(patches).map(Write::Patch))
    }

    /// The place that is stored together with the records.
    #[expect(clippy::needless_pass_by_value, reason = "a place is made to be given away, as in `save_checkpoint`")]
    pub fn checkpoint<C>(mut self, checkpoint: C) -> Self
    where
        S: HasCheckpoint<Checkpoint = C>,
        C: Checkpoint,
    {
        match checkpoint_value(&checkpoint) {
            Ok(value) => self.checkpoint = Some(value),
            Err(mistake) => {
                self.deferred_error.get_or_insert(mistake);
            }
        }
        self
    }

    /// Writes all of it, or nothing.
    pub async fn commit(self) -> Result<Saved> {
        self.deferred_error.map_or(Ok(()), Err)?;
        commit(self.nango.0.clone(), self.writes, self.checkpoint).await
    }

    fn push_write(mut self, model: &'static ModelInfo, write: Result<Write>) -> Self {
        match write {
            Ok(write) => self.writes.push((model, write)),
            Err(mistake) => {
                self.deferred_error.get_or_insert(mistake);
            }
        }
        self
    }
}

fn encode<M: Record>(records: impl IntoIterator<Item = M>) -> Result<Batch> {
    let mut batch = Batch::default();
    for record in records {
        batch.push(&record).map_err(|error| Error::new(ErrorKind::Record, error))?;
    }
    Ok(batch)
}

fn delete_rows<M, K: KeyOf<M>>(records: impl IntoIterator<Item = K>) -> Write {
    let row = |record: K| DeleteRow { id: record.key(), deleted_at: record.event_micros() };
    Write::Delete(records.into_iter().map(row).collect())
}

fn patch_rows<P: PatchOf>(patches: impl IntoIterator<Item = P>) -> Result<Vec<PatchRow>> {
    // By way of the canonical bytes, so that a float in a patch is written as it is in a whole record.
    let fields = |patch: &P| -> Result<Value> {
        let mut bytes = Vec::new();
        canonical::write(patch, &mut bytes).map_err(|error| Error::new(ErrorKind::Record, error))?;
        decode(&bytes).map_err(|error| Error::new(ErrorKind::Record, error))
    };
    patches.into_iter().map(|patch| patch_row(patch.id().to_string(), fields(&patch)?, P::Model::UPDATED)).collect()
}

/// A patch of a model whose time of update is in the field `updated` of its JSON.
fn patch_row(id: String, fields: Value, updated: Option<&str>) -> Result<PatchRow> {
    match fields {
        Value::Object(fields) => {
            let updated = match updated.and_then(|name| fields.get(name)) {
                None => Patch::Keep,
                Some(value) => time::from_value(value).map_or(Patch::Null, Patch::Set),
            };
            Ok(PatchRow { id, fields, updated })
        }
        other => Err(Error::new(ErrorKind::Record, format!("the patch of `{id}` is not an object but {other}"))),
    }
}

// Not generic: one state machine for every model.
fn write(nango: &Nango, model: &'static ModelInfo, write: Result<Write>) -> BoxFuture<Result<Saved>> {
    let nango = nango.clone();
    Box::pin(async move { commit(nango, vec![(model, write?)], None).await })
}

async fn commit(nango: Nango, writes: Vec<(&'static ModelInfo, Write)>, checkpoint: Option<Value>) -> Result<Saved> {
    let context = nango.context();
    context.check()?;
    for (model, write) in &writes {
        if let Write::Patch(rows) = write {
            check_fields(&nango, model, rows)?;
        }
    }
    let merging = context.merging();
    let changes: Vec<Change> = writes
        .into_iter()
        .map(|(model, write)| {
            let full_walk = context.full_walks.number(model.name);
            Change { dataset: context.dataset(model.name), merging, full_walk, write }
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

/// A field that the model does not have would be stored and never read again: it is a mistake.
fn check_fields(nango: &Nango, model: &'static ModelInfo, rows: &[PatchRow]) -> Result<()> {
    let Some(known) = nango.context().fields_of(model) else { return Ok(()) };
    let unknown = rows.iter().flat_map(|row| row.fields.keys()).find(|name| !known.contains(*name));
    let Some(name) = unknown else { return Ok(()) };
    let names = || known.iter().map(String::as_str);
    let hint = suggest::nearest(name, names()).map(|near| format!(", did you mean `{near}`?")).unwrap_or_default();
    let message = format!("`{}` has no field `{name}`{hint} Its fields are {}", model.name, suggest::list(names()));
    Err(Error::new(ErrorKind::Record, message))
}
