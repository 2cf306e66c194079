//! One walk of one list.
//!
//! Pages that arrive during a commit share the next one: their records, their counters and the resume point after them
//! are one transaction.

use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::try_join;
use serde_json::Value;

use super::{
    fingerprint::{self, ListParts},
    mapper_run::{MapperRun, is_incremental, requires_token},
    progress::{Progress, WalkScope},
    request::{self, ListSpec},
    scan::OpenScan,
};
use crate::{
    declare::Delta,
    error::{Error, Result},
    http::RequestSpec,
    nango::PageCommit,
    paginate::{
        Feed, FeedPosition, PaginateError, Purpose, RawPage, ResumePoint, Walk, WalkEnd, WalkOptions, WalkState,
    },
    run::{
        delta,
        prefetch::Prefetcher,
        resume::{self, InterruptedWalk, SyncState},
        since,
    },
    store::{Level, NextFullRun, ResumeWrite, StoreError, failpoint::failpoint},
    time::{Timestamp, format_span, rounded_to_seconds},
};

/// Statuses of responses to an expired resume point.
const EXPIRED_STATUSES: [u16; 4] = [400, 404, 410, 422];

/// Walk of a list with its request and its state.
pub(super) struct ListWalk<'a> {
    pub(super) run: &'a MapperRun<'a>,
    /// Request of the list, without the parameters of pages, `since` and `delta`.
    pub(super) request: RequestSpec,
    /// Parameters of `delta(initial(…))`, which are sent without a position.
    pub(super) initial: Vec<(&'static str, Value)>,
    pub(super) state: SyncState,
    /// Number of pages that this walk has committed in this run.
    committed_pages: usize,
    /// Whether the last attempt failed because the position of the feed has expired.
    is_position_expired: bool,
}

/// Walk that was read to its end.
pub(super) struct EndedWalk {
    pub(super) progress: Progress,
    pub(super) end: WalkEnd,
    /// Last position of the feed that a page contained.
    pub(super) position: Option<FeedPosition>,
}

/// Start of a walk.
struct WalkStart {
    scope: WalkScope,
    /// Whether this full run is early, to confirm delete candidates.
    is_early: bool,
    interrupted: Option<InterruptedWalk>,
}

impl WalkStart {
    /// Returns the start of a walk that reads the complete list.
    const fn full() -> Self {
        Self { scope: WalkScope::Full, is_early: false, interrupted: None }
    }

    /// Returns the start of a walk at the resume point of an interrupted one.
    fn resume(interrupted: InterruptedWalk) -> Self {
        let scope = match (interrupted.since, &interrupted.delta) {
            (Some(value), _) => WalkScope::Since(value),
            (None, Some(position)) => WalkScope::After(position.clone()),
            (None, None) => WalkScope::Full,
        };
        Self { scope, is_early: false, interrupted: Some(interrupted) }
    }
}

impl<'a> ListWalk<'a> {
    /// Creates a walk that has not started.
    pub(super) fn new(run: &'a MapperRun<'a>, list: ListSpec, state: SyncState) -> Self {
        let ListSpec { request, initial } = list;
        Self { run, request, initial, state, committed_pages: 0, is_position_expired: false }
    }

    /// Reads the list to its end, from the resume point of an interrupted walk if it has one. Its pages are committed,
    /// its end is not: see [`Self::finish`].
    pub(super) async fn run(&mut self) -> Result<EndedWalk> {
        let spec = self.fingerprint();
        let now = self.run.runtime.store.now();
        let changed = self.run.is_changed(&self.state);
        if changed {
            self.state.delta = None;
        }
        self.drop_position_of_another_list();
        let forced = changed || self.run.context.options().full;
        self.state.schema = Some(self.run.schema.clone());
        let tokens_only = requires_token(self.run.def, self.run.mapper);
        let interrupted = self.state.take_resumable(&spec, now, tokens_only).filter(|_| !forced);
        if let Some(interrupted) = interrupted {
            let age = format_span(rounded_to_seconds(now.saturating_duration_since(interrupted.started_at)));
            self.log(Level::Info, &format!("resuming the walk that started {age} ago"));
            match self.walk_pages(WalkStart::resume(interrupted), &spec).await {
                Err(error)
                    if self.committed_pages == 0 && (is_resume_point_expired(&error) || self.is_position_expired) =>
                {
                    let message =
                        "the provider no longer accepts the resume point of the interrupted walk: starting over";
                    self.log(Level::Warn, message);
                }
                Err(error) if self.is_position_expired => self.drop_expired_position(&error),
                ended => return ended,
            }
        }
        let start = self.decide_start(forced, now).await?;
        match self.walk_pages(start, &spec).await {
            Err(error) if self.is_position_expired => {
                self.drop_expired_position(&error);
                self.walk_pages(WalkStart::full(), &spec).await
            }
            ended => ended,
        }
    }

    /// Removes a stored position that does not belong to this list.
    fn drop_position_of_another_list(&mut self) {
        if delta::is_of_another_list(self.state.delta.as_ref(), &self.list_fingerprint()) {
            self.state.delta = None;
            self.log(Level::Info, "the declaration of the list has changed: this run reads the complete list");
        }
    }

    /// Removes the stored position, which the API no longer accepts.
    fn drop_expired_position(&mut self, error: &Error) {
        self.state.delta = None;
        let status = error.http().map_or_else(String::new, |http| format!(" ({})", http.status));
        let message = format!(
            "the API reports that the position of the last run has expired{status}: this run reads the complete list"
        );
        self.log(Level::Warn, &message);
    }

    /// Returns a fingerprint of everything on which a position within the walk depends.
    fn fingerprint(&self) -> String {
        fingerprint::of_walk(self.parts(), self.run.mapper.since.as_ref(), &self.run.schema)
    }

    /// Returns the fingerprint of the list to which a position of `delta` belongs.
    pub(super) fn list_fingerprint(&self) -> String {
        fingerprint::of_list(self.parts()).iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
    }

    /// Returns the parts of the list that its fingerprints cover.
    pub(super) fn parts(&self) -> ListParts<'_> {
        let MapperRun { context, mapper, .. } = self.run;
        ListParts {
            base_url: context.base_url(),
            request: &self.request,
            paginate: mapper.paginate.as_ref(),
            delta: mapper.delta,
            initial: &self.initial,
        }
    }

    /// Decides whether a walk that does not resume reads the complete list or only changes.
    async fn decide_start(&self, forced: bool, now: Timestamp) -> Result<WalkStart> {
        let MapperRun { runtime, def, mapper, .. } = self.run;
        let mut start = WalkStart::full();
        if forced {
            return Ok(start);
        }
        if let Some(value) = mapper.since.as_ref().and_then(|since| since::since_value(since, &self.state, now)) {
            start.scope = WalkScope::Since(value);
        } else if let (Some(_), Some(stored)) = (mapper.delta, &self.state.delta) {
            start.scope = WalkScope::After(stored.position.clone());
        }
        if start.scope != WalkScope::Full && def.track_deletes {
            let policy = self.delete_policy();
            for model in 0..def.models.len() {
                let outlook = runtime.store.pending_deletes(&self.run.dataset(model), &policy).await;
                start.is_early |= match outlook.map_err(StoreError::into_error)?.next_full {
                    NextFullRun::Regular => false,
                    NextFullRun::NextRun => true,
                    NextFullRun::NotBefore(at) => now >= at,
                };
            }
            if start.is_early {
                let message = "records were missing from the last full run: this run reads the complete list to \
                               confirm the deletes";
                self.log(Level::Info, message);
                start.scope = WalkScope::Full;
            }
        }
        Ok(start)
    }

    async fn walk_pages(&mut self, start: WalkStart, spec: &str) -> Result<EndedWalk> {
        let now = self.run.runtime.store.now();
        let WalkStart { scope, is_early, mut interrupted } = start;
        self.is_position_expired = false;
        let scans = match scope {
            WalkScope::Full => self.begin_scans(interrupted.as_ref(), is_early).await?,
            WalkScope::Since(_) | WalkScope::After(_) => Vec::new(),
        };
        if scans.iter().any(|open| !open.scan.resumed) {
            interrupted = None;
        }
        let (mut progress, resume) = Progress::new(now, scope, scans, self.run.def.models.len(), interrupted);
        let mut prefetcher = Prefetcher::new(self.open_walk(&progress, resume)?);
        prefetcher.fetch_page().await;
        loop {
            let taken = prefetcher.take_pages();
            self.is_position_expired = taken.is_err() && prefetcher.walk().is_expired();
            let Some(group) = taken? else { break };
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
        let position = prefetcher.walk().feed_position().cloned();
        Ok(EndedWalk { progress, end, position })
    }

    /// Begins or resumes the scans of a full walk, if the sync deletes records.
    async fn begin_scans(&self, interrupted: Option<&InterruptedWalk>, is_early: bool) -> Result<Vec<OpenScan>> {
        if self.run.def.track_deletes { self.run.begin_scans(interrupted, is_early).await } else { Ok(Vec::new()) }
    }

    fn open_walk(&self, progress: &Progress, resume: Option<(ResumePoint, WalkState)>) -> Result<Walk> {
        let MapperRun { context, mapper, .. } = self.run;
        let mut spec = self.request.clone();
        // With `end`, the position is the cursor of the pages, whatever the provider's entry declares for its lists.
        let has_own_pages = mapper.delta.is_some_and(|delta| delta.end.is_some());
        let paginate = mapper.paginate.clone();
        let paginate = if has_own_pages { paginate } else { paginate.map(|paginate| context.paginate(paginate)) };
        if let (Some(since), WalkScope::Since(value)) = (&mapper.since, progress.scope.clone()) {
            let in_body = paginate.as_ref().and_then(|paginate| paginate.in_body);
            request::add_since(&mut spec, since, value, in_body).map_err(PaginateError::into_error)?;
        }
        let options = WalkOptions {
            purpose: Purpose { deletes: !progress.scans.is_empty(), since: is_incremental(mapper) },
            bounds: context.limits().walk.clone(),
            feed: mapper.delta.map(|delta| self.feed(delta, &progress.scope)),
            resume,
        };
        Walk::new(context.client().clone(), spec, paginate, options).map_err(PaginateError::into_error)
    }

    /// Returns the incremental feed that a walk reads.
    fn feed(&self, delta: &Delta, scope: &WalkScope) -> Feed {
        let from = match scope {
            WalkScope::After(position) => Some(position.clone()),
            WalkScope::Full | WalkScope::Since(_) => None,
        };
        let Delta { position, end, expired, .. } = *delta;
        Feed { position, end, expired, from, initial: self.initial.clone() }
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
