//! The one loop behind every mapper sync.
//!
//! Page → map → commit, while the next pages are being fetched. Pages that came in during a commit share the next one:
//! their records, their counters and the resume point behind them are one transaction. Only a complete walk moves the
//! `since` value and deletes what it did not see.

mod confirm;
mod fingerprint;
mod finish;
mod map;
mod progress;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use futures_util::future::try_join;
use serde_json::Value;

use self::progress::Progress;
use super::{
    Runtime,
    prefetch::Prefetcher,
    resume::{self, InterruptedWalk, SyncState},
    since,
};
use crate::{
    declare::{Endpoint, Mapper, SyncDef},
    error::{Error, Result},
    http::RequestSpec,
    nango::{Context, Nango, PageCommit, store_error},
    paginate::{PaginateError, Purpose, RawPage, ResumePoint, Walk, WalkOptions, WalkState},
    store::{DatasetKey, Level, NextFullRun, ResumeWrite, Scan, ScanFrom, failpoint::failpoint},
};

/// Statuses with which a provider answers a resume point that has expired.
const EXPIRED_STATUSES: [u16; 4] = [400, 404, 410, 422];

/// Walks the endpoint of a mapper from its start, or from where an interrupted run left it.
pub(super) async fn walk(
    runtime: &Arc<Runtime>,
    context: Arc<Context>,
    def: &'static SyncDef,
    mapper: &'static Mapper,
) -> Result<()> {
    context.set_sync(def);
    let sealed = runtime.store.resume_state(context.key()).await.map_err(store_error)?;
    let remembered = sealed.is_some();
    let state = resume::open(runtime, &context, sealed);
    let endpoint = endpoint(&context, mapper).await?;
    let mut run = MapperRun { instance: runtime, context, def, mapper, endpoint, state, has_stored_state: remembered };
    run.run().await
}

async fn endpoint(context: &Arc<Context>, mapper: &Mapper) -> Result<String> {
    match &mapper.endpoint {
        Endpoint::Fixed(path) => Ok((*path).to_owned()),
        Endpoint::Metadata(fill) => {
            let metadata = Nango::new(context.clone()).metadata_map().await?;
            fill(Value::Object(metadata)).map_err(|error| context.metadata_error(error))
        }
    }
}

/// Whether an interrupted walk may only be resumed at an opaque position: a scan would delete a record that was stepped
/// over, and an incremental run would never see it again.
pub(super) fn requires_token(def: &SyncDef, mapper: &Mapper) -> bool {
    def.track_deletes || mapper.since.is_some()
}

struct MapperRun<'a> {
    instance: &'a Arc<Runtime>,
    context: Arc<Context>,
    def: &'static SyncDef,
    mapper: &'static Mapper,
    endpoint: String,
    state: SyncState,
    /// Whether the database holds a resume state of this sync.
    has_stored_state: bool,
}

/// How a walk begins.
struct WalkStart {
    /// The `since` value that is sent; `None`: the run is full.
    since: Option<i64>,
    /// Whether delete candidates brought this full run forward.
    brought_forward: bool,
    interrupted: Option<InterruptedWalk>,
}

impl MapperRun<'_> {
    async fn run(&mut self) -> Result<()> {
        let schema = self.schema_fingerprint();
        let spec = self.walk_fingerprint(&schema);
        let now = self.instance.store.now();
        let forced = self.is_full_forced(&schema);
        self.state.schema = Some(schema);
        let interrupted =
            self.state.take_resumable(&spec, now, requires_token(self.def, self.mapper)).filter(|_| !forced);
        if let Some(interrupted) = interrupted {
            let age = since::format_duration(now - interrupted.started_at);
            self.context.log(Level::Info, &format!("going on with the walk that began {age} ago"), Value::Null);
            let since = interrupted.since;
            let start = WalkStart { since, brought_forward: false, interrupted: Some(interrupted) };
            match self.walk_pages(start, &spec).await {
                Err(error) if self.context.totals().pages == 0 && is_resume_point_expired(&error) => {
                    let message = "the provider does not accept the resume point of the interrupted walk any more: \
                                   starting over";
                    self.context.log(Level::Warn, message, Value::Null);
                }
                ended => return ended,
            }
        }
        let start = self.decide_start(forced, now).await?;
        self.walk_pages(start, &spec).await
    }

    /// A fingerprint of what a record becomes: the model's schema and the version of the sync.
    fn schema_fingerprint(&self) -> String {
        let mut generator = schemars::SchemaGenerator::default();
        let schema = (self.def.models[0].schema)(&mut generator).to_value();
        let definitions = Value::Object(generator.take_definitions(true));
        let text = format!("{} {schema} {definitions}", self.def.version);
        blake3::hash(text.as_bytes()).to_hex()[..32].to_owned()
    }

    /// What is walked, as far as a position inside it depends on it.
    fn walk_fingerprint(&self, schema: &str) -> String {
        let Mapper { paginate, since, .. } = self.mapper;
        let base_url = self.context.base_url();
        fingerprint::of_walk(base_url, &self.endpoint, paginate.as_ref(), since.as_ref(), schema)
    }

    /// Whether this run reads the whole list although less was due: the caller asks for it, or records become something
    /// else than at the last run.
    fn is_full_forced(&self, schema: &str) -> bool {
        let changed = self.state.schema.as_deref().is_some_and(|last| last != schema);
        if changed && self.mapper.since.is_some() && self.state.since.is_some() {
            let message = "the model's schema or the version of the sync has changed: this run reads the whole list";
            self.context.log(Level::Info, message, Value::Null);
        }
        changed || self.context.options().full
    }

    /// Decides what a run that does not resume reads.
    async fn decide_start(&self, forced: bool, now: i64) -> Result<WalkStart> {
        let since = self
            .mapper
            .since
            .as_ref()
            .filter(|_| !forced)
            .and_then(|since| since::since_value(since, &self.state, now));
        let mut start = WalkStart { since, brought_forward: false, interrupted: None };
        if start.since.is_some() && self.def.track_deletes {
            let policy = self.delete_policy();
            let outlook = self.instance.store.pending_deletes(&self.dataset(), &policy).await.map_err(store_error)?;
            start.brought_forward = match outlook.next_full {
                NextFullRun::Regular => false,
                NextFullRun::NextRun => true,
                NextFullRun::NotBefore(at) => now >= at,
            };
            if start.brought_forward {
                let message = "records were missed by the last full run: this run reads the whole list to confirm it";
                self.context.log(Level::Info, message, Value::Null);
                start.since = None;
            }
        }
        Ok(start)
    }

    async fn walk_pages(&mut self, start: WalkStart, spec: &str) -> Result<()> {
        let now = self.instance.store.now();
        let WalkStart { since, brought_forward, mut interrupted } = start;
        let from = interrupted.as_ref().and_then(|walk| walk.scan).map_or(ScanFrom::Start, ScanFrom::Number);
        let scan = if since.is_none() { self.begin_scan(from, brought_forward).await? } else { None };
        if scan.as_ref().is_some_and(|(_, scan)| !scan.resumed) {
            interrupted = None;
        }
        let (mut progress, resume) = Progress::new(now, since, scan, interrupted);
        let mut prefetcher = Prefetcher::new(self.open_walk(&progress, resume)?);
        prefetcher.fetch_page().await;
        while let Some(group) = prefetcher.take_pages()? {
            self.context.check()?;
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
            // Pages that cannot be kept end the run at once; those that were fetched are kept whatever comes after them.
            try_join(fetch, commit).await?;
            failpoint!("mapper:page-kept");
        }
        failpoint!("mapper:walked");
        let end = progress.end(prefetcher.walk());
        self.finish(progress, end).await
    }

    fn open_walk(&self, progress: &Progress, resume: Option<(ResumePoint, WalkState)>) -> Result<Walk> {
        let mut spec = RequestSpec::new(reqwest::Method::GET, self.endpoint.clone());
        spec.retries = self.mapper.retries;
        if let (Some(since), Some(value)) = (&self.mapper.since, progress.since) {
            spec.query.push((since.param.to_owned(), since::format_value(since.format, value)?));
        }
        let paginate = self.mapper.paginate.clone().map(|paginate| self.context.paginate(paginate));
        let options = WalkOptions {
            purpose: Purpose { deletes: progress.scan.is_some(), since: self.mapper.since.is_some() },
            bounds: self.context.limits().walk.clone(),
            resume,
        };
        Walk::new(self.context.client().clone(), spec, paginate, options).map_err(PaginateError::into_error)
    }

    async fn begin_scan(&self, from: ScanFrom, brought_forward: bool) -> Result<Option<(DatasetKey, Scan)>> {
        if !self.def.track_deletes {
            return Ok(None);
        }
        let (context, dataset) = (&self.context, self.dataset());
        let store = &self.instance.store;
        let begun = store.begin_scan(&context.token(), context.key(), &dataset, from, brought_forward).await;
        Ok(Some((dataset, begun.map_err(store_error)?)))
    }

    fn dataset(&self) -> DatasetKey {
        self.context.dataset(self.def.models[0].name)
    }

    /// Maps pages and commits them in one transaction. Behind one that cannot be mapped, those before it are kept.
    async fn commit_pages(&self, pages: &[RawPage], progress: &mut Progress, spec: &str) -> Result<()> {
        let mut commits = Vec::with_capacity(pages.len());
        let mut mapped = Ok(());
        for page in pages {
            match self.map_page(page, progress).await {
                Ok(draft) => commits.push(draft),
                Err(error) => {
                    mapped = Err(error);
                    break;
                }
            }
        }
        // One resume point is enough: the state between two pages of a transaction is never visible.
        if let Some((page, draft)) = pages[..commits.len()].last().zip(commits.last_mut()) {
            draft.resume = self.resume_after(page, progress, spec)?;
        }
        if !commits.is_empty() {
            self.context.commit_all(commits).await?;
        }
        mapped
    }

    /// The resume point behind a page.
    fn resume_after(&self, page: &RawPage, progress: &Progress, spec: &str) -> Result<Option<ResumeWrite>> {
        let (Some(place), Some(memory)) = (page.resume_point(), page.state()) else { return Ok(None) };
        let walk = progress.interrupted_at(spec, place.clone(), memory.clone(), self.instance.store.now());
        let state = SyncState { walk: Some(walk), ..self.state.clone() };
        resume::seal(self.instance, self.context.key(), &state).map(|sealed| Some(ResumeWrite::Set(sealed)))
    }

    /// Commits a change outside of the pages.
    async fn commit(&self, page: PageCommit) -> Result<()> {
        self.context.commit(page).await.map(drop)
    }
}

/// Whether the provider refused a resume point, or leads in a circle from it.
fn is_resume_point_expired(error: &Error) -> bool {
    let circle = matches!(error.downcast_ref(), Some(PaginateError::Circle { .. } | PaginateError::SamePage { .. }));
    circle || error.http().is_some_and(|http| EXPIRED_STATUSES.contains(&http.status))
}
