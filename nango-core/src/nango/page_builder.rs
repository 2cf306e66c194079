//! A page of several changes and a checkpoint in one transaction.

use serde_json::Value;

use super::{
    NangoSync, Saved,
    batch::{PageWrite, commit, delete_rows, encode, patch_rows},
    checkpoint::checkpoint_value,
};
use crate::{
    declare::{HasCheckpoint, Saves, SavesGiven},
    error::{Error, Result},
    model::{AsRecord, Checkpoint, KeyOf, ModelInfo, PatchOf, Record, RecordId, valid_parent},
    store::{ParentKey, Write},
};

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

impl<S> NangoSync<S> {
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
