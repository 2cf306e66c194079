//! Saving whole records.

use super::{
    Writing, int,
    look::{self, Known},
    times::TimeChanges,
    write::{Inserts, Replacements, Restores},
};
use crate::{
    model::{Batch, BatchItem},
    store::{
        RowOutcome,
        draft::Ready,
        failpoint::failpoint,
        hash::Hash,
        merge,
        postgres::{Db, dataset::Dataset, fault::Outcome, scans},
        row::{ADDED, DELETED, MERGED, UPDATED},
        updated::Age,
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
    let known = look::keys(db, dataset.id, &ids, batch.has_times()).await?;
    let same = compared(db, at, dataset.id, &known, batch, ready).await?;

    let mut known = known.into_iter().zip(same);
    let mut plan = Plan::default();
    let mut rows = Vec::with_capacity(batch.len());
    let mut seen = Vec::with_capacity(if dataset.scan.is_some() { batch.len() } else { 0 });
    for (item, (hash, duplicate)) in batch.iter().zip(ready.hashes.iter().zip(&ready.duplicate)) {
        if *duplicate {
            rows.push(RowOutcome::Duplicate);
            continue;
        }
        let (rid, outcome) = if let Some((Some(known), same)) = known.next() {
            (known.rid, plan.save(at, dataset, item, hash, &known, same)?)
        } else {
            let rid = dataset.next_rid();
            plan.inserts.push(item.id, rid, dataset.next(), at.content_of(item, hash)?);
            dataset.live += 1;
            dataset.bytes += int(item.payload.len());
            (rid, RowOutcome::Added)
        };
        rows.push(outcome);
        if dataset.scan.is_some() {
            seen.push(rid);
        }
    }
    plan.inserts.write(db, at, dataset.id).await?;
    failpoint!("page:record-half");
    plan.replacements.write(db, at, dataset.id).await?;
    plan.restores.write(db, at, dataset.id).await?;
    plan.times.write(db, dataset.id).await?;
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
    times: TimeChanges<'a>,
}

impl<'a> Plan<'a> {
    /// Saves a record that is there; `same`: with this content.
    fn save(
        &mut self,
        at: &Writing,
        dataset: &mut Dataset,
        item: BatchItem<'a>,
        hash: &Hash,
        known: &Known,
        same: bool,
    ) -> Outcome<RowOutcome> {
        let equal = known.hash == *hash && known.hash_version == at.regime.hasher.version();
        if equal && known.state == 0 {
            self.times.push(item.id, known.times.same(item.updated));
            return Ok(RowOutcome::Unchanged);
        }
        let bytes = int(item.payload.len());
        let deleted = known.is(DELETED);
        if !deleted && same {
            // The same content under another order of keys or another kind of hash, or without its payload: nothing
            // that a reader is told of.
            let content = at.content_of(item, hash)?;
            self.restores.push(item.id, known.seq, content, !(equal && known.state == MERGED));
            dataset.bytes += bytes - known.bytes;
            return Ok(RowOutcome::Unchanged);
        }
        if at.yields(known) {
            return Ok(RowOutcome::SkippedNewer);
        }
        if let Age::Older(times) = known.times.compare(item.updated, at.source()) {
            self.times.push(item.id, times);
            return Ok(RowOutcome::SkippedOlder);
        }
        let (action, outcome) = if deleted {
            dataset.live += 1;
            dataset.bytes += bytes;
            (ADDED, RowOutcome::Added)
        } else {
            dataset.bytes += bytes - known.bytes;
            (UPDATED, RowOutcome::Updated)
        };
        let content = at.content_of(item, hash)?;
        self.replacements.push(item.id, [known.seq, dataset.next()], [action, 0], content);
        Ok(outcome)
    }
}

/// For each of the rows (the items without the duplicates), whether it has the content of its item. The hash answers, in the
/// version that the row has, unless nobody here knows that version, or a patch left the keys in an order of its own: then
/// the payloads are compared.
async fn compared(
    db: &mut Db,
    at: &Writing,
    dataset: i64,
    known: &[Option<Known>],
    batch: &Batch,
    ready: &Ready,
) -> Outcome<Vec<bool>> {
    let items = || batch.iter().zip(&ready.duplicate).filter(|(_, duplicate)| !**duplicate).map(|(item, _)| item);
    let hashes = ready.hashes.iter().zip(&ready.duplicate).filter(|(_, duplicate)| !**duplicate).map(|(hash, _)| hash);
    let mut same = Vec::with_capacity(known.len());
    let mut open = Vec::new();
    for ((known, item), hash) in known.iter().zip(items()).zip(hashes) {
        let Some(known) = known else {
            same.push(false);
            continue;
        };
        let given = match known.hash_version {
            version if version == at.regime.hasher.version() => Some(*hash),
            version => at.regime.hasher.record_as(version, item.payload),
        };
        same.push(given == Some(known.hash));
        if given.is_none_or(|given| given != known.hash && known.is(MERGED)) && look::has_payload(known) {
            open.push(known.seq);
        }
    }
    let stored = look::payloads(db, dataset, &open).await?;
    if stored.is_empty() {
        return Ok(same);
    }
    for ((known, item), same) in known.iter().zip(items()).zip(&mut same) {
        if let Some((payload, key)) = known.as_ref().and_then(|known| stored.get(&known.seq)) {
            *same = is_same(&at.seal.open(item.id, payload, *key)?, item.payload);
        }
    }
    Ok(same)
}

fn is_same(stored: &[u8], given: &[u8]) -> bool {
    match (std::str::from_utf8(stored), std::str::from_utf8(given)) {
        (Ok(stored), Ok(given)) => merge::same(stored, given),
        _ => false,
    }
}
