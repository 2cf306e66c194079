//! The one loop behind every mapper sync.
//!
//! Page → map → commit, while the next pages are being fetched. Pages that came in during a commit share the next one:
//! their records, their counters and the place behind them are one transaction. Only a walk that came to its end moves
//! the `since` moment and deletes what it did not see.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use futures_util::{StreamExt, future::try_join, stream};
use serde_json::Value;

use super::{
    Instance,
    ahead::Ahead,
    resume::{self, Interrupted, State},
    since,
};
use crate::{
    declare::{Endpoint, Handle, MapRecord, Mapper, OnInvalid, SinceFrom, SyncDef},
    error::{Error, ErrorKind, Result},
    http::Call,
    model::Batch,
    nango::{Context, Draft, Nango, store_error},
    paginate::{PaginateError, RawPage, Walk},
    store::{Change, DatasetKey, FinishScan, Level, ResumeWrite, Scan, ScanFrom, Write, failpoint::failpoint},
};

/// How many records of a page an async mapper works on at once; their order is kept.
const ASYNC_AT_ONCE: usize = 4;
/// Statuses that say of a remembered place that the provider no longer knows it.
const PLACE_IS_GONE: [u16; 4] = [400, 404, 410, 422];

/// Walks the endpoint of a mapper from its start, or from where an interrupted run left it.
pub(super) async fn walk(
    instance: &Arc<Instance>,
    context: Arc<Context>,
    def: &'static SyncDef,
    mapper: &'static Mapper,
) -> Result<()> {
    context.declare(def);
    let sealed = instance.store.resume_state(context.key()).await.map_err(store_error)?;
    let remembered = sealed.is_some();
    let state = resume::open(instance, &context, sealed);
    let endpoint = endpoint(&context, mapper).await?;
    let mut run = Run { instance, context, def, mapper, endpoint, state, remembered };
    run.whole().await
}

async fn endpoint(context: &Arc<Context>, mapper: &Mapper) -> Result<String> {
    match &mapper.endpoint {
        Endpoint::Fixed(path) => Ok((*path).to_owned()),
        Endpoint::Metadata(fill) => {
            let metadata = Nango::new(context.clone()).metadata_map().await?;
            let key = context.key();
            fill(Value::Object(metadata)).map_err(|error| {
                error.context(format!(
                    "the metadata of connection `{}` (set it: `registry connection set-metadata {} {} '{{…}}'`)",
                    key.connection, key.integration, key.connection
                ))
            })
        }
    }
}

/// Whether an interrupted walk may be taken up only by a token. What a missed record costs decides: a scan would delete
/// it, and an incremental run would never see it again.
pub(super) fn tokens_only(def: &SyncDef, mapper: &Mapper) -> bool {
    def.track_deletes || mapper.since.is_some()
}

struct Run<'a> {
    instance: &'a Arc<Instance>,
    context: Arc<Context>,
    def: &'static SyncDef,
    mapper: &'static Mapper,
    endpoint: String,
    state: State,
    /// Whether the database holds a resume state of this sync.
    remembered: bool,
}

/// What became of a page's raw records.
#[derive(Default)]
struct Kept {
    batch: Batch,
    /// How many were left out because they do not fit.
    left_out: u64,
    /// The newest moment that they carry, where `since` reads it off them.
    newest: Option<i64>,
}

/// What a walk carries from page to page.
struct Progress {
    started_at: i64,
    since: Option<i64>,
    next_since: Option<i64>,
    left_out: bool,
    scan: Option<(DatasetKey, Scan)>,
    pages: u64,
}

impl Run<'_> {
    async fn whole(&mut self) -> Result<()> {
        let spec = self.spec();
        let now = self.instance.store.now();
        if let Some(interrupted) = self.state.take_up(&spec, now, tokens_only(self.def, self.mapper)) {
            let age = since::age(now - interrupted.started_at);
            self.context.log(Level::Info, &format!("going on with the walk that began {age} ago"), Value::Null);
            match self.pages(Some(interrupted), &spec).await {
                Err(error) if self.context.totals().pages == 0 && is_gone(&error) => {
                    let message = "the provider no longer knows the place of the interrupted walk: starting over";
                    self.context.log(Level::Warn, message, Value::Null);
                }
                ended => return ended,
            }
        }
        self.pages(None, &spec).await
    }

    /// What is walked, as far as a place inside it depends on it.
    fn spec(&self) -> String {
        let since = self.mapper.since.map(|since| (since.param, since.format));
        let base_url = self.context.base_url();
        let spec = format!("{base_url} {} {:?} {since:?}", self.endpoint, self.mapper.paginate);
        blake3::hash(spec.as_bytes()).to_hex()[..32].to_owned()
    }

    async fn pages(&mut self, interrupted: Option<Interrupted>, spec: &str) -> Result<()> {
        let now = self.instance.store.now();
        let from = interrupted.as_ref().and_then(|walk| walk.scan).map_or(ScanFrom::Start, ScanFrom::Number);
        let scan = self.begin_scan(from).await?;
        let (mut progress, place) = match interrupted {
            Some(walk) if scan.as_ref().is_none_or(|(_, scan)| scan.resumed) => {
                let Interrupted { started_at, since, next_since, left_out, pages, place, .. } = walk;
                (Progress { started_at, since, next_since, left_out, scan, pages }, Some(place))
            }
            _ => {
                let asked = self.mapper.since.as_ref();
                let since = asked.and_then(|s| since::asked(s, self.state.since, self.state.full_at, now));
                (Progress { started_at: now, since, next_since: None, left_out: false, scan, pages: 0 }, None)
            }
        };
        let mut ahead = Ahead::new(self.open(&progress, place)?);
        ahead.fetch().await;
        while let Some(group) = ahead.take()? {
            self.context.check()?;
            let kept = AtomicBool::new(false);
            let fetch = async {
                while !kept.load(Ordering::Relaxed) && ahead.has_room() {
                    ahead.fetch().await;
                }
                Ok::<_, Error>(())
            };
            let keep = async {
                let done = self.keep(&group, &mut progress, spec).await;
                kept.store(true, Ordering::Relaxed);
                done
            };
            // Pages that cannot be kept end the run at once; those that were fetched are kept whatever comes after them.
            try_join(fetch, keep).await?;
            failpoint!("mapper:page-kept");
        }
        failpoint!("mapper:walked");
        self.finish(progress).await
    }

    fn open(&self, progress: &Progress, place: Option<crate::paginate::Place>) -> Result<Walk> {
        let mut call = Call::new(reqwest::Method::GET, self.endpoint.clone());
        call.retries = self.mapper.retries;
        if let (Some(since), Some(moment)) = (&self.mapper.since, progress.since) {
            call.query.push((since.param.to_owned(), since::write(since.format, moment)?));
        }
        let client = self.context.client().clone();
        let opened = match (&self.mapper.paginate, place) {
            (None, _) => Walk::single(client, call),
            (Some(paginate), place) => {
                let paginate = self.context.paginate(paginate.clone());
                match place {
                    Some(place) => Walk::resume(client, call, paginate, place),
                    None => Walk::new(client, call, paginate),
                }
            }
        };
        opened.map_err(PaginateError::into_error)
    }

    async fn begin_scan(&self, from: ScanFrom) -> Result<Option<(DatasetKey, Scan)>> {
        if !self.def.track_deletes {
            return Ok(None);
        }
        let (context, dataset) = (&self.context, self.dataset());
        let begun = self.instance.store.begin_scan(&context.token(), context.key(), &dataset, from).await;
        Ok(Some((dataset, begun.map_err(store_error)?)))
    }

    fn dataset(&self) -> DatasetKey {
        self.context.dataset(self.def.models[0].name)
    }

    /// Maps pages and commits them in one transaction. Behind one that cannot be mapped, those before it are kept.
    async fn keep(&self, pages: &[RawPage], progress: &mut Progress, spec: &str) -> Result<()> {
        let mut drafts = Vec::with_capacity(pages.len());
        let mut mapped = Ok(());
        for page in pages {
            progress.pages += 1;
            match self.draft(page, progress).await {
                Ok(draft) => drafts.push(draft),
                Err(error) => {
                    progress.pages -= 1;
                    mapped = Err(error);
                    break;
                }
            }
        }
        // One place is enough: nobody sees the state between two pages of a transaction.
        if let Some((page, draft)) = pages[..drafts.len()].last().zip(drafts.last_mut()) {
            draft.resume = self.resume_behind(page, progress, spec)?;
        }
        if !drafts.is_empty() {
            self.context.commit_all(drafts).await?;
        }
        mapped
    }

    /// A page of the provider as a page of the cache.
    async fn draft(&self, page: &RawPage, progress: &mut Progress) -> Result<Draft> {
        let records = page.records().map_err(PaginateError::into_error)?;
        let Kept { batch, left_out, newest } = self.map(&records, progress.pages).await?;
        if self.mapper.since.is_some_and(|since| since.from == SinceFrom::RunStart) {
            let date = || since::date_of(&page.response().headers, page.sent_at());
            progress.next_since = Some(progress.next_since.unwrap_or_else(date));
        }
        progress.left_out |= left_out > 0;
        progress.next_since = progress.next_since.max(newest);
        let changes = if batch.is_empty() {
            Vec::new()
        } else {
            let full_walk = progress.since.is_none().then_some(progress.started_at);
            vec![Change { dataset: self.dataset(), merging: self.def.merging, full_walk, write: Write::Save(batch) }]
        };
        Ok(Draft { changes, requested_at: Some(page.sent_at()), left_out, is_page: true, ..Draft::default() })
    }

    /// The place to go on from when the run is interrupted behind a page.
    fn resume_behind(&self, page: &RawPage, progress: &Progress, spec: &str) -> Result<Option<ResumeWrite>> {
        let Some(place) = page.place() else { return Ok(None) };
        let walk = Some(progress.interrupted_at(spec, place.clone()));
        let state = State { walk, ..self.state.clone() };
        resume::seal(self.instance, self.context.key(), &state).map(|sealed| Some(ResumeWrite::Set(sealed)))
    }

    /// The page's records as the model.
    async fn map(&self, records: &[&str], page: u64) -> Result<Kept> {
        let mut kept = Kept::default();
        let moment = |record: &str| match &self.mapper.since {
            Some(since) => since::of_record(since, record),
            None => Ok(None),
        };
        let model = self.def.models[0].name;
        let place = |i: usize, error: Error| {
            error.context(format!("record {} of page {page} cannot become a `{model}`", i + 1))
        };
        match self.mapper.map {
            MapRecord::Plain(map) => {
                for (i, record) in records.iter().enumerate() {
                    let before = kept.batch.len();
                    match map(record, &mut kept.batch).and_then(|()| moment(record)) {
                        Ok(moment) => kept.newest = kept.newest.max(moment),
                        Err(error) => {
                            kept.batch.truncate(before);
                            self.leave_out(place(i, error))?;
                            kept.left_out += 1;
                        }
                    }
                }
            }
            MapRecord::Async(map) => {
                let handle = || Handle::from(Nango::new(self.context.clone()));
                let calls = records.iter().map(|record| map(handle(), Box::from(*record))).collect::<Vec<_>>();
                let mut mapped = stream::iter(calls).buffered(ASYNC_AT_ONCE).map(Ok::<_, Error>).enumerate();
                while let Some((i, mapped)) = mapped.next().await {
                    match mapped?.and_then(|batch| Ok((batch, moment(records[i])?))) {
                        Ok((batch, moment)) => {
                            kept.batch.append(&batch);
                            kept.newest = kept.newest.max(moment);
                        }
                        Err(error) => {
                            self.leave_out(place(i, error))?;
                            kept.left_out += 1;
                        }
                    }
                }
            }
        }
        Ok(kept)
    }

    /// Logs a record that does not fit, where the sync says so; any other error fails the run.
    fn leave_out(&self, error: Error) -> Result<()> {
        let unfit = matches!(error.kind(), ErrorKind::Decode | ErrorKind::Record);
        if self.mapper.on_invalid == OnInvalid::Skip && unfit {
            self.context.log(Level::Warn, &format!("left out: {error}"), Value::Null);
            return Ok(());
        }
        Err(error)
    }

    /// The walk came to its end: what the next run asks for, and what is gone.
    async fn finish(&self, progress: Progress) -> Result<()> {
        let state = State {
            since: progress.next_since.or(self.state.since),
            full_at: if self.mapper.since.is_some() && progress.since.is_none() {
                Some(progress.started_at)
            } else {
                self.state.full_at
            },
            walk: None,
        };
        let resume = if state.is_empty() {
            ResumeWrite::Clear
        } else {
            ResumeWrite::Set(resume::seal(self.instance, self.context.key(), &state)?)
        };
        let Some((dataset, scan)) = progress.scan else {
            if resume != ResumeWrite::Clear || self.remembered || progress.pages > 0 {
                self.context.commit(Draft { resume: Some(resume), ..Draft::default() }).await?;
            }
            return Ok(());
        };
        if progress.left_out {
            let message = "records were left out, so this walk deletes nothing";
            self.context.log(Level::Warn, message, Value::Null);
        }
        let finish = FinishScan {
            run: self.context.token(),
            function: self.context.key().clone(),
            dataset,
            scan,
            confirm: self.def.confirm_deletes,
            complete: !progress.left_out,
            resume: Some(resume),
        };
        let finished = self.instance.store.finish_scan(finish).await.map_err(store_error)?;
        self.context.count_deleted(self.def.models[0].name, finished.deleted);
        Ok(())
    }
}

impl Progress {
    fn interrupted_at(&self, spec: &str, place: crate::paginate::Place) -> Interrupted {
        Interrupted {
            spec: spec.to_owned(),
            started_at: self.started_at,
            since: self.since,
            next_since: self.next_since,
            left_out: self.left_out,
            pages: self.pages,
            scan: self.scan.as_ref().map(|(_, scan)| scan.number),
            place,
        }
    }
}

fn is_gone(error: &Error) -> bool {
    error.http().is_some_and(|http| PLACE_IS_GONE.contains(&http.status))
}
