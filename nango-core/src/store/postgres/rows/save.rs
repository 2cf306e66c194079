//! Saves of whole records.

use super::{
    WriteContext,
    lookup::{self, KeyRow},
    times::TimeChanges,
    to_i64,
    write::{Inserts, Replacements, Restores},
};
use crate::{
    model::{Batch, BatchItem},
    store::{
        RowOutcome,
        failpoint::failpoint,
        hash::Hash,
        hashed_page::PreparedWrite,
        merge,
        postgres::{Db, dataset::Dataset, error::DbResult, scans},
        row_flags::{ADDED_ACTION, DELETED_FLAG, MERGED_FLAG, UPDATED_ACTION},
        update_times::Age,
    },
};

/// Saves a batch; all its ids are marked as seen by an open scan.
pub(in crate::store::postgres) async fn save(
    db: &mut Db,
    at: &WriteContext,
    dataset: &mut Dataset,
    batch: &Batch,
    prepared: &PreparedWrite,
) -> DbResult<Vec<RowOutcome>> {
    let ids: Vec<&str> =
        batch.iter().zip(&prepared.duplicate).filter(|(_, dup)| !**dup).map(|(item, _)| item.id).collect();
    let known = lookup::find_keys(db, dataset.id, &ids, batch.has_times()).await?;
    let same = compare_content(db, at, dataset.id, &known, batch, prepared).await?;

    let mut known = known.into_iter().zip(same);
    let mut writes = SaveBatch::default();
    let mut rows = Vec::with_capacity(batch.len());
    let mut seen = Vec::with_capacity(if dataset.scan.is_some() { batch.len() } else { 0 });
    for (item, (hash, duplicate)) in batch.iter().zip(prepared.hashes.iter().zip(&prepared.duplicate)) {
        if *duplicate {
            rows.push(RowOutcome::Duplicate);
            continue;
        }
        let (rid, outcome) = if let Some((Some(known), same)) = known.next() {
            (known.rid, writes.save_existing(at, dataset, item, hash, &known, same)?)
        } else {
            let rid = dataset.next_rid();
            writes.inserts.push(item.id, rid, dataset.next_seq(), at.content_of(item, hash)?);
            dataset.live += 1;
            dataset.bytes += to_i64(item.payload.len());
            (rid, RowOutcome::Added)
        };
        rows.push(outcome);
        if dataset.scan.is_some() {
            seen.push(rid);
        }
    }
    writes.inserts.write(db, at, dataset.id).await?;
    failpoint!("page:record-half");
    writes.replacements.write(db, at, dataset.id).await?;
    writes.restores.write(db, at, dataset.id).await?;
    writes.times.write(db, dataset.id).await?;
    if let Some(scan) = dataset.scan {
        scans::mark(db, scan.number, seen).await?;
        failpoint!("page:marks");
    }
    Ok(rows)
}

/// Collected writes of a batch.
#[derive(Default)]
struct SaveBatch<'a> {
    inserts: Inserts<'a>,
    replacements: Replacements<'a>,
    restores: Restores<'a>,
    times: TimeChanges<'a>,
}

impl<'a> SaveBatch<'a> {
    /// Saves an existing record; `same` is set if its content is unchanged.
    fn save_existing(
        &mut self,
        at: &WriteContext,
        dataset: &mut Dataset,
        item: BatchItem<'a>,
        hash: &Hash,
        known: &KeyRow,
        same: bool,
    ) -> DbResult<RowOutcome> {
        let equal = known.hash == *hash && known.hash_version == at.policy.hasher.version();
        if equal && known.state == 0 {
            self.times.push(item.id, known.times.after_unchanged_save(item.updated));
            return Ok(RowOutcome::Unchanged);
        }
        let bytes = to_i64(item.payload.len());
        let deleted = known.has_flags(DELETED_FLAG);
        if !deleted && same {
            // Same content with another order of keys, another hash version, or without its payload: no change for
            // readers.
            let content = at.content_of(item, hash)?;
            self.restores.push(item.id, known.seq, content, !(equal && known.state == MERGED_FLAG));
            dataset.bytes += bytes - known.bytes;
            return Ok(RowOutcome::Unchanged);
        }
        if at.is_newer(known) {
            return Ok(RowOutcome::SkippedNewer);
        }
        if let Age::Older(times) = known.times.compare(item.updated, at.source()) {
            self.times.push(item.id, times);
            return Ok(RowOutcome::SkippedOlder);
        }
        let (action, outcome) = if deleted {
            dataset.live += 1;
            dataset.bytes += bytes;
            (ADDED_ACTION, RowOutcome::Added)
        } else {
            dataset.bytes += bytes - known.bytes;
            (UPDATED_ACTION, RowOutcome::Updated)
        };
        let content = at.content_of(item, hash)?;
        self.replacements.push(item.id, [known.seq, dataset.next_seq()], [action, 0], content);
        Ok(outcome)
    }
}

/// Returns for each row (the items without duplicates) whether it has the content of its item. Hashes are compared in
/// the version of the row. If that version is unknown, or a patch left the keys in a different order, the payloads are
/// compared instead.
async fn compare_content(
    db: &mut Db,
    at: &WriteContext,
    dataset: i64,
    known: &[Option<KeyRow>],
    batch: &Batch,
    prepared: &PreparedWrite,
) -> DbResult<Vec<bool>> {
    let items = || batch.iter().zip(&prepared.duplicate).filter(|(_, duplicate)| !**duplicate).map(|(item, _)| item);
    let hashes = prepared.hashes.iter().zip(&prepared.duplicate);
    let hashes = hashes.filter(|(_, duplicate)| !**duplicate).map(|(hash, _)| hash);
    let mut same = Vec::with_capacity(known.len());
    let mut undecided = Vec::new();
    for ((known, item), hash) in known.iter().zip(items()).zip(hashes) {
        let Some(known) = known else {
            same.push(false);
            continue;
        };
        let given = match known.hash_version {
            version if version == at.policy.hasher.version() => Some(*hash),
            version => at.policy.hasher.hash_record_as(version, item.payload),
        };
        same.push(given == Some(known.hash));
        if given.is_none_or(|given| given != known.hash && known.has_flags(MERGED_FLAG)) && lookup::has_payload(known) {
            undecided.push(known.seq);
        }
    }
    let stored = lookup::payloads(db, dataset, &undecided).await?;
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
        (Ok(stored), Ok(given)) => merge::same_json(stored, given),
        _ => false,
    }
}
