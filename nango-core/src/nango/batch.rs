//! Writing records: one batch, or a page of several changes and a checkpoint in one transaction.

use serde_json::Value;

use super::{Nango, NangoSync, checkpoint::checkpoint_value, context::Draft};
use crate::{
    declare::{BoxFuture, HasCheckpoint, Saves, suggest},
    error::{Error, ErrorKind, Result},
    model::{Batch, Checkpoint, KeyOf, ModelInfo, PatchOf, Record, RecordId, canonical},
    store::{Change, Done, PatchRow, RowOutcome, Write},
};

/// What became of the records of one call.
#[derive(Debug, Default)]
pub struct Saved(Vec<Done>);

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
            let ids: Box<dyn Iterator<Item = &str>> = match &done.change.write {
                Write::Save(batch) => Box::new(batch.iter().map(|item| item.id)),
                Write::Delete(ids) | Write::Seen(ids) => Box::new(ids.iter().map(String::as_str)),
                Write::Patch(rows) => Box::new(rows.iter().map(|row| row.id.as_str())),
            };
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
    mistake: Option<Error>,
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
    pub fn batch_delete<M>(&self, records: impl IntoIterator<Item = impl KeyOf<M>>) -> BoxFuture<Result<Saved>>
    where
        S: Saves<M>,
        M: Record,
    {
        write(&self.0, M::RECORD, Ok(Write::Delete(records.into_iter().map(|record| record.key()).collect())))
    }

    /// Merges partial records into stored ones: objects recursively, everything else is replaced. What is not there,
    /// or is deleted, is left alone and reported as missing.
    pub fn batch_update<I>(&self, patches: I) -> BoxFuture<Result<Saved>>
    where
        I: IntoIterator,
        I::Item: PatchOf,
        S: Saves<<I::Item as PatchOf>::Model>,
    {
        write(&self.0, <<I::Item as PatchOf>::Model as Record>::RECORD, patch_rows(patches).map(Write::Patch))
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
        let rows = patches.into_iter().map(|(id, value)| patch_row(id.to_string(), value)).collect::<Result<_>>();
        write(&self.0, M::RECORD, rows.map(Write::Patch))
    }

    /// Several changes and a checkpoint in one transaction:
    /// `nango.page().save(issues).delete::<Issue>(gone).checkpoint(place).commit().await?`.
    pub fn page(&self) -> PageBuilder<S> {
        PageBuilder { nango: self.clone(), writes: Vec::new(), checkpoint: None, mistake: None }
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
        self.with(<I::Item as Record>::RECORD, encode(records).map(Write::Save))
    }

    /// As [`NangoSync::batch_delete`].
    pub fn delete<M>(self, records: impl IntoIterator<Item = impl KeyOf<M>>) -> Self
    where
        S: Saves<M>,
        M: Record,
    {
        self.with(M::RECORD, Ok(Write::Delete(records.into_iter().map(|record| record.key()).collect())))
    }

    /// As [`NangoSync::batch_update`].
    pub fn update<I>(self, patches: I) -> Self
    where
        I: IntoIterator,
        I::Item: PatchOf,
        S: Saves<<I::Item as PatchOf>::Model>,
    {
        self.with(<<I::Item as PatchOf>::Model as Record>::RECORD, patch_rows(patches).map(Write::Patch))
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
                self.mistake.get_or_insert(mistake);
            }
        }
        self
    }

    /// Writes all of it, or nothing.
    pub async fn commit(self) -> Result<Saved> {
        self.mistake.map_or(Ok(()), Err)?;
        commit(self.nango.0.clone(), self.writes, self.checkpoint).await
    }

    fn with(mut self, model: &'static ModelInfo, write: Result<Write>) -> Self {
        match write {
            Ok(write) => self.writes.push((model, write)),
            Err(mistake) => {
                self.mistake.get_or_insert(mistake);
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

fn patch_rows<P: PatchOf>(patches: impl IntoIterator<Item = P>) -> Result<Vec<PatchRow>> {
    // By way of the canonical bytes, so that a float in a patch is written as it is in a whole record.
    let fields = |patch: &P| -> Result<Value> {
        let mut bytes = Vec::new();
        canonical::write(patch, &mut bytes).map_err(|error| Error::new(ErrorKind::Record, error))?;
        Ok(serde_json::from_slice(&bytes)?)
    };
    patches.into_iter().map(|patch| patch_row(patch.id().to_string(), fields(&patch)?)).collect()
}

fn patch_row(id: String, fields: Value) -> Result<PatchRow> {
    match fields {
        Value::Object(fields) => Ok(PatchRow { id, fields }),
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
            known_fields(&nango, model, rows)?;
        }
    }
    let merging = context.merging();
    let changes: Vec<Change> = writes
        .into_iter()
        .map(|(model, write)| Change { dataset: context.dataset(model.name), merging, write })
        .collect();
    if changes.iter().all(|change| change.write.is_empty()) && checkpoint.is_none() {
        return Ok(Saved::default());
    }
    let checkpoint = match checkpoint {
        Some(value) => Some(context.checkpoint_write(Some(value)).await?),
        None => None,
    };
    let committed = context.commit(Draft { changes, checkpoint, is_page: true, ..Draft::default() }).await?;
    context.checkpoint_written(committed.checkpoint_version).await;
    Ok(Saved(committed.changes))
}

/// A field that the model does not have would be stored and never read again: it is a mistake.
fn known_fields(nango: &Nango, model: &'static ModelInfo, rows: &[PatchRow]) -> Result<()> {
    let Some(known) = nango.context().fields_of(model) else { return Ok(()) };
    let unknown = rows.iter().flat_map(|row| row.fields.keys()).find(|name| !known.contains(*name));
    let Some(name) = unknown else { return Ok(()) };
    let names = || known.iter().map(String::as_str);
    let hint = suggest::nearest(name, names()).map(|near| format!(", did you mean `{near}`?")).unwrap_or_default();
    let message = format!("`{}` has no field `{name}`{hint} Its fields are {}", model.name, suggest::list(names()));
    Err(Error::new(ErrorKind::Record, message))
}
