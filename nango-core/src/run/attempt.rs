//! Attempts of a logical run: continuation after an interruption.
//!
//! An attempt makes progress if it stored a checkpoint, or committed pages and reached a position beyond that of the
//! attempt before it. A walk that starts over makes none. An interrupted attempt that made progress is continued at
//! once, another one after a delay; the third attempt in a row without progress ends the logical run with an error.

use std::{cmp::Ordering, time::Duration};

use super::{mapper, resume, runtime::Runtime};
use crate::{
    declare::{SyncDef, SyncRun},
    error::{Error, ErrorKind, Result},
    store::{ClaimedRun, NextAttempt, QueuedOptions, StoreError, StoredCheckpoint},
};

/// Number of attempts in a row without progress that ends a logical run.
const MAX_IDLE_ATTEMPTS: u32 = 3;
/// Delay before the next attempt after the first one without progress. It doubles with each further one.
const FIRST_BACKOFF: Duration = Duration::from_secs(10);

/// Continuation of a logical run whose attempt was interrupted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Continuation {
    /// Another attempt becomes due.
    Next(NextAttempt),
    /// The logical run ends, because its attempts make no progress.
    NoProgress,
}

impl Continuation {
    /// Returns the error of a logical run that ends without progress.
    pub(crate) fn no_progress() -> Error {
        let message = format!(
            "the run was interrupted {MAX_IDLE_ATTEMPTS} times in a row without progress: it stored neither a page nor \
             a checkpoint beyond the last position; the next run starts at its next due time"
        );
        Error::new(ErrorKind::NoProgress, message)
    }
}

/// Position that an attempt has reached.
struct Position {
    checkpoint: StoredCheckpoint,
    mark: Option<String>,
}

/// Decides how the logical run of an interrupted attempt continues. Returns `None` if this program does not declare the
/// sync.
///
/// # Errors
///
/// Fails if the database fails.
pub(crate) async fn continuation(runtime: &Runtime, run: &ClaimedRun, pages: u64) -> Result<Option<Continuation>> {
    let Some(def) = runtime.registry.sync(&run.key.integration, &run.key.function) else { return Ok(None) };
    let position = position(runtime, run, def).await.map_err(StoreError::into_error)?;
    let is_ahead = match (position.mark.as_deref(), run.mark.as_deref()) {
        (Some(mark), Some(before)) => mark.cmp(before) == Ordering::Greater,
        (mark, _) => mark.is_some(),
    };
    let has_new_checkpoint =
        position.checkpoint.value.is_some() && position.checkpoint.version > run.checkpoint_version;
    let progressed = has_new_checkpoint || (pages > 0 && is_ahead);
    let idle = if progressed { 0 } else { run.idle.saturating_add(1) };
    if idle >= MAX_IDLE_ATTEMPTS {
        return Ok(Some(Continuation::NoProgress));
    }
    let delay = idle.checked_sub(1).map_or(Duration::ZERO, |doublings| FIRST_BACKOFF * 2_u32.pow(doublings));
    // Until a page was committed, the reset may not have been applied completely.
    let was_set_up = pages > 0 || has_new_checkpoint;
    let options = QueuedOptions {
        reset: run.options.reset && !was_set_up,
        empty_cache: run.options.empty_cache && !was_set_up,
        ..run.options
    };
    let due_at = runtime.store.now() + delay;
    Ok(Some(Continuation::Next(NextAttempt { due_at, options, idle, mark: position.mark })))
}

async fn position(runtime: &Runtime, run: &ClaimedRun, def: &SyncDef) -> Result<Position, StoreError> {
    let checkpoint = runtime.store.checkpoint(&run.key).await?;
    let mark = match &def.run {
        SyncRun::Function(_) => None,
        SyncRun::Mapper(declared) => {
            let sealed = runtime.store.resume_state(&run.key).await?;
            let tokens_only = mapper::requires_token(def, declared);
            sealed.and_then(|sealed| resume::mark(runtime, &run.key, &sealed, tokens_only))
        }
    };
    Ok(Position { checkpoint, mark })
}
