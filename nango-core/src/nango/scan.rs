//! Full scans: what a complete walk did not see is gone at the provider.

use std::marker::PhantomData;

use super::{Nango, NangoSync, context::store_error, full_walk::FullWalk};
use crate::{
    declare::{BoxFuture, Saves},
    error::Result,
    model::Record,
    store::{DatasetKey, FinishScan, Scan, ScanFinished, ScanFrom},
};

/// An open scan. Save every record the provider has, then [`finish`](Self::finish); a scan that is dropped deletes
/// nothing.
#[derive(Debug)]
#[must_use = "a scan that is not finished deletes nothing"]
pub struct FullScan<M> {
    nango: Nango,
    dataset: DatasetKey,
    scan: Scan,
    /// Whether it began behind the first record.
    partial: bool,
    /// Until here, what is saved of the model is an answer of a full walk.
    _walk: Option<FullWalk>,
    model: PhantomData<fn() -> M>,
}

impl<S> NangoSync<S> {
    /// Begins a walk over all records of a model, for a function that reads them all from the first one on. If the sync
    /// has a checkpoint, the function goes on from there, and so does the scan that the interrupted run left open;
    /// without such a scan the walk is only a part, and its end deletes nothing.
    pub fn full_scan<M>(&self) -> BoxFuture<Result<FullScan<M>>>
    where
        S: Saves<M>,
        M: Record,
    {
        let nango = self.0.clone();
        Box::pin(async move {
            let (dataset, scan, partial) = begin(&nango, M::NAME).await?;
            let walk = (!partial).then(|| nango.context().full_walks.open(M::NAME, scan.number));
            Ok(FullScan { nango, dataset, scan, partial, _walk: walk, model: PhantomData })
        })
    }
}

async fn begin(nango: &Nango, model: &str) -> Result<(DatasetKey, Scan, bool)> {
    let context = nango.context();
    context.check()?;
    let goes_on = context.store.checkpoint(&context.key).await.map_err(store_error)?.value.is_some();
    let from = if goes_on { ScanFrom::LeftOpen } else { ScanFrom::Start };
    let dataset = context.dataset(model);
    let scan = context.store.begin_scan(&context.token, &context.key, &dataset, from).await.map_err(store_error)?;
    Ok((dataset, scan, goes_on && !scan.resumed))
}

impl<M: Record> FullScan<M> {
    /// Whether it goes on from an interrupted run.
    pub fn resumed(&self) -> bool {
        self.scan.resumed
    }

    /// Deletes the records that the walk did not see, except those that another run wrote meanwhile.
    pub async fn finish(self) -> Result<ScanFinished> {
        finish(&self.nango, self.dataset, self.scan, !self.partial).await
    }
}

async fn finish(nango: &Nango, dataset: DatasetKey, scan: Scan, complete: bool) -> Result<ScanFinished> {
    let context = nango.context();
    context.check()?;
    if !complete {
        nango.log("the walk went on from a checkpoint without its scan, so it deletes nothing").warn();
    }
    let confirm = context.declared.get().map_or(1, |def| def.confirm_deletes);
    let (run, function, model) = (context.token, context.key.clone(), dataset.model.clone());
    let finish = FinishScan { run, function, dataset, scan, confirm, complete, resume: None };
    let finished = context.store.finish_scan(finish).await.map_err(store_error)?;
    context.count_deleted(&model, finished.deleted);
    Ok(finished)
}
