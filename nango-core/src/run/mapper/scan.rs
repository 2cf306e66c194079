//! Scans of a mapper's run, one for each model: their begin, and their end with the deletes.

use super::mapper_run::MapperRun;
use crate::{
    error::Result,
    run::resume::InterruptedWalk,
    store::{DatasetKey, FinishScan, Scan, ScanFrom},
};

/// Open scan of a dataset.
#[derive(Debug, Clone)]
pub(super) struct OpenScan {
    pub(super) dataset: DatasetKey,
    pub(super) scan: Scan,
}

impl MapperRun<'_> {
    /// Begins the scans of all models, or resumes those of an interrupted walk. They are resumed together: if one of
    /// them is no longer open, all begin anew.
    pub(super) async fn begin_scans(
        &self,
        interrupted: Option<&InterruptedWalk>,
        is_early: bool,
    ) -> Result<Vec<OpenScan>> {
        self.begin_numbered_scans(&interrupted.map(InterruptedWalk::scans).unwrap_or_default(), is_early).await
    }

    /// Begins the scans of all models, or resumes those with these numbers, together.
    pub(super) async fn begin_numbered_scans(&self, numbers: &[Option<i64>], is_early: bool) -> Result<Vec<OpenScan>> {
        let from = |model: usize| numbers.get(model).copied().flatten().map_or(ScanFrom::Start, ScanFrom::Number);
        let scans = self.begin_each(from, is_early).await?;
        let is_mixed = scans.iter().any(|open| open.scan.resumed) && !scans.iter().all(|open| open.scan.resumed);
        if is_mixed { self.begin_each(|_| ScanFrom::Start, is_early).await } else { Ok(scans) }
    }

    async fn begin_each(&self, from: impl Fn(usize) -> ScanFrom, is_early: bool) -> Result<Vec<OpenScan>> {
        let mut scans = Vec::with_capacity(self.def.models.len());
        for model in 0..self.def.models.len() {
            let dataset = self.dataset(model);
            let scan = self.context.begin_scan(&dataset, from(model), is_early).await?;
            scans.push(OpenScan { dataset, scan });
        }
        Ok(scans)
    }

    /// Ends the scans of all models in one transaction.
    pub(super) async fn finish_scans(&self, finishes: Vec<FinishScan>) -> Result<()> {
        self.context.finish_scans(finishes).await.map(drop)
    }
}
