//! Commits of the pages of a run.

use serde_json::Value;

use super::{Context, mutex::lock};
use crate::{
    error::{Error, Result},
    store::{
        Change, ChangeOutcome, CheckpointWrite, Committed, Level, LogLine, Page, ParentWrite, ResumeWrite, RowOutcome,
        Totals, Write,
    },
    time::Timestamp,
};

/// Contents of a page, without the data that the run adds on commit.
#[derive(Debug, Default)]
pub(crate) struct PageCommit {
    /// Changes of records.
    pub changes: Vec<Change>,
    /// Write of the checkpoint.
    pub checkpoint: Option<CheckpointWrite>,
    /// Write of the resume state.
    pub resume: Option<ResumeWrite>,
    /// Changes of parents, written after the records.
    pub parents: Vec<ParentWrite>,
    /// Time of the request. Default: the time of the oldest request after the last
    /// commit.
    pub requested_at: Option<Timestamp>,
    /// Whether the commit counts as a page of the provider.
    pub is_page: bool,
    /// Number of raw records that were skipped because they do not fit the type.
    pub skipped_invalid: u64,
}

impl Context {
    /// Removes and returns the buffered log lines and the number of uncounted requests.
    pub(crate) fn take_pending(&self) -> (Vec<LogLine>, u64) {
        lock(&self.pending).take(self.client.requests_sent())
    }

    /// Commits a page, with the buffered log lines and request count.
    pub(crate) async fn commit(&self, commit: PageCommit) -> Result<Committed> {
        let mut committed = self.commit_all(vec![commit]).await?;
        committed.pop().ok_or_else(|| Error::msg("the database returned no outcome of a page"))
    }

    /// Commits pages in one transaction; the buffered log lines and request count are added to the first one.
    pub(crate) async fn commit_all(&self, commits: Vec<PageCommit>) -> Result<Vec<Committed>> {
        for change in commits.iter().flat_map(|commit| &commit.changes) {
            if let Write::Save(batch) | Write::Replace(batch) = &change.write {
                self.check_size(batch, 0)?;
            }
        }
        let token = self.token().await?;
        let (logs, requests) = self.take_pending();
        let mut waiting = Some((logs.clone(), requests));
        let page = |commit: PageCommit| {
            let (logs, requests) = waiting.take().unwrap_or_default();
            Page {
                run: token,
                function: self.key.clone(),
                requested_at: self.requested_at(&commit),
                changes: commit.changes,
                checkpoint: commit.checkpoint,
                resume: commit.resume,
                parents: commit.parents,
                pages: u64::from(commit.is_page),
                requests,
                skipped_invalid: commit.skipped_invalid,
                logs,
            }
        };
        let pages: Vec<Page> = commits.into_iter().map(page).collect();
        let committed = match self.store.commit_all(pages).await {
            Ok(committed) => committed,
            Err(error) => {
                lock(&self.pending).restore(logs, requests);
                return Err(error.into_error());
            }
        };
        for done in committed.iter().flat_map(|page| &page.changes) {
            self.report_duplicates(done);
        }
        let totals = {
            let mut totals = lock(&self.totals);
            for page in &committed {
                totals.add(&page.totals);
            }
            totals.clone()
        };
        self.services.on_commit(&Totals { requests: self.client.requests_sent(), ..totals });
        Ok(committed)
    }

    /// Returns the request time of the data in a commit.
    fn requested_at(&self, commit: &PageCommit) -> Timestamp {
        let mut last = lock(&self.requested_at);
        if commit.changes.is_empty() {
            return commit.requested_at.or(*last).unwrap_or_else(|| self.store.now());
        }
        let at = commit.requested_at.or_else(|| self.client.take_oldest_request()).or(*last);
        *last = at;
        at.unwrap_or_else(|| self.store.now())
    }

    /// Logs a warning about duplicate ids: only the first record of each id is stored, so the provider's fault would
    /// lose data silently.
    fn report_duplicates(&self, done: &ChangeOutcome) {
        let duplicates = done.rows.iter().filter(|row| **row == RowOutcome::Duplicate).count();
        if duplicates > 0 {
            let model = &done.change.dataset.model;
            let message = format!("{duplicates} records of `{model}` had the id of an earlier one and were ignored");
            self.log(Level::Warn, &message, Value::Null);
        }
    }
}
