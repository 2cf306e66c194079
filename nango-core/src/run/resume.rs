//! The engine's own place inside a mapper's walk.
//!
//! Not a checkpoint: it may hold a provider's cursor or link, so it is sealed and never shown. It is written with each
//! page, dropped when the walk has ended, when what is walked has changed, or when it is older than a day.

use serde::{Deserialize, Serialize};

use super::Instance;
use crate::{
    error::{Error, ErrorKind, Result},
    nango::Context,
    paginate::Place,
    store::{FunctionKey, resume_context},
};

/// How long an interrupted walk may be taken up again, in microseconds.
const GOOD_FOR: i64 = 24 * 60 * 60 * 1_000_000;

/// What a mapper remembers between runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    /// The moment that the next run asks for, microseconds since 1970.
    pub(super) since: Option<i64>,
    /// When the last run that asked for everything began.
    pub(super) full_at: Option<i64>,
    /// The walk that did not come to its end.
    pub(super) walk: Option<Interrupted>,
}

/// A walk that did not come to its end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Interrupted {
    /// What was walked: another specification cannot go on from here.
    pub(super) spec: String,
    /// When its first attempt began, microseconds since 1970.
    pub(super) started_at: i64,
    /// The moment that it asked for.
    pub(super) since: Option<i64>,
    /// The moment that the next run will ask for if this walk comes to its end.
    pub(super) next_since: Option<i64>,
    /// Whether a record was left out because it did not fit.
    pub(super) left_out: bool,
    /// Pages that were read.
    pub(super) pages: u64,
    /// Records that were read.
    #[serde(default)]
    pub(super) records: u64,
    /// The number of its scan.
    pub(super) scan: Option<i64>,
    /// Where it goes on.
    pub(super) place: Place,
}

impl State {
    /// The walk to take up again, if it may be.
    pub(super) fn take_up(&mut self, spec: &str, now: i64, tokens_only: bool) -> Option<Interrupted> {
        self.walk
            .take()
            .filter(|walk| walk.spec == spec && now - walk.started_at < GOOD_FOR)
            .filter(|walk| walk.place.is_token() || !tokens_only)
    }

    /// Whether there is nothing to remember.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
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
