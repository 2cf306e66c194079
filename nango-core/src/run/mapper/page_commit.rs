//! Commits of the pages of a list.
//!
//! Pages that arrive during a commit share the next one: their records, their counters and the resume point after them
//! are one transaction.

use super::{
    list_walk::{EndedWalk, ListWalk},
    progress::Progress,
};
use crate::{
    error::Result,
    nango::PageCommit,
    paginate::{FeedPosition, RawPage, WalkEnd},
    run::resume::{self, SyncState},
    store::{ParentEnd, ResumeWrite},
};

impl ListWalk<'_> {
    /// Maps pages and commits them in one transaction. If a page cannot be mapped, the pages before it are committed.
    /// `last` is the end of the walk after these pages with the position of its feed, to be stored with them; the end
    /// is returned after it was stored.
    pub(super) async fn commit_pages(
        &mut self,
        pages: &[RawPage],
        progress: &mut Progress,
        spec: &str,
        last: Option<(WalkEnd, Option<FeedPosition>)>,
    ) -> Result<Option<WalkEnd>> {
        let mut commits = Vec::with_capacity(pages.len());
        let mut mapped = Ok(());
        for page in pages {
            match self.map_page(page, progress).await {
                Ok(commit) => commits.push(commit),
                Err(error) => {
                    mapped = Err(error);
                    break;
                }
            }
        }
        let last = last.filter(|_| mapped.is_ok()).map(|(end, position)| (progress.end(end), position));
        // Only the last page needs a resume point: the state between two pages of a transaction is never visible.
        if let Some((page, commit)) = pages[..commits.len()].last().zip(commits.last_mut()) {
            match &last {
                Some((end, position)) => self.add_end(commit, progress, end, position.clone())?,
                None => self.add_resume_point(commit, page, progress, spec)?,
            }
        }
        if !commits.is_empty() {
            let pages = commits.len();
            self.commit(commits).await?;
            self.committed_pages += pages;
        }
        mapped.map(|()| last.map(|(end, _)| end))
    }

    /// Commits changes in one transaction.
    async fn commit(&self, commits: Vec<PageCommit>) -> Result<()> {
        let _committing = match &self.parent {
            Some(parent) => Some(parent.begin_commit().await),
            None => None,
        };
        self.run.context.commit_all(commits).await.map(drop)
    }

    /// Stores the end of the walk of a parent's list, unless it was stored with the last pages.
    pub(super) async fn store_end(&self, ended: &EndedWalk) -> Result<()> {
        if ended.is_stored {
            return Ok(());
        }
        let mut commit = PageCommit::default();
        self.add_end(&mut commit, &ended.progress, &ended.end, ended.position.clone())?;
        self.commit(vec![commit]).await
    }

    /// Adds the end of the walk of a parent's list to a commit, with the state for the next run.
    fn add_end(
        &self,
        commit: &mut PageCommit,
        progress: &Progress,
        end: &WalkEnd,
        position: Option<FeedPosition>,
    ) -> Result<()> {
        let Some(parent) = &self.parent else { return Ok(()) };
        let state = self.next_state(progress, end, position);
        let scan = (!progress.scans.is_empty()).then(|| ParentEnd::Ended(progress.parent_walk(end)));
        parent.add_state(commit, &state, scan, true)
    }

    /// Adds the write of the resume point after a page to its commit.
    fn add_resume_point(&self, commit: &mut PageCommit, page: &RawPage, progress: &Progress, spec: &str) -> Result<()> {
        let (Some(resume_point), Some(walk_state)) = (page.resume_point(), page.state()) else { return Ok(()) };
        let now = self.run.runtime.store.now();
        let walk = progress.interrupted_at(spec, resume_point.clone(), walk_state.clone(), now);
        let state = SyncState { walk: Some(walk), ..self.state.clone() };
        if let Some(parent) = &self.parent {
            let begun = (!progress.scans.is_empty()).then_some(ParentEnd::Begun);
            return parent.add_state(commit, &state, begun, false);
        }
        let sealed = resume::seal(self.run.runtime, self.run.context.key(), &state)?;
        commit.resume = Some(ResumeWrite::Set(sealed));
        Ok(())
    }
}
