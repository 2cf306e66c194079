//! Run of a mapper with `each`: one walk for the list of each parent.
//!
//! Parents are walked in the order of their ids, some at the same time, within the rate limit of the connection. An
//! interrupted run is continued after the parents that are done (`parents`). Deletes are decided at the end, over all
//! parents, so that a record that moved to another parent is seen there.
//!
//! | file | content |
//! | --- | --- |
//! | `source` | the parents in batches |
//! | `failure` | errors that skip a parent |
//! | `stop` | stop of the other walks after an error |
//! | `gone` | parents that no longer exist |

mod failure;
mod gone;
mod source;
mod stop;

use std::{collections::HashMap, sync::Arc};

use futures_util::{
    future::BoxFuture,
    stream::{FuturesUnordered, StreamExt},
};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use self::source::{NextParent, Parents};
use super::{
    list_walk::ListWalk,
    mapper_run::{MapperRun, is_incremental},
    parents::{Parent, ParentWalk, ParentsRun, Tally, WalkStop, shown},
    request,
};
use crate::{
    declare::{Each, SharedMetadata},
    error::{Error, Result},
    nango::PageCommit,
    run::resume::{EachProgress, SyncState},
    store::{Level, NextFullRun, ParentKey, ScanWalk, StoreError, failpoint::failpoint},
};

/// Walks the lists of all parents, and deletes the records that complete walks did not see.
pub(super) async fn walk(
    run: &MapperRun<'_>,
    each: &'static Each,
    state: SyncState,
    has_stored_state: bool,
) -> Result<()> {
    let (metadata, json) = request::each_metadata(&run.context, each).await?;
    let all = ListWalk::new(run, request::of_all_parents(&run.context, run.mapper, each, &json), state, None);
    let parents = begin(run, each, &all).await?;
    let engine = Engine { each, metadata, parents: &parents };
    engine.walk_all().await?;
    failpoint!("each:walked");
    engine.finish(&all, has_stored_state).await
}

/// Starts a logical run, or continues the one that was interrupted.
async fn begin<'a>(run: &'a MapperRun<'a>, each: &Each, all: &ListWalk<'_>) -> Result<ParentsRun<'a>> {
    let mut state = all.state.clone();
    // A walk of an unfinished run may have read a complete list without a decision about the records that it missed.
    let is_undecided = is_incremental(run.mapper) && state.each.as_ref().is_some_and(|each| each.walked);
    let now = run.runtime.store.now();
    let fingerprint = source::fingerprint(each, &all.fingerprint());
    let last_number = state.each.as_ref().map_or(i64::MIN, |each| each.number);
    let stored = state.take_resumable_parents(&fingerprint, now).filter(|each| {
        // A run that could walk no parent is not continued: all parents are requested again.
        !run.context.options().full && (each.walked || !each.skipped)
    });
    let numbers: Vec<Option<i64>> = stored.iter().flat_map(|each| &each.scans).map(|number| Some(*number)).collect();
    let scans = if run.def.track_deletes { run.begin_numbered_scans(&numbers, false).await? } else { Vec::new() };
    // Without its scans, the records of the parents that are done would be missing from these.
    let is_resumed = scans.iter().all(|open| open.scan.resumed);
    let scan_numbers: Vec<i64> = scans.iter().map(|open| open.scan.number).collect();
    let stored = stored.filter(|each| is_resumed && each.scans == scan_numbers);
    let logical = match stored {
        Some(stored) => {
            let after = stored.after.as_deref().unwrap_or_default();
            run.context.log(Level::Info, "continuing the interrupted run over all parents", json!({ "after": after }));
            stored
        }
        None => EachProgress {
            number: now.as_micros().max(last_number.saturating_add(1)),
            fingerprint,
            started_at: now,
            last_page_at: now,
            after: None,
            scans: scan_numbers,
            full: run.context.options().full || (is_undecided && run.def.track_deletes),
            walked: false,
            skipped: false,
        },
    };
    let early = parents_needing_full(run, all).await?;
    Ok(ParentsRun::new(run, state, logical, scans, early))
}

/// Returns the parents whose delete candidates bring their next complete walk forward, for each model.
async fn parents_needing_full(run: &MapperRun<'_>, all: &ListWalk<'_>) -> Result<Vec<HashMap<ParentKey, NextFullRun>>> {
    let mut early = Vec::new();
    if run.def.track_deletes && is_incremental(run.mapper) {
        let policy = all.delete_policy();
        for model in 0..run.def.models.len() {
            let store = &run.runtime.store;
            let found = store.parents_needing_full(run.context.key(), &run.dataset(model), &policy).await;
            early.push(found.map_err(StoreError::into_error)?.into_iter().collect());
        }
    }
    Ok(early)
}

/// Run over the lists of all parents.
struct Engine<'a> {
    each: &'static Each,
    metadata: Option<SharedMetadata>,
    parents: &'a ParentsRun<'a>,
}

impl Engine<'_> {
    /// Walks the lists of all parents that are not done. The first error that does not skip a parent stops the others.
    async fn walk_all(&self) -> Result<()> {
        let stop = CancellationToken::new();
        let source = Parents::new(self.parents, self.each, self.metadata.clone())?;
        let mut loading: Option<Loading<'_>> = Some(Box::pin(source.next_batch()));
        let mut waiting = Vec::new().into_iter();
        let mut walks: FuturesUnordered<BoxFuture<'_, Result<()>>> = FuturesUnordered::new();
        let mut failure = None;
        loop {
            while failure.is_none()
                && walks.len() < self.each.at_once
                && let Some(next) = waiting.next()
            {
                // The walks are recorded in the order of the parents.
                match &next {
                    NextParent::Done(id) => self.parents.pass(id),
                    next => self.parents.start(next.id()),
                }
                walks.push(Box::pin(self.walk_next(next, &stop)));
            }
            let needs_more = failure.is_none() && waiting.len() == 0 && loading.is_some();
            if walks.is_empty() && !needs_more {
                return failure.map_or(Ok(()), Err);
            }
            // The walks proceed while parents are read: they may have all connections of the database.
            let result = tokio::select! {
                batch = loaded(&mut loading), if needs_more => batch.map(|batch| {
                    if let Some((batch, source)) = batch {
                        waiting = batch.into_iter();
                        loading = Some(Box::pin(source.next_batch()));
                    }
                }),
                Some(walked) = walks.next(), if !walks.is_empty() => walked,
            };
            if let Err(error) = result {
                stop.cancel();
                failure.get_or_insert(error);
            }
        }
    }

    async fn walk_next(&self, next: NextParent, stop: &CancellationToken) -> Result<()> {
        match next {
            NextParent::Done(_) => {}
            NextParent::WithoutPayload(id) => {
                let message = "the payload of its record was removed, which the requests of its list need";
                self.parents.add_skipped(&id, Error::msg(message));
            }
            NextParent::Walk(parent, state) => return Box::pin(self.walk_parent(parent, *state, stop)).await,
        }
        Ok(())
    }

    async fn walk_parent(&self, parent: Parent, state: SyncState, stop: &CancellationToken) -> Result<()> {
        let run = self.parents.run;
        let id = parent.id.clone();
        let list = request::of_parent(&run.context, run.mapper, self.each, &parent.scope);
        let stop = WalkStop { token: stop.clone(), is_committing: Arc::default() };
        let parent = ParentWalk::new(self.parents, parent, stop.clone());
        let mut list = list.map_err(|error| error.context(shown(&id)))?;
        list.request.parent = Some(id.clone());
        let mut walk = ListWalk::new(run, list, state, Some(parent));
        let walked = stop::stoppable(&stop.token, &stop.is_committing, async {
            let ended = walk.run().await?;
            walk.store_end(&ended).await?;
            Ok(ended.end)
        });
        let Some(walked): Option<Result<_>> = Box::pin(walked).await else { return Ok(()) };
        failpoint!("each:parent-done");
        match walked {
            Ok(end) => self.parents.add_walked(&id, end),
            Err(error) if failure::skips_parent(self.each.on_error, &error, walk.has_failed_at_list) => {
                self.parents.add_skipped(&id, error);
            }
            Err(error) => return Err(error.context(shown(&id))),
        }
        Ok(())
    }

    /// Ends the logical run: parents that are gone, deletes, and the state for the next run.
    async fn finish(&self, all: &ListWalk<'_>, has_stored_state: bool) -> Result<()> {
        let run = self.parents.run;
        let (tally, first_error) = self.parents.take_result();
        let is_continued = self.parents.logical().after.is_some();
        let end = self.parents.end()?;
        if let Some(error) = failure::of_all(&tally, self.parents.logical().walked, first_error) {
            run.commit(PageCommit { resume: Some(end), ..PageCommit::default() }).await?;
            return Err(error);
        }
        self.log_end(&tally);
        gone::write(self.parents, self.each, self.metadata.as_ref()).await?;
        failpoint!("each:gone");
        if !self.parents.scans.is_empty() {
            let ends = self.parents.scans.iter().map(|open| (open.clone(), by_parent())).collect();
            return all.finish_scans(ends, end).await;
        }
        if has_stored_state || is_continued || tally != Tally::default() {
            run.commit(PageCommit { resume: Some(end), ..PageCommit::default() }).await?;
        }
        Ok(())
    }

    fn log_end(&self, tally: &Tally) {
        let Tally { walked, incomplete, first_gap, skipped, .. } = tally;
        let fields = json!({ "parents": walked, "parents_skipped": skipped, "incomplete": incomplete });
        let skipped = if *skipped > 0 { format!(", {skipped} were skipped") } else { String::new() };
        let (level, message) = match first_gap {
            None => (Level::Info, format!("the lists of {walked} parents were walked{skipped}")),
            Some(gap) => {
                let message = format!(
                    "the lists of {walked} parents were walked{skipped}; {incomplete} walks were incomplete and delete \
                     nothing, the first one: {gap}"
                );
                (Level::Warn, message)
            }
        };
        self.parents.run.context.log(level, &message, fields);
    }
}

/// Future that reads the next parents.
type Loading<'a> = BoxFuture<'a, Result<Option<(Vec<NextParent>, Parents<'a>)>>>;

/// Waits for the next parents. A call that is cancelled loses nothing.
async fn loaded<'a>(loading: &mut Option<Loading<'a>>) -> Result<Option<(Vec<NextParent>, Parents<'a>)>> {
    let Some(future) = loading else { return Ok(None) };
    let loaded = future.await;
    *loading = None;
    loaded
}

/// Returns the evidence of a scan whose parents have their own.
fn by_parent() -> ScanWalk {
    ScanWalk { complete: true, position_based: false, requests: 0, shifted: false, list_empty: false }
}
