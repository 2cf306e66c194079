//! Delete candidates that are requested from the provider.

use std::collections::BTreeSet;

use super::{
    Db,
    candidates::{BATCH_SIZE, Candidate, ScanCandidates},
    dataset::Dataset,
    delete_states::candidate_state,
    error::{DbError, DbResult},
    feed, fence,
    parents::{self, DecidedParents},
};
use crate::{
    store::{DatasetKey, FeedRow, RunToken, Scan, StoreError, deletes::CandidateState},
    time::Timestamp,
};

/// Parameters of [`candidates_to_request`]: the run, its scan, and how many candidates to return.
#[derive(Debug, Clone)]
pub(super) struct CandidateQuery {
    pub run: RunToken,
    pub dataset: DatasetKey,
    pub scan: Scan,
    pub fingerprint: [u8; 16],
    pub by_parent: bool,
    pub limit: u32,
}

/// Returns the candidates of an open scan that may be requested from the provider, those that were never requested
/// first.
pub(super) fn candidates_to_request(db: &Db, query: &CandidateQuery) -> DbResult<Vec<FeedRow>> {
    fence::ensure_running(db, &query.run)?;
    let key = &query.dataset;
    let closed = || DbError::Store(StoreError::ScanClosed(key.model.clone()));
    let dataset =
        Dataset::find(db, key)?.filter(|dataset| dataset.scan == Some(query.scan.number)).ok_or_else(closed)?;
    let candidates = ScanCandidates::new(db, &dataset, query.scan.number)?;
    let mut next = NextRequests { limit: query.limit as usize, ids: BTreeSet::new(), requested: BTreeSet::new() };
    if query.by_parent {
        let function = function_of_scan(db, query.scan.number)?;
        let parents = DecidedParents::new(db, function, parents::open_scans(db, function)?);
        parents.for_each(|parent, _| {
            next.add_all(db, &dataset, query, |after| candidates.children_after(parent, after))
        })?;
    } else {
        next.add_all(db, &dataset, query, |after| candidates.after(after))?;
    }
    let mut ids: Vec<String> = next.ids.into_iter().collect();
    ids.extend(next.requested.into_iter().map(|(_, id)| id));
    ids.truncate(query.limit as usize);
    let mut rows = feed::by_id(db, key, &ids)?;
    rows.sort_by_key(|row| ids.iter().position(|id| *id == row.id));
    Ok(rows)
}

/// The candidates to request next: those with the lowest ids that were never requested, and the oldest requests.
struct NextRequests {
    limit: usize,
    ids: BTreeSet<String>,
    requested: BTreeSet<(Timestamp, String)>,
}

impl NextRequests {
    /// Adds all candidates that a function returns in batches in the order of their ids.
    fn add_all(
        &mut self,
        db: &Db,
        dataset: &Dataset,
        query: &CandidateQuery,
        batch_after: impl Fn(&str) -> DbResult<Vec<Candidate>>,
    ) -> DbResult<()> {
        let mut after = String::new();
        loop {
            let next = batch_after(&after)?;
            let is_last = next.len() < BATCH_SIZE;
            if let Some((last, _)) = next.last() {
                after.clone_from(last);
            }
            for (id, _) in next {
                let state = if dataset.has_candidates { candidate_state(db, dataset.id, &id)? } else { None };
                match state.filter(|state| state.fingerprint == query.fingerprint) {
                    Some(state) if state.by_request => {}
                    Some(CandidateState { asked_at: Some(at), .. }) => {
                        self.requested.insert((at, id));
                        if self.requested.len() > self.limit {
                            self.requested.pop_last();
                        }
                    }
                    _ => {
                        self.ids.insert(id);
                        if self.ids.len() > self.limit {
                            self.ids.pop_last();
                        }
                    }
                }
            }
            // The ids of a batch are in order: later ones are greater than all that were found.
            if is_last || (!query.by_parent && self.ids.len() >= self.limit) {
                return Ok(());
            }
        }
    }
}

fn function_of_scan(db: &Db, scan: i64) -> DbResult<i64> {
    let mut function = db.sql.prepare_cached("SELECT function FROM scans WHERE number = ?1")?;
    Ok(function.query_row([scan], |row| row.get(0))?)
}
