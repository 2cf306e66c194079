//! The commit of a page: everything in one transaction, or nothing.
//!
//! What needs no database (hashes, duplicates) is done before, where the page was made, so that the writer is not kept.

use std::collections::HashSet;

use super::{
    Db, checkpoints,
    dataset::Dataset,
    fault::Outcome,
    logs,
    rows::{self, Writing},
    runs,
};
use crate::{
    declare::Merging,
    store::{
        Committed, Done, Page, Totals, Write,
        failpoint::failpoint,
        hash::{Hash, Hasher},
    },
};

/// A page that is ready for the writer.
#[derive(Debug)]
pub(super) struct Draft {
    page: Page,
    ready: Vec<Ready>,
}

/// What is known of a write before the database is asked.
#[derive(Debug, Default)]
pub(super) struct Ready {
    /// For each row: whether its id came before in the same write.
    pub duplicate: Vec<bool>,
    /// For each row of a save: its content hash.
    pub hashes: Vec<Hash>,
}

impl Draft {
    /// Takes the hashes of a page and finds its duplicates.
    pub(super) fn new(page: Page, hasher: &Hasher) -> Self {
        let ready = page
            .changes
            .iter()
            .map(|change| match &change.write {
                Write::Save(batch) => Ready {
                    duplicate: duplicates(batch.iter().map(|item| item.id)),
                    hashes: batch.iter().map(|item| hasher.record(item.payload)).collect(),
                },
                Write::Delete(ids) => {
                    Ready { duplicate: duplicates(ids.iter().map(String::as_str)), ..Ready::default() }
                }
                Write::Patch(rows) => {
                    Ready { duplicate: duplicates(rows.iter().map(|row| row.id.as_str())), ..Ready::default() }
                }
            })
            .collect();
        Self { page, ready }
    }
}

fn duplicates<'a>(ids: impl ExactSizeIterator<Item = &'a str>) -> Vec<bool> {
    let mut seen = HashSet::with_capacity(ids.len());
    ids.map(|id| !seen.insert(id)).collect()
}

/// Writes a page.
pub(super) fn commit(db: &Db, draft: Draft) -> Outcome<Committed> {
    let Draft { page, ready } = draft;
    runs::count(db, &page.run, page.pages, page.requests, page.left_out)?;
    failpoint!("page:counted");

    let mut datasets: Vec<Dataset> = Vec::with_capacity(1);
    let mut places = Vec::with_capacity(page.changes.len());
    for (i, change) in page.changes.iter().enumerate() {
        // Several changes of one dataset share its row: the second must see what the first counted.
        let earlier = page.changes[..i].iter().position(|other| other.dataset == change.dataset);
        places.push(if let Some(earlier) = earlier {
            places[earlier]
        } else {
            datasets.push(Dataset::open(db, &change.dataset)?);
            datasets.len() - 1
        });
    }
    let stamp = db.shared.clock.at_least(datasets.iter().map(|dataset| dataset.stamp).max().unwrap_or(0));

    let mut changes = Vec::with_capacity(page.changes.len());
    for ((change, ready), place) in page.changes.into_iter().zip(ready).zip(places) {
        let at = Writing {
            db,
            run: page.run.row,
            stamp,
            yields_to: (change.merging == Merging::Newer).then_some(page.requested_at),
        };
        let dataset = &mut datasets[place];
        let rows = match &change.write {
            Write::Save(batch) => rows::save(&at, dataset, batch, &ready)?,
            Write::Delete(ids) => rows::delete(&at, dataset, ids, &ready)?,
            Write::Patch(patches) => rows::patch(&at, dataset, patches, &ready)?,
        };
        changes.push(Done { change, rows });
    }
    failpoint!("page:records");
    for dataset in &datasets {
        dataset.save(db, stamp)?;
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
