//! The engine's own resume point inside a mapper's walk, and what the next run depends on.
//!
//! Not a checkpoint: it may hold a provider's cursor or link, so it is sealed and never shown. It is written with each
//! page, dropped when the walk has ended, when what is walked has changed, or when its last page is older than a day.

use serde::{Deserialize, Serialize};

use super::Instance;
use crate::{
    error::{Error, ErrorKind, Result},
    nango::Context,
    paginate::{Place, WalkMemory},
    store::{FunctionKey, resume_context},
};

/// How old the last page of an interrupted walk may be, in microseconds.
const GOOD_FOR: i64 = 24 * 60 * 60 * 1_000_000;

/// What a mapper remembers between runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct State {
    /// The `since` value of the last complete walk, microseconds since 1970.
    pub(super) since: Option<i64>,
    /// The `since` value of the complete walk before it.
    pub(super) since_before: Option<i64>,
    /// Whether the last complete walk was position-based and of several requests: the next run sends the value before.
    pub(super) shifts: bool,
    /// When the last run that read the whole list began.
    pub(super) full_at: Option<i64>,
    /// A fingerprint of the model's schema and of the sync's version at the last run.
    pub(super) schema: Option<String>,
    /// The walk that did not come to its end.
    pub(super) walk: Option<Interrupted>,
}

/// A walk that did not come to its end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Interrupted {
    /// What was walked: another specification cannot resume here.
    pub(super) spec: String,
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
    pub(super) left_out: bool,
    /// Pages that were read.
    pub(super) pages: u64,
    /// The number of its scan.
    pub(super) scan: Option<i64>,
    /// What the walk has to remember of its pages.
    #[serde(default)]
    pub(super) memory: WalkMemory,
    /// Where it resumes.
    pub(super) place: Place,
}

impl State {
    /// The walk to resume, if it may be.
    pub(super) fn take_up(&mut self, spec: &str, now: i64, tokens_only: bool) -> Option<Interrupted> {
        self.walk
            .take()
            .filter(|walk| walk.spec == spec && now - walk.last_page_at.unwrap_or(walk.started_at) < GOOD_FOR)
            .filter(|walk| walk.place.is_token() || !tokens_only)
    }

    /// Whether there is nothing to remember: the schema alone decides nothing.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self { schema: self.schema.clone(), ..Self::default() }
    }
}

/// The stored state; one that cannot be opened or read is dropped with a line in the log.
pub(super) fn open(instance: &Instance, context: &Context, sealed: Option<Vec<u8>>) -> State {
    let Some(sealed) = sealed else { return State::default() };
    read(instance, context.key(), &sealed).unwrap_or_else(|| {
        let message = "the place of the last walk cannot be read with this key: starting over";
        context.log(crate::store::Level::Warn, message, serde_json::Value::Null);
        State::default()
    })
}

/// The state as it is stored.
pub(super) fn seal(instance: &Instance, key: &FunctionKey, state: &State) -> Result<Vec<u8>> {
    instance
        .ring
        .seal(&serde_json::to_vec(state)?, &resume_context(key))
        .map_err(|error| Error::new(ErrorKind::Internal, error))
}

/// Whether a stored state holds a walk that the next run can take up.
pub(super) fn is_walking(instance: &Instance, key: &FunctionKey, sealed: &[u8], tokens_only: bool) -> bool {
    let walk = read(instance, key, sealed).and_then(|state| state.walk);
    walk.is_some_and(|walk| walk.place.is_token() || !tokens_only)
}

fn read(instance: &Instance, key: &FunctionKey, sealed: &[u8]) -> Option<State> {
    let opened = instance.ring.open(sealed, &resume_context(key)).ok()?;
    serde_json::from_slice(&opened).ok()
}
