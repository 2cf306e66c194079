//! Saving whole records.

use std::collections::HashMap;

use super::{
    Writing, int,
    look::{self, Known},
    write::{Inserts, Replacements, Restores},
};
use crate::{
    model::{Batch, BatchItem},
    store::{
        RowOutcome,
        draft::Ready,
        failpoint::failpoint,
        hash::{Hash, VERSION},
        merge,
        postgres::{Db, dataset::Dataset, fault::Outcome, scans},
        row::{ADDED, DELETED, MERGED, UPDATED},
    },
};

/// Saves a batch; every id of it counts as seen by the scan that is open.
pub(in crate::store::postgres) async fn save(
    db: &mut Db,
    at: &Writing,
    dataset: &mut Dataset,
    batch: &Batch,
    ready: &Ready,
) -> Outcome<Vec<RowOutcome>> {
    let ids: Vec<&str> =
        batch.iter().zip(&ready.duplicate).filter(|(_, dup)| !**dup).map(|(item, _)| item.id).collect();
    let known = look::keys(db, dataset.id, &ids).await?;
    let stored = compared(db, dataset.id, &known, ready).await?;

    let mut known = known.into_iter();
    let mut plan = Plan::default();
    let mut rows = Vec::with_capacity(batch.len());
    let mut seen = Vec::with_capacity(if dataset.scan.is_some() { batch.len() } else { 0 });
    for (item, (hash, duplicate)) in batch.iter().zip(ready.hashes.iter().zip(&ready.duplicate)) {
        if *duplicate {
            rows.push(RowOutcome::Duplicate);
            continue;
        }
        let (rid, outcome) = match known.next().flatten() {
            None => {
                let rid = dataset.next_rid();
                plan.inserts.push(item.id, rid, dataset.next(), *hash, item.payload);
                dataset.live += 1;
                dataset.bytes += int(item.payload.len());
                (rid, RowOutcome::Added)
            }
            Some(known) => (known.rid, plan.save(at, dataset, item, hash, &known, &stored)),
        };
        rows.push(outcome);
        if dataset.scan.is_some() {
            seen.push(rid);
        }
    }
    plan.inserts.write(db, at, dataset.id).await?;
    failpoint!("page:record-half");
    plan.replacements.write(db, at, dataset.id).await?;
    plan.restores.write(db, dataset.id).await?;
    if let Some(scan) = dataset.scan {
        scans::mark(db, scan.number, seen).await?;
        failpoint!("page:marks");
    }
    Ok(rows)
}

/// What is to be written of a batch.
#[derive(Default)]
struct Plan<'a> {
    inserts: Inserts<'a>,
    replacements: Replacements<'a>,
    restores: Restores<'a>,
}

impl<'a> Plan<'a> {
    /// Saves a record that is there.
    fn save(
        &mut self,
        at: &Writing,
        dataset: &mut Dataset,
        item: BatchItem<'a>,
        hash: &Hash,
        known: &Known,
        stored: &HashMap<i64, Vec<u8>>,
    ) -> RowOutcome {
        let equal = known.hash == *hash && known.hash_version == VERSION;
        if equal && known.state == 0 {
            return RowOutcome::Unchanged;
        }
        let bytes = int(item.payload.len());
        let deleted = known.is(DELETED);
        if !deleted && (equal || stored.get(&known.seq).is_some_and(|stored| same(stored, item.payload))) {
            // The same content under another order of keys or another kind of hash, or without its payload: nothing
            // that a reader is told of.
            self.restores.push(item.id, known.seq, *hash, item.payload, !(equal && known.state == MERGED));
            dataset.bytes += bytes - known.bytes;
            return RowOutcome::Unchanged;
        }
        if at.yields(known) {
            return RowOutcome::SkippedNewer;
        }
        let (action, outcome) = if deleted {
            dataset.live += 1;
            dataset.bytes += bytes;
            (ADDED, RowOutcome::Added)
        } else {
            dataset.bytes += bytes - known.bytes;
            (UPDATED, RowOutcome::Updated)
        };
        self.replacements.push(item.id, [known.seq, dataset.next()], [action, 0], *hash, item.payload);
        outcome
    }
}

/// The stored payloads of the rows whose hash does not answer: it is of another kind, or a patch left the keys in an order
/// of its own.
async fn compared(db: &mut Db, dataset: i64, known: &[Option<Known>], ready: &Ready) -> Outcome<HashMap<i64, Vec<u8>>> {
    let hashes = ready.hashes.iter().zip(&ready.duplicate).filter(|(_, dup)| !**dup).map(|(hash, _)| hash);
    let open = |known: &Known, hash: &Hash| {
        look::has_payload(known) && (known.hash_version != VERSION || (known.is(MERGED) && known.hash != *hash))
    };
    let seqs: Vec<i64> = known
        .iter()
        .zip(hashes)
        .filter_map(|(known, hash)| known.as_ref().filter(|known| open(known, hash)).map(|known| known.seq))
        .collect();
    look::payloads(db, dataset, &seqs).await
}

fn same(stored: &[u8], given: &[u8]) -> bool {
    match (std::str::from_utf8(stored), std::str::from_utf8(given)) {
        (Ok(stored), Ok(given)) => merge::same(stored, given),
        _ => false,
    }
}
