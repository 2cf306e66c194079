//! The engine's own resume point inside a mapper's walk, and what the next run depends on.
//!
//! Not a checkpoint: it may hold a provider's cursor or link, so it is sealed and never shown. It is written with each
//! page, dropped when the walk has ended, when what is walked has changed, or when its last page is older than a day.

use serde::{Deserialize, Serialize};

use super::Runtime;
use crate::{
    error::{Error, ErrorKind, Result},
    nango::Context,
    paginate::{ResumePoint, WalkState},
    store::{FunctionKey, resume_context},
};

/// How old the last page of an interrupted walk may be, in microseconds.
const MAX_RESUME_AGE_MICROS: i64 = 24 * 60 * 60 * 1_000_000;

/// What a mapper remembers between runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct SyncState {
    /// The `since` value of the last complete walk, microseconds since 1970.
    pub(super) since: Option<i64>,
    /// The `since` value of the complete walk before it.
    #[serde(rename = "since_before")]
    pub(super) previous_since: Option<i64>,
    /// Whether the last complete walk was position-based and of several requests: the next run sends the value before.
    #[serde(rename = "shifts")]
    pub(super) position_based: bool,
    /// When the last run that read the whole list began.
    pub(super) full_at: Option<i64>,
    /// A fingerprint of the model's schema and of the sync's version at the last run.
    pub(super) schema: Option<String>,
    /// The walk that did not come to its end.
    pub(super) walk: Option<InterruptedWalk>,
}

/// A walk that did not come to its end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct InterruptedWalk {
    /// What was walked: another specification cannot resume here.
    #[serde(rename = "spec")]
    pub(super) fingerprint: String,
    /// When its first attempt began, microseconds since 1970.
    pub(super) started_at: i64,
    /// When its last page was committed.
    #[serde(default)]
    pub(super) last_page_at: Option<i64>,
    /// The `since` value that it sends.
    pub(super) since: Option<i64>,
    /// The greatest value of the field that `since` reads.
    pub(super) next_since: Option<i64>,
    /// The `Date` of its first answer.
    #[serde(default)]
    pub(super) first_date: Option<i64>,
    /// Whether a record was left out whose id could not be read.
    #[serde(rename = "left_out")]
    pub(super) unread_id: bool,
    /// Pages that were read.
    pub(super) pages: u64,
    /// The number of its scan.
    pub(super) scan: Option<i64>,
    /// What the walk has to remember of its pages.
    #[serde(default)]
    pub(super) memory: WalkState,
    /// Where it resumes.
    #[serde(rename = "place")]
    pub(super) resume_point: ResumePoint,
}

impl SyncState {
    /// The walk to resume, if it may be.
    pub(super) fn take_resumable(&mut self, spec: &str, now: i64, tokens_only: bool) -> Option<InterruptedWalk> {
        self.walk
            .take()
            .filter(|walk| {
                walk.fingerprint == spec && now - walk.last_page_at.unwrap_or(walk.started_at) < MAX_RESUME_AGE_MICROS
            })
            .filter(|walk| walk.resume_point.is_token() || !tokens_only)
    }

    /// Whether there is nothing to remember: the schema alone decides nothing.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self { schema: self.schema.clone(), ..Self::default() }
    }
}

/// The stored state; one that cannot be opened or read is dropped with a line in the log.
pub(super) fn open(runtime: &Runtime, context: &Context, sealed: Option<Vec<u8>>) -> SyncState {
    let Some(sealed) = sealed else { return SyncState::default() };
    decode(runtime, context.key(), &sealed).unwrap_or_else(|| {
        let message = "the place of the last walk cannot be read with this key: starting over";
        context.log(crate::store::Level::Warn, message, serde_json::Value::Null);
        SyncState::default()
    })
}

/// The state as it is stored.
pub(super) fn seal(runtime: &Runtime, key: &FunctionKey, state: &SyncState) -> Result<Vec<u8>> {
    runtime
        .ring
        .seal(&serde_json::to_vec(state)?, &resume_context(key))
        .map_err(|error| Error::new(ErrorKind::Internal, error))
}

/// Whether a stored state holds a walk that the next run can take up.
pub(super) fn has_resumable_walk(runtime: &Runtime, key: &FunctionKey, sealed: &[u8], tokens_only: bool) -> bool {
    let walk = decode(runtime, key, sealed).and_then(|state| state.walk);
    walk.is_some_and(|walk| walk.resume_point.is_token() || !tokens_only)
}

fn decode(runtime: &Runtime, key: &FunctionKey, sealed: &[u8]) -> Option<SyncState> {
    let opened = runtime.ring.open(sealed, &resume_context(key)).ok()?;
    serde_json::from_slice(&opened).ok()
}
