//! One walk of one list.
//!
//! Pages are fetched while earlier ones are committed (`page_commit`).

use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::try_join;
use serde_json::Value;

use super::{
    fingerprint::{self, ListParts},
    mapper_run::{MapperRun, is_incremental, requires_token},
    parents::ParentWalk,
    progress::{Progress, WalkScope},
    request::{self, ListSpec},
    scan::OpenScan,
};
use crate::{
    declare::Delta,
    error::{Error, Result},
    http::RequestSpec,
    paginate::{Feed, FeedPosition, PaginateError, Purpose, ResumePoint, Walk, WalkEnd, WalkOptions, WalkState},
    run::{
        delta,
        prefetch::Prefetcher,
        resume::{InterruptedWalk, SyncState},
        since,
    },
    store::{Level, NextFullRun, StoreError, failpoint::failpoint},
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
    /// Parent to which the list belongs; `None` for the only list of the function.
    pub(super) parent: Option<ParentWalk<'a>>,
    /// Whether a request of the list failed, or its response is unusable.
    pub(super) has_failed_at_list: bool,
    /// Number of pages that this walk has committed in this run.
    pub(super) committed_pages: usize,
    /// Whether the last attempt failed because the position of the feed has expired.
    is_position_expired: bool,
}

/// Walk that was read to its end.
pub(super) struct EndedWalk {
    pub(super) progress: Progress,
    pub(super) end: WalkEnd,
    /// Last position of the feed that a page contained.
    pub(super) position: Option<FeedPosition>,
    /// Whether the end was committed with the last pages, which is only done for the list of a parent.
    pub(super) is_stored: bool,
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
    pub(super) fn new(
        run: &'a MapperRun<'a>,
        list: ListSpec,
        state: SyncState,
        parent: Option<ParentWalk<'a>>,
    ) -> Self {
        let ListSpec { request, initial } = list;
        let (committed_pages, is_position_expired, has_failed_at_list) = (0, false, false);
        Self { run, request, initial, state, parent, has_failed_at_list, committed_pages, is_position_expired }
    }

    /// Reads the list to its end, from the resume point of an interrupted walk if it has one. Its pages are committed,
    /// its end is not: see [`Self::finish`].
    pub(super) async fn run(&mut self) -> Result<EndedWalk> {
        let spec = self.fingerprint();
        let now = self.run.runtime.store.now();
        let changed = self.run.is_changed(&self.state);
        if changed {
            self.drop_changed_state();
        }
        self.drop_position_of_another_list();
        let forced = changed || self.is_full_requested();
        self.state.schema = Some(self.run.schema.clone());
        let tokens_only = requires_token(self.run.def, self.run.mapper);
        let interrupted = self.state.take_resumable(&spec, now, tokens_only);
        let interrupted = interrupted.filter(|walk| match &self.parent {
            None => !forced,
            Some(parent) => parent.may_resume(walk, forced),
        });
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

    /// Returns whether the caller requests complete lists.
    fn is_full_requested(&self) -> bool {
        match &self.parent {
            None => self.run.context.options().full,
            Some(parent) => parent.is_full_requested(),
        }
    }

    /// Removes the position of another version of the sync, and logs that the list is read completely.
    fn drop_changed_state(&mut self) {
        if self.run.mapper.since.is_some() && self.state.since.is_some() || self.state.delta.is_some() {
            let message = "the model's schema or the version of the sync has changed: this run reads the complete list";
            self.log(Level::Info, message);
        }
        self.state.delta = None;
    }

    /// Removes a stored position that does not belong to this list.
    fn drop_position_of_another_list(&mut self) {
        if delta::is_of_another_list(self.state.delta.as_ref(), || self.list_fingerprint()) {
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
    pub(super) fn fingerprint(&self) -> String {
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
        let MapperRun { def, mapper, .. } = self.run;
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
            start.is_early = self.needs_full_run(now).await?;
            if start.is_early {
                let message = "records were missing from the last full run: this run reads the complete list to \
                               confirm the deletes";
                self.log(Level::Info, message);
                start.scope = WalkScope::Full;
            }
        }
        Ok(start)
    }

    /// Returns whether delete candidates make a walk read the complete list now.
    async fn needs_full_run(&self, now: Timestamp) -> Result<bool> {
        let is_due = |next| match next {
            NextFullRun::Regular => false,
            NextFullRun::NextRun => true,
            NextFullRun::NotBefore(at) => now >= at,
        };
        if let Some(parent) = &self.parent {
            return Ok(parent.next_full_runs().any(is_due));
        }
        let policy = self.delete_policy();
        let mut is_early = false;
        for model in 0..self.run.def.models.len() {
            let outlook = self.run.runtime.store.pending_deletes(&self.run.dataset(model), &policy).await;
            is_early |= is_due(outlook.map_err(StoreError::into_error)?.next_full);
        }
        Ok(is_early)
    }

    async fn walk_pages(&mut self, start: WalkStart, spec: &str) -> Result<EndedWalk> {
        let now = self.run.runtime.store.now();
        let WalkStart { scope, is_early, mut interrupted } = start;
        (self.is_position_expired, self.has_failed_at_list) = (false, false);
        if let Some(parent) = &mut self.parent {
            parent.is_early = is_early;
        }
        let scans = match scope {
            WalkScope::Full => self.begin_scans(interrupted.as_ref(), is_early).await?,
            WalkScope::Since(_) | WalkScope::After(_) => Vec::new(),
        };
        if self.parent.is_none() && scans.iter().any(|open| !open.scan.resumed) {
            interrupted = None;
        }
        let (mut progress, resume) = Progress::new(now, scope, scans, self.run.def.models.len(), interrupted);
        let mut prefetcher = Prefetcher::new(self.open_walk(&progress, resume)?);
        prefetcher.fetch_page().await;
        loop {
            let taken = prefetcher.take_pages();
            self.has_failed_at_list = taken.is_err();
            self.is_position_expired = taken.is_err() && prefetcher.walk().is_expired();
            let Some(group) = taken? else { break };
            self.run.context.check_cancelled()?;
            // The list of a parent is often a single page: its end is then part of the same transaction.
            let end = if self.parent.is_some() { prefetcher.walk().end() } else { None };
            let last_position = prefetcher.walk().feed_position().cloned();
            let committed = AtomicBool::new(false);
            let fetch = async {
                while !committed.load(Ordering::Relaxed) && prefetcher.has_capacity() {
                    prefetcher.fetch_page().await;
                }
                Ok::<_, Error>(())
            };
            let commit = async {
                let done = self.commit_pages(&group, &mut progress, spec, end.map(|end| (end, last_position))).await;
                committed.store(true, Ordering::Relaxed);
                done
            };
            // A failed commit ends the run immediately. Fetched pages are committed even if a later request fails.
            let ((), stored) = try_join(fetch, commit).await?;
            failpoint!("mapper:page-kept");
            if let Some(end) = stored {
                return Ok(EndedWalk { progress, end, position: None, is_stored: true });
            }
        }
        failpoint!("mapper:walked");
        let end = progress.end(prefetcher.walk().end_or_stopped());
        let position = prefetcher.walk().feed_position().cloned();
        Ok(EndedWalk { progress, end, position, is_stored: false })
    }

    /// Begins or resumes the scans of a full walk, if the sync deletes records. The walks of parents share their scans.
    async fn begin_scans(&self, interrupted: Option<&InterruptedWalk>, is_early: bool) -> Result<Vec<OpenScan>> {
        if let Some(parent) = &self.parent {
            return Ok(parent.scans().to_vec());
        }
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

    /// Adds a line to the log of the run.
    pub(super) fn log(&self, level: Level, message: &str) {
        match &self.parent {
            Some(parent) => parent.log(level, message),
            None => self.run.context.log(level, message, Value::Null),
        }
    }
}

/// Returns whether the provider refused a resume point, or leads back to an earlier page from it.
fn is_resume_point_expired(error: &Error) -> bool {
    let circle = matches!(error.downcast_ref(), Some(PaginateError::Circle { .. } | PaginateError::SamePage { .. }));
    circle
        || error.http().is_some_and(|http| match &http.error {
            Some(declared) => !declared.is_fatal,
            None => EXPIRED_STATUSES.contains(&http.status),
        })
}
