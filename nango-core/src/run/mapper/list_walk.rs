//! One walk of one list.
//!
//! Pages that arrive during a commit share the next one: their records, their counters and the resume point after them
//! are one transaction.

use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::try_join;
use serde_json::Value;

use super::{MapperRun, fingerprint, progress::Progress, request, requires_token, scan::OpenScan};
use crate::{
    error::{Error, Result},
    http::RequestSpec,
    nango::PageCommit,
    paginate::{PaginateError, Purpose, RawPage, ResumePoint, Walk, WalkEnd, WalkOptions, WalkState},
    run::{
        prefetch::Prefetcher,
        resume::{self, InterruptedWalk, SyncState},
        since,
    },
    store::{Level, NextFullRun, ResumeWrite, ScanFrom, StoreError, failpoint::failpoint},
    time::{Timestamp, format_span, rounded_to_seconds},
};

/// Statuses of responses to an expired resume point.
const EXPIRED_STATUSES: [u16; 4] = [400, 404, 410, 422];

/// Walk of a list with its request and its state.
pub(super) struct ListWalk<'a> {
    pub(super) run: &'a MapperRun<'a>,
    /// Request of the list, without the parameters of pages and `since`.
    pub(super) request: RequestSpec,
    pub(super) state: SyncState,
    /// Number of pages that this walk has committed in this run.
    committed_pages: usize,
}

/// Walk that was read to its end.
pub(super) struct EndedWalk {
    pub(super) progress: Progress,
    pub(super) end: WalkEnd,
}

/// Start of a walk.
struct WalkStart {
    /// Value of `since` that is sent; `None` for a full run.
    since: Option<Timestamp>,
    /// Whether this full run is early, to confirm delete candidates.
    is_early: bool,
    interrupted: Option<InterruptedWalk>,
}

impl<'a> ListWalk<'a> {
    /// Creates a walk that has not started.
    pub(super) fn new(run: &'a MapperRun<'a>, request: RequestSpec, state: SyncState) -> Self {
        Self { run, request, state, committed_pages: 0 }
    }

    /// Reads the list to its end, from the resume point of an interrupted walk if it has one. Its pages are committed,
    /// its end is not: see [`Self::finish`].
    pub(super) async fn run(&mut self) -> Result<EndedWalk> {
        let spec = self.fingerprint();
        let now = self.run.runtime.store.now();
        let forced = self.run.is_full_forced(&self.state);
        self.state.schema = Some(self.run.schema.clone());
        let tokens_only = requires_token(self.run.def, self.run.mapper);
        let interrupted = self.state.take_resumable(&spec, now, tokens_only).filter(|_| !forced);
        if let Some(interrupted) = interrupted {
            let age = format_span(rounded_to_seconds(now.saturating_duration_since(interrupted.started_at)));
            self.log(Level::Info, &format!("resuming the walk that started {age} ago"));
            let since = interrupted.since;
            let start = WalkStart { since, is_early: false, interrupted: Some(interrupted) };
            match self.walk_pages(start, &spec).await {
                Err(error) if self.committed_pages == 0 && is_resume_point_expired(&error) => {
                    let message =
                        "the provider no longer accepts the resume point of the interrupted walk: starting over";
                    self.log(Level::Warn, message);
                }
                ended => return ended,
            }
        }
        let start = self.decide_start(forced, now).await?;
        self.walk_pages(start, &spec).await
    }

    /// Returns a fingerprint of everything on which a position within the walk depends.
    fn fingerprint(&self) -> String {
        let MapperRun { context, mapper, schema, .. } = self.run;
        fingerprint::of_walk(context.base_url(), &self.request, mapper.paginate.as_ref(), mapper.since.as_ref(), schema)
    }

    /// Decides whether a walk that does not resume reads the complete list or only changes.
    async fn decide_start(&self, forced: bool, now: Timestamp) -> Result<WalkStart> {
        let MapperRun { runtime, def, mapper, .. } = self.run;
        let since = mapper.since.as_ref().filter(|_| !forced);
        let since = since.and_then(|since| since::since_value(since, &self.state, now));
        let mut start = WalkStart { since, is_early: false, interrupted: None };
        if start.since.is_some() && def.track_deletes {
            let policy = self.delete_policy();
            let outlook = runtime.store.pending_deletes(&self.run.dataset(), &policy).await;
            start.is_early = match outlook.map_err(StoreError::into_error)?.next_full {
                NextFullRun::Regular => false,
                NextFullRun::NextRun => true,
                NextFullRun::NotBefore(at) => now >= at,
            };
            if start.is_early {
                let message = "records were missing from the last full run: this run reads the complete list to \
                               confirm the deletes";
                self.log(Level::Info, message);
                start.since = None;
            }
        }
        Ok(start)
    }

    async fn walk_pages(&mut self, start: WalkStart, spec: &str) -> Result<EndedWalk> {
        let now = self.run.runtime.store.now();
        let WalkStart { since, is_early, mut interrupted } = start;
        let from = interrupted.as_ref().and_then(|walk| walk.scan).map_or(ScanFrom::Start, ScanFrom::Number);
        let scan = if since.is_none() { self.begin_scan(from, is_early).await? } else { None };
        if scan.as_ref().is_some_and(|open| !open.scan.resumed) {
            interrupted = None;
        }
        let (mut progress, resume) = Progress::new(now, since, scan, interrupted);
        let mut prefetcher = Prefetcher::new(self.open_walk(&progress, resume)?);
        prefetcher.fetch_page().await;
        while let Some(group) = prefetcher.take_pages()? {
            self.run.context.check_cancelled()?;
            let committed = AtomicBool::new(false);
            let fetch = async {
                while !committed.load(Ordering::Relaxed) && prefetcher.has_capacity() {
                    prefetcher.fetch_page().await;
                }
                Ok::<_, Error>(())
            };
            let commit = async {
                let done = self.commit_pages(&group, &mut progress, spec).await;
                committed.store(true, Ordering::Relaxed);
                done
            };
            // A failed commit ends the run immediately. Fetched pages are committed even if a later request fails.
            try_join(fetch, commit).await?;
            failpoint!("mapper:page-kept");
        }
        failpoint!("mapper:walked");
        let end = progress.end(prefetcher.walk());
        Ok(EndedWalk { progress, end })
    }

    /// Begins or resumes the scan of a full walk, if the sync deletes records.
    async fn begin_scan(&self, from: ScanFrom, is_early: bool) -> Result<Option<OpenScan>> {
        if self.run.def.track_deletes { self.run.begin_scan(from, is_early).await.map(Some) } else { Ok(None) }
    }

    fn open_walk(&self, progress: &Progress, resume: Option<(ResumePoint, WalkState)>) -> Result<Walk> {
        let MapperRun { context, mapper, .. } = self.run;
        let mut spec = self.request.clone();
        let paginate = mapper.paginate.clone().map(|paginate| context.paginate(paginate));
        if let (Some(since), Some(value)) = (&mapper.since, progress.since) {
            let in_body = paginate.as_ref().and_then(|paginate| paginate.in_body);
            request::add_since(&mut spec, since, value, in_body).map_err(PaginateError::into_error)?;
        }
        let options = WalkOptions {
            purpose: Purpose { deletes: progress.scan.is_some(), since: mapper.since.is_some() },
            bounds: context.limits().walk.clone(),
            feed: None,
            resume,
        };
        Walk::new(context.client().clone(), spec, paginate, options).map_err(PaginateError::into_error)
    }

    /// Maps pages and commits them in one transaction. If a page cannot be mapped, the pages before it are committed.
    async fn commit_pages(&mut self, pages: &[RawPage], progress: &mut Progress, spec: &str) -> Result<()> {
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
        // Only the last page needs a resume point: the state between two pages of a transaction is never visible.
        if let Some((page, commit)) = pages[..commits.len()].last().zip(commits.last_mut()) {
            self.add_resume_point(commit, page, progress, spec)?;
        }
        if !commits.is_empty() {
            let pages = commits.len();
            self.run.context.commit_all(commits).await?;
            self.committed_pages += pages;
        }
        mapped
    }

    /// Adds the write of the resume point after a page to its commit.
    fn add_resume_point(&self, commit: &mut PageCommit, page: &RawPage, progress: &Progress, spec: &str) -> Result<()> {
        let (Some(resume_point), Some(walk_state)) = (page.resume_point(), page.state()) else { return Ok(()) };
        let now = self.run.runtime.store.now();
        let walk = progress.interrupted_at(spec, resume_point.clone(), walk_state.clone(), now);
        let state = SyncState { walk: Some(walk), ..self.state.clone() };
        let sealed = resume::seal(self.run.runtime, self.run.context.key(), &state)?;
        commit.resume = Some(ResumeWrite::Set(sealed));
        Ok(())
    }

    /// Adds a line to the log of the run.
    pub(super) fn log(&self, level: Level, message: &str) {
        self.run.context.log(level, message, Value::Null);
    }
}

/// Returns whether the provider refused a resume point, or leads back to an earlier page from it.
fn is_resume_point_expired(error: &Error) -> bool {
    let circle = matches!(error.downcast_ref(), Some(PaginateError::Circle { .. } | PaginateError::SamePage { .. }));
    circle || error.http().is_some_and(|http| http.error.is_some() || EXPIRED_STATUSES.contains(&http.status))
}
