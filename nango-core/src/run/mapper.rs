//! Execution of mapper syncs.
//!
//! Each page is mapped and committed while the next pages are fetched. Pages that arrive during a commit share the next
//! one: their records, their counters and the resume point after them are one transaction. Only a complete walk
//! advances the `since` value and deletes records that it did not see.

mod confirm;
mod fingerprint;
mod finish;
mod map;
mod progress;
mod request;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use futures_util::future::try_join;
use serde_json::Value;

use self::progress::Progress;
use super::{
    prefetch::Prefetcher,
    resume::{self, InterruptedWalk, SyncState},
    runtime::Runtime,
    since,
};
use crate::{
    declare::{Mapper, SharedMetadata, SyncDef},
    error::{Error, Result},
    http::RequestSpec,
    nango::{Context, PageCommit},
    paginate::{PaginateError, Purpose, RawPage, ResumePoint, Walk, WalkOptions, WalkState},
    store::{DatasetKey, Level, NextFullRun, ResumeWrite, Scan, ScanFrom, StoreError, failpoint::failpoint},
    time::{Timestamp, format_span, rounded_to_seconds},
};

/// Statuses of responses to an expired resume point.
const EXPIRED_STATUSES: [u16; 4] = [400, 404, 410, 422];

/// Walks the endpoint of a mapper from the first page, or from the resume point of an interrupted run.
pub(super) async fn walk(
    runtime: &Arc<Runtime>,
    context: Arc<Context>,
    def: &'static SyncDef,
    mapper: &'static Mapper,
) -> Result<()> {
    context.set_sync(def);
    let sealed = runtime.store.resume_state(context.key()).await.map_err(StoreError::into_error)?;
    let has_stored_state = sealed.is_some();
    let state = resume::open(runtime, &context, sealed);
    let (request, metadata) = request::build(&context, mapper).await?;
    let mut run = MapperRun { runtime, context, def, mapper, request, metadata, state, has_stored_state };
    run.run().await
}

/// Returns whether an interrupted walk may only be resumed at an opaque position. At a counted position a record may be
/// skipped: a scan would delete it, and an incremental run would never read it again.
pub(super) fn requires_token(def: &SyncDef, mapper: &Mapper) -> bool {
    def.track_deletes || mapper.since.is_some()
}

struct MapperRun<'a> {
    runtime: &'a Arc<Runtime>,
    context: Arc<Context>,
    def: &'static SyncDef,
    mapper: &'static Mapper,
    /// Request of the list, without the parameters of pages and `since`.
    request: RequestSpec,
    /// Metadata that the mapper takes, as it was when the run started.
    metadata: Option<SharedMetadata>,
    state: SyncState,
    /// Whether the database has a resume state of this sync.
    has_stored_state: bool,
}

/// Start of a walk.
struct WalkStart {
    /// Value of `since` that is sent; `None` for a full run.
    since: Option<Timestamp>,
    /// Whether this full run is early, to confirm delete candidates.
    is_early: bool,
    interrupted: Option<InterruptedWalk>,
}

impl MapperRun<'_> {
    async fn run(&mut self) -> Result<()> {
        let schema = self.schema_fingerprint();
        let spec = self.walk_fingerprint(&schema);
        let now = self.runtime.store.now();
        let forced = self.is_full_forced(&schema);
        self.state.schema = Some(schema);
        let interrupted =
            self.state.take_resumable(&spec, now, requires_token(self.def, self.mapper)).filter(|_| !forced);
        if let Some(interrupted) = interrupted {
            let age = format_span(rounded_to_seconds(now.saturating_duration_since(interrupted.started_at)));
            self.context.log(Level::Info, &format!("resuming the walk that started {age} ago"), Value::Null);
            let since = interrupted.since;
            let start = WalkStart { since, is_early: false, interrupted: Some(interrupted) };
            match self.walk_pages(start, &spec).await {
                Err(error) if self.context.totals().pages == 0 && is_resume_point_expired(&error) => {
                    let message =
                        "the provider no longer accepts the resume point of the interrupted walk: starting over";
                    self.context.log(Level::Warn, message, Value::Null);
                }
                ended => return ended,
            }
        }
        let start = self.decide_start(forced, now).await?;
        self.walk_pages(start, &spec).await
    }

    /// Returns a fingerprint of the model's schema and the version of the sync, which determine the stored records.
    fn schema_fingerprint(&self) -> String {
        let mut generator = schemars::SchemaGenerator::default();
        let schema = (self.def.models[0].schema)(&mut generator).to_value();
        let definitions = Value::Object(generator.take_definitions(true));
        let text = format!("{} {schema} {definitions}", self.def.version);
        blake3::hash(text.as_bytes()).to_hex()[..32].to_owned()
    }

    /// Returns a fingerprint of everything on which a position within the walk depends.
    fn walk_fingerprint(&self, schema: &str) -> String {
        let Mapper { paginate, since, .. } = self.mapper;
        let base_url = self.context.base_url();
        fingerprint::of_walk(base_url, &self.request, paginate.as_ref(), since.as_ref(), schema)
    }

    /// Returns whether this run must read the complete list: the caller requests it, or the schema or version changed
    /// since the last run.
    fn is_full_forced(&self, schema: &str) -> bool {
        let changed = self.state.schema.as_deref().is_some_and(|last| last != schema);
        if changed && self.mapper.since.is_some() && self.state.since.is_some() {
            let message = "the model's schema or the version of the sync has changed: this run reads the complete list";
            self.context.log(Level::Info, message, Value::Null);
        }
        changed || self.context.options().full
    }

    /// Decides whether a run that does not resume reads the complete list or only changes.
    async fn decide_start(&self, forced: bool, now: Timestamp) -> Result<WalkStart> {
        let since = self
            .mapper
            .since
            .as_ref()
            .filter(|_| !forced)
            .and_then(|since| since::since_value(since, &self.state, now));
        let mut start = WalkStart { since, is_early: false, interrupted: None };
        if start.since.is_some() && self.def.track_deletes {
            let policy = self.delete_policy();
            let outlook =
                self.runtime.store.pending_deletes(&self.dataset(), &policy).await.map_err(StoreError::into_error)?;
            start.is_early = match outlook.next_full {
                NextFullRun::Regular => false,
                NextFullRun::NextRun => true,
                NextFullRun::NotBefore(at) => now >= at,
            };
            if start.is_early {
                let message = "records were missing from the last full run: this run reads the complete list to \
                               confirm the deletes";
                self.context.log(Level::Info, message, Value::Null);
                start.since = None;
            }
        }
        Ok(start)
    }

    async fn walk_pages(&mut self, start: WalkStart, spec: &str) -> Result<()> {
        let now = self.runtime.store.now();
        let WalkStart { since, is_early, mut interrupted } = start;
        let from = interrupted.as_ref().and_then(|walk| walk.scan).map_or(ScanFrom::Start, ScanFrom::Number);
        let scan = if since.is_none() { self.begin_scan(from, is_early).await? } else { None };
        if scan.as_ref().is_some_and(|(_, scan)| !scan.resumed) {
            interrupted = None;
        }
        let (mut progress, resume) = Progress::new(now, since, scan, interrupted);
        let mut prefetcher = Prefetcher::new(self.open_walk(&progress, resume)?);
        prefetcher.fetch_page().await;
        while let Some(group) = prefetcher.take_pages()? {
            self.context.check_cancelled()?;
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
        self.finish(progress, end).await
    }

    fn open_walk(&self, progress: &Progress, resume: Option<(ResumePoint, WalkState)>) -> Result<Walk> {
        let mut spec = self.request.clone();
        let paginate = self.mapper.paginate.clone().map(|paginate| self.context.paginate(paginate));
        if let (Some(since), Some(value)) = (&self.mapper.since, progress.since) {
            let in_body = paginate.as_ref().and_then(|paginate| paginate.in_body);
            request::add_since(&mut spec, since, value, in_body).map_err(PaginateError::into_error)?;
        }
        let options = WalkOptions {
            purpose: Purpose { deletes: progress.scan.is_some(), since: self.mapper.since.is_some() },
            bounds: self.context.limits().walk.clone(),
            resume,
        };
        Walk::new(self.context.client().clone(), spec, paginate, options).map_err(PaginateError::into_error)
    }

    async fn begin_scan(&self, from: ScanFrom, is_early: bool) -> Result<Option<(DatasetKey, Scan)>> {
        if !self.def.track_deletes {
            return Ok(None);
        }
        let dataset = self.dataset();
        let scan = self.context.begin_scan(&dataset, from, is_early).await?;
        Ok(Some((dataset, scan)))
    }

    fn dataset(&self) -> DatasetKey {
        self.context.dataset(self.def.models[0].name)
    }

    /// Maps pages and commits them in one transaction. If a page cannot be mapped, the pages before it are committed.
    async fn commit_pages(&self, pages: &[RawPage], progress: &mut Progress, spec: &str) -> Result<()> {
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
            commit.resume = self.resume_after(page, progress, spec)?;
        }
        if !commits.is_empty() {
            self.context.commit_all(commits).await?;
        }
        mapped
    }

    /// Returns the write of the resume point after a page.
    fn resume_after(&self, page: &RawPage, progress: &Progress, spec: &str) -> Result<Option<ResumeWrite>> {
        let (Some(resume_point), Some(walk_state)) = (page.resume_point(), page.state()) else { return Ok(None) };
        let walk = progress.interrupted_at(spec, resume_point.clone(), walk_state.clone(), self.runtime.store.now());
        let state = SyncState { walk: Some(walk), ..self.state.clone() };
        resume::seal(self.runtime, self.context.key(), &state).map(|sealed| Some(ResumeWrite::Set(sealed)))
    }

    /// Commits a change outside of pages.
    async fn commit(&self, page: PageCommit) -> Result<()> {
        self.context.commit(page).await.map(drop)
    }
}

/// Returns whether the provider refused a resume point, or leads back to an earlier page from it.
fn is_resume_point_expired(error: &Error) -> bool {
    let circle = matches!(error.downcast_ref(), Some(PaginateError::Circle { .. } | PaginateError::SamePage { .. }));
    circle || error.http().is_some_and(|http| http.error.is_some() || EXPIRED_STATUSES.contains(&http.status))
}
