//! Commit of pages: each transaction is written entirely or not at all.

use super::{
    Db, checkpoints,
    dataset::Dataset,
    deletes, encryption,
    error::DbResult,
    logs,
    rows::{self, WriteContext},
    runs,
};
pub(super) use crate::store::hashed_page::{HashedPage, PreparedWrite};
use crate::{
    declare::Merging,
    store::{ChangeOutcome, Committed, Totals, Write, deletes::touched, failpoint::failpoint},
};

/// Writes a page, and rejects it if its run may no longer write.
pub(super) fn commit(db: &Db, mut hashed: HashedPage) -> DbResult<Committed> {
    let policy = encryption::current_policy(db)?;
    hashed.rehash(&policy.hasher);
    let HashedPage { page, writes, .. } = hashed;
    runs::ensure_running_and_count(db, &page.run, page.pages, page.requests, page.left_out)?;
    failpoint!("page:counted");

    let mut datasets: Vec<Dataset> = Vec::with_capacity(1);
    let mut dataset_indexes = Vec::with_capacity(page.changes.len());
    for (i, change) in page.changes.iter().enumerate() {
        // Several changes of one dataset share its row: the second must see the counts after the first.
        let earlier = page.changes[..i].iter().position(|other| other.dataset == change.dataset);
        dataset_indexes.push(if let Some(earlier) = earlier {
            dataset_indexes[earlier]
        } else {
            datasets.push(Dataset::open(db, &change.dataset)?);
            datasets.len() - 1
        });
    }
    let committed_at = db.shared.clock.at_least(datasets.iter().map(|dataset| dataset.committed_at).max().unwrap_or(0));

    let mut changes = Vec::with_capacity(page.changes.len());
    for ((change, prepared), index) in page.changes.into_iter().zip(writes).zip(dataset_indexes) {
        let at = WriteContext {
            db,
            hasher: &policy.hasher,
            seal: db.shared.vault.seal_for_writing(&policy, &change.dataset),
            run: page.run.row,
            committed_at,
            skip_newer_than: (change.merging == Merging::Newer).then_some(page.requested_at),
            full_walk: change.full_walk,
        };
        let dataset = &mut datasets[index];
        let rows = match &change.write {
            Write::Save(batch) => rows::save(&at, dataset, batch, &prepared)?,
            Write::Delete(deletes) => rows::delete(&at, dataset, deletes, &prepared)?,
            Write::Patch(patches) => rows::patch(&at, dataset, patches, &prepared)?,
            Write::Seen(ids) => rows::seen(&at, dataset, ids, &prepared)?,
        };
        if dataset.has_candidates {
            deletes::drop_states(db, dataset.id, &touched(&change.write, &rows))?;
        }
        changes.push(ChangeOutcome { change, rows });
    }
    failpoint!("page:records");
    for dataset in &datasets {
        dataset.save(db, committed_at)?;
    }
    failpoint!("page:dataset");
    let checkpoint_version = match &page.checkpoint {
        Some(write) => Some(checkpoints::write(db, &page.function, write)?),
        None => None,
    };
    if checkpoint_version.is_some() {
        failpoint!("page:checkpoint");
    }
    if let Some(write) = &page.resume {
        checkpoints::write_resume(db, &page.function, write)?;
        failpoint!("page:resume");
    }
    logs::write(db, page.run.row, &page.logs)?;
    let committed = Committed { changes, checkpoint_version };
    let mut totals = Totals::default();
    totals.count(&committed);
    runs::count_models(db, page.run.row, &totals.models)?;
    failpoint!("page:end");
    Ok(committed)
}
