//! Full scans of hand-written syncs: a record that a complete walk did not see is gone at the provider.

use std::{marker::PhantomData, sync::atomic::Ordering};

use super::{Nango, NangoSync, context::store_error, full_walk::FullWalk, report::WalkMark};
use crate::{
    declare::{BoxFuture, Deletes, Saves},
    error::Result,
    model::Record,
    paginate::{Gap, WalkOutcome},
    store::{DatasetKey, DeletePolicy, FinishScan, Scan, ScanFrom, ScanWalk},
};

/// An open scan. Save every record that the provider has, then [`finish`](Self::finish); a scan that is dropped deletes
/// nothing.
#[derive(Debug)]
#[must_use = "a scan that is not finished deletes nothing"]
pub struct FullScan<M> {
    open: OpenScan,
    /// Until here, what is saved of the model is an answer of a full walk.
    _walk: Option<FullWalk>,
    model: PhantomData<fn() -> M>,
}

/// What the end of a scan did, and how its walks ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScanEnd {
    /// Live records that are deleted now.
    pub deleted: u64,
    /// Records that the guard or `max_deletes` holds.
    pub held: u64,
    /// Records that wait for another scan to confirm that they are gone.
    pub unconfirmed: u64,
    /// How the walks since the scan began ended; nothing is deleted unless all of them were complete.
    pub walk: WalkOutcome,
}

impl<S> NangoSync<S> {
    /// Begins a walk over all records of a model, for a function that reads them all from the first one on. If the sync
    /// has a checkpoint, the function resumes there, and so does the scan that the interrupted run left open; without
    /// such a scan the walk is only a part, and its end deletes nothing.
    ///
    /// The scan takes the ends of all walks of this run while it is open. A walk that was incomplete, or was dropped
    /// before its end, makes the scan delete nothing; position-based walks, and several requests without `paginate`, need
    /// two scans in a row that miss a record.
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

/// An open scan without its type.
#[derive(Debug)]
struct OpenScan {
    nango: Nango,
    dataset: DatasetKey,
    scan: Scan,
    /// Whether it began behind the first record.
    partial: bool,
    mark: WalkMark,
    /// Records of the model that the run had saved when the scan began.
    saved_before: u64,
}

async fn begin(nango: Nango, model: &str) -> Result<OpenScan> {
    let context = nango.context();
    context.check()?;
    let resumes = context.store.checkpoint(&context.key).await.map_err(store_error)?.value.is_some();
    let from = if resumes { ScanFrom::Unfinished } else { ScanFrom::Start };
    let dataset = context.dataset(model);
    let scan = context.store.begin_scan(&context.token, &context.key, &dataset, from, false).await;
    let scan = scan.map_err(store_error)?;
    context.open_scans.fetch_add(1, Ordering::Relaxed);
    let (mark, saved_before) = (context.walk_mark(), context.saved(model));
    let partial = resumes && !scan.resumed;
    Ok(OpenScan { nango, dataset, scan, partial, mark, saved_before })
}

impl<M: Record> FullScan<M> {
    /// Whether it resumes the scan of an interrupted run.
    pub fn resumed(&self) -> bool {
        self.open.scan.resumed
    }

    /// Deletes the records that the walk did not see, except those that another run wrote meanwhile, those that another
    /// scan has to confirm, and those that the guard holds.
    pub async fn finish(self) -> Result<ScanEnd> {
        self.open.finish().await
    }
}

impl OpenScan {
    async fn finish(self) -> Result<ScanEnd> {
        let context = self.nango.context();
        context.check()?;
        let (walk, outcome) = self.walk();
        if let WalkOutcome::Incomplete(gap) = &outcome {
            self.nango.log(format!("the scan deletes nothing: {gap}")).warn();
        }
        let (run, function, model) = (context.token, context.key.clone(), self.dataset.model.clone());
        let finish = FinishScan {
            run,
            function,
            dataset: self.dataset.clone(),
            scan: self.scan,
            walk,
            policy: policy(&self.nango),
            confirmations: Vec::new(),
            resume: None,
        };
        let finished = context.store.finish_scan(finish).await.map_err(store_error)?;
        context.count_deleted(&model, finished.deleted);
        context.report_deletes(&model, &finished);
        Ok(ScanEnd { deleted: finished.deleted, held: finished.held, unconfirmed: finished.unconfirmed, walk: outcome })
    }

    /// The walks since the scan began, as one.
    fn walk(&self) -> (ScanWalk, WalkOutcome) {
        let context = self.nango.context();
        let (mut walk, mut outcome) = context.walks_since(self.mark);
        if self.partial {
            outcome = WalkOutcome::Incomplete(Gap::WithoutScan);
        }
        walk.complete = outcome.is_complete();
        walk.list_empty = !self.scan.resumed && context.saved(&self.dataset.model) == self.saved_before;
        // A scan that resumes was read in several requests, and those of the interrupted run are not known.
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
    context.delete_policy(&deletes, fingerprint, true)
}
