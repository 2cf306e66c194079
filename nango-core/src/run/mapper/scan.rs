//! Scans of a mapper's run: their begin, and their end with the deletes.

use super::mapper_run::MapperRun;
use crate::{
    error::Result,
    store::{Confirmation, DatasetKey, DeletePolicy, FinishScan, ResumeWrite, Scan, ScanFrom, ScanWalk},
};

/// Open scan of a dataset.
#[derive(Debug, Clone)]
pub(super) struct OpenScan {
    pub(super) dataset: DatasetKey,
    pub(super) scan: Scan,
}

impl MapperRun<'_> {
    /// Begins or resumes the scan of the model.
    pub(super) async fn begin_scan(&self, from: ScanFrom, is_early: bool) -> Result<OpenScan> {
        let dataset = self.dataset();
        let scan = self.context.begin_scan(&dataset, from, is_early).await?;
        Ok(OpenScan { dataset, scan })
    }

    /// Ends a scan, and stores the state for the next run in the same transaction.
    pub(super) async fn finish_scan(
        &self,
        open: OpenScan,
        walk: ScanWalk,
        policy: DeletePolicy,
        confirmations: Vec<Confirmation>,
        resume: ResumeWrite,
    ) -> Result<()> {
        let finish = FinishScan {
            run: self.context.token(),
            function: self.context.key().clone(),
            dataset: open.dataset,
            scan: open.scan,
            walk,
            policy,
            confirmations,
            resume: Some(resume),
            by_parent: false,
        };
        self.context.finish_scan(finish).await.map(drop)
    }
}
