//! Collection of decided changes, which are then written in bulk.

use super::{
    content::{ChangeWriter, SealedContent},
    lookup::KeyRow,
    parents::ParentChanges,
    times::TimeChanges,
    write::{Inserts, Replacements, Restores, Tombstones},
};
use crate::store::{
    ParentKey,
    decide::{Content, RowWrite, Verdict, WriteContext},
    postgres::{Db, dataset::Dataset, error::DbResult},
};

/// Writes that were decided and not yet sent.
#[derive(Debug, Default)]
pub(super) struct RowWrites<'a> {
    inserts: Inserts<'a>,
    replacements: Replacements<'a>,
    restores: Restores<'a>,
    tombstones: Tombstones<'a>,
    times: TimeChanges<'a>,
    parents: ParentChanges<'a>,
}

impl<'a> RowWrites<'a> {
    /// Adds a new record: id, record number, sequence number, content.
    pub(super) fn insert(
        &mut self,
        writer: &ChangeWriter<'_>,
        id: &'a str,
        [rid, seq]: [i64; 2],
        content: Content<'a>,
    ) -> DbResult<()> {
        self.inserts.push(id, rid, seq, SealedContent::new(&writer.seal, id, content)?);
        Ok(())
    }

    /// Adds the verdict about a record that has a row.
    pub(super) fn push(
        &mut self,
        writer: &ChangeWriter<'_>,
        dataset: &mut Dataset,
        id: &'a str,
        known: &KeyRow,
        verdict: Verdict<'a>,
    ) -> DbResult<()> {
        let seq = dataset.counters.apply(&verdict.effect);
        match verdict.write {
            RowWrite::Nothing => {}
            RowWrite::Times(times) => self.times.push(id, times),
            RowWrite::Restore { content, payload } => {
                self.restores.push(id, known.seq, SealedContent::new(&writer.seal, id, content)?, payload);
            }
            RowWrite::Replace { content, action, state } => {
                let content = SealedContent::new(&writer.seal, id, content)?;
                self.replacements.push(id, [known.seq, seq], [action, state], content);
            }
            RowWrite::Tombstone { times } => {
                self.tombstones.push(id, [known.seq, seq]);
                if let Some(times) = times {
                    self.times.push(id, times);
                }
            }
        }
        Ok(())
    }

    /// Adds a record that gets another parent.
    pub(super) fn push_parent(&mut self, id: &'a str, parent: ParentKey) {
        self.parents.push(id, parent);
    }

    /// Sends the new records.
    pub(super) async fn write_inserts(&self, db: &mut Db, writer: &ChangeWriter<'_>, dataset: i64) -> DbResult<()> {
        self.inserts.write(db, writer, dataset).await
    }

    /// Sends the changes of existing records.
    pub(super) async fn write_changes(&self, db: &mut Db, writer: &ChangeWriter<'_>, dataset: i64) -> DbResult<()> {
        let WriteContext { committed_at, run, .. } = writer.context;
        self.replacements.write(db, writer, dataset).await?;
        self.restores.write(db, writer, dataset).await?;
        self.tombstones.write(db, dataset, committed_at, run).await?;
        self.times.write(db, dataset).await?;
        self.parents.write(db, dataset).await
    }
}
