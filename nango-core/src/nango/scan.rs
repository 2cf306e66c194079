//! Full scans of hand-written syncs: a record that is missing from a complete walk was deleted at the provider.

use std::{marker::PhantomData, sync::atomic::Ordering};

use super::{Nango, NangoSync, findings::WalkMark, full_walk::FullWalk};
use crate::{
    declare::{BoxFuture, Deletes, Saves},
    error::Result,
    model::Record,
    paginate::{Gap, WalkOutcome},
    store::{DatasetKey, DeletePolicy, FinishScan, FullRuns, Scan, ScanFrom, ScanWalk, StoreError},
};

/// Open scan of a model. Save every record that the provider has, then call [`finish`](Self::finish); a scan that is
/// dropped deletes nothing.
#[derive(Debug)]
#[must_use = "a scan that is not finished deletes nothing"]
pub struct FullScan<M> {
    open: OpenScan,
    /// While it is open, saved records of the model are attributed to a full walk.
    _walk: Option<FullWalk>,
    model: PhantomData<fn() -> M>,
}

/// Result of a finished scan.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScanEnd {
    /// Number of records that were deleted.
    pub deleted: u64,
    /// Number of deletes that are held by the delete guard or by `max_deletes`.
    pub held: u64,
    /// Number of deletes that await confirmation by another scan.
    pub unconfirmed: u64,
    /// Combined outcome of the walks since the start of the scan; records are deleted only if all walks were complete.
    pub walk: WalkOutcome,
}

impl<S> NangoSync<S> {
    /// Starts a scan of all records of a model, for a function that reads the complete list. If the sync has a
    /// checkpoint, the function resumes there, and the scan resumes the unfinished scan of the interrupted run. Without
    /// an unfinished scan the walk covers only a part of the list, and the scan deletes nothing.
    ///
    /// The scan depends on all walks of this run while it is open. If a walk is incomplete or is dropped before its
    /// end, the scan deletes nothing. After position-based walks, or several requests without `paginate`, a record is
    /// deleted only if two consecutive scans miss it.
    ///
    /// A sync of several models names the model: `full_scan::<Contact>()`.
    #[doc(alias = "trackDeletesStart")]
    pub fn full_scan<M>(&self) -> BoxFuture<Result<FullScan<M>>>
    where
        S: Saves<M>,
        M: Record,
    {
        let nango = self.0.clone();
        Box::pin(async move {
            let open = begin(nango, M::NAME).await?;
            let walk = (!open.partial).then(|| open.nango.context().full_walks.open(M::NAME, open.scan.number));
            Ok(FullScan { open, _walk: walk, model: PhantomData })
        })
    }
}

/// Open scan, without the type of the model.
#[derive(Debug)]
struct OpenScan {
    nango: Nango,
    dataset: DatasetKey,
    scan: Scan,
    /// Whether the walk started after the first record.
    partial: bool,
    mark: WalkMark,
    /// Number of records of the model that the run had saved when the scan started.
    saved_before: u64,
}

async fn begin(nango: Nango, model: &str) -> Result<OpenScan> {
    let context = nango.active_context()?;
    let resumes = context.store.checkpoint(&context.key).await.map_err(StoreError::into_error)?.value.is_some();
    let from = if resumes { ScanFrom::Unfinished } else { ScanFrom::Start };
    let dataset = context.dataset(model);
    let scan = context.begin_scan(&dataset, from, false).await?;
    context.open_scans.fetch_add(1, Ordering::Relaxed);
    let (mark, saved_before) = (context.walk_mark(), context.saved(model));
    let partial = resumes && !scan.resumed;
    Ok(OpenScan { nango, dataset, scan, partial, mark, saved_before })
}

impl<M: Record> FullScan<M> {
    /// Returns whether the scan resumes the scan of an interrupted run.
    pub fn resumed(&self) -> bool {
        self.open.scan.resumed
    }

    /// Deletes the records that the walk did not see, except records that another run wrote in the meantime, records
    /// that another scan must confirm, and records that the delete guard holds.
    #[doc(alias = "trackDeletesEnd")]
    pub async fn finish(self) -> Result<ScanEnd> {
        self.open.finish().await
    }
}

impl OpenScan {
    async fn finish(self) -> Result<ScanEnd> {
        let context = self.nango.active_context()?;
        let (walk, outcome) = self.walk();
        if let WalkOutcome::Incomplete(gap) = &outcome {
            self.nango.log(format!("the scan of `{}` deletes nothing: {gap}", self.dataset.model)).warn();
        }
        let finish = FinishScan {
            run: context.token().await?,
            function: context.key.clone(),
            dataset: self.dataset.clone(),
            scan: self.scan,
            walk,
            policy: policy(&self.nango),
            confirmations: Vec::new(),
            resume: None,
            by_parent: false,
        };
        let finished = context.finish_scan(finish).await?;
        Ok(ScanEnd { deleted: finished.deleted, held: finished.held, unconfirmed: finished.unconfirmed, walk: outcome })
    }

    /// Combines the walks since the start of the scan.
    fn walk(&self) -> (ScanWalk, WalkOutcome) {
        let context = self.nango.context();
        let (mut walk, mut outcome) = context.walks_since(self.mark);
        if self.partial {
            outcome = WalkOutcome::Incomplete(Gap::WithoutScan);
        }
        walk.complete = outcome.is_complete();
        walk.list_empty = !self.scan.resumed && context.saved(&self.dataset.model) == self.saved_before;
        // A resumed scan was read in several requests, and the requests of the interrupted run are not recorded.
        walk.position_based |= self.scan.resumed;
        walk.requests = walk.requests.max(if self.scan.resumed { 2 } else { 0 });
        (walk, outcome)
    }
}

impl Drop for OpenScan {
    fn drop(&mut self) {
        self.nango.context().open_scans.fetch_sub(1, Ordering::Relaxed);
    }
}

fn policy(nango: &Nango) -> DeletePolicy {
    let context = nango.context();
    let key = &context.key;
    let declared = context.declared.get().copied();
    let version = declared.map_or("", |def| def.version);
    let spec = format!("{} {} {version}", key.function, key.variant);
    let mut fingerprint = [0; 16];
    fingerprint.copy_from_slice(&blake3::hash(spec.as_bytes()).as_bytes()[..16]);
    let deletes = declared.map_or(Deletes::standard(), |def| def.deletes);
    context.delete_policy(&deletes, fingerprint, FullRuns::Every)
}
