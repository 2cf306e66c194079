//! Resume state of a mapper: its position within an interrupted walk, and the values on which the next run depends.
//!
//! The state is not a checkpoint: it may contain a cursor or link of the provider, so it is sealed and never shown. It
//! is written with each page. The position is dropped when the walk has ended, when the specification of the walk has
//! changed, or when its last page is older than a day.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{delta::DeltaState, runtime::Runtime};
use crate::{
    error::{Error, ErrorKind, Result},
    nango::Context,
    paginate::{FeedPosition, ResumePoint, WalkState},
    store::{FunctionKey, parent_context, resume_context},
    time::{Timestamp, micros},
};

/// Maximum age of the last page of an interrupted walk.
const MAX_RESUME_AGE: Duration = Duration::from_hours(24);

/// State of a mapper between runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct SyncState {
    /// Value of `since` of the last complete walk.
    #[serde(default, with = "micros::option")]
    pub(super) since: Option<Timestamp>,
    /// Value of `since` of the complete walk before it.
    #[serde(rename = "since_before", default, with = "micros::option")]
    pub(super) previous_since: Option<Timestamp>,
    /// Whether the last complete walk was position-based with several requests: the next run sends the previous value.
    #[serde(rename = "shifts")]
    pub(super) position_based: bool,
    /// Start time of the last run that read the complete list.
    #[serde(default, with = "micros::option")]
    pub(super) full_at: Option<Timestamp>,
    /// Fingerprint of the model's schema and of the sync's version at the last run.
    pub(super) schema: Option<String>,
    /// Walk that was not read to its end.
    pub(super) walk: Option<InterruptedWalk>,
    /// Position of the incremental feed after the last complete walk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) delta: Option<DeltaState>,
    /// Progress of a run over the lists of parents that has not ended. The state of each parent is a row of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) each: Option<EachProgress>,
}

/// Progress of a logical run over the lists of parents, which one or several runs continue until all parents are done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct EachProgress {
    /// Number of the logical run, which marks the parents that are done. Numbers increase.
    pub(super) number: i64,
    /// Fingerprint of the declaration. A run with another one starts over.
    #[serde(rename = "spec")]
    pub(super) fingerprint: String,
    /// Start time of its first run.
    #[serde(with = "micros")]
    pub(super) started_at: Timestamp,
    /// Time of the last stored progress.
    #[serde(with = "micros")]
    pub(super) last_page_at: Timestamp,
    /// Id up to which all parents are done.
    pub(super) after: Option<String>,
    /// Number of the scan of each model; empty if nothing is deleted.
    pub(super) scans: Vec<i64>,
    /// Whether all lists are read completely.
    pub(super) full: bool,
    /// Whether a parent was walked to its end.
    pub(super) walked: bool,
    /// Whether a parent was skipped.
    pub(super) skipped: bool,
}

/// Walk that was not read to its end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct InterruptedWalk {
    /// Fingerprint of the walk. A walk with another fingerprint cannot resume here.
    #[serde(rename = "spec")]
    pub(super) fingerprint: String,
    /// Start time of its first attempt.
    #[serde(with = "micros")]
    pub(super) started_at: Timestamp,
    /// Commit time of its last page.
    #[serde(default, with = "micros::option")]
    pub(super) last_page_at: Option<Timestamp>,
    /// Value of `since` that it sends.
    #[serde(default, with = "micros::option")]
    pub(super) since: Option<Timestamp>,
    /// Greatest value of the field that `since` reads.
    #[serde(default, with = "micros::option")]
    pub(super) next_since: Option<Timestamp>,
    /// Value of the `Date` header of its first response.
    #[serde(default, with = "micros::option")]
    pub(super) first_date: Option<Timestamp>,
    /// Whether a record was skipped whose id could not be read.
    #[serde(rename = "left_out")]
    pub(super) unread_id: bool,
    /// Number of read pages.
    pub(super) pages: u64,
    /// Number of its scan; of a mapper of several models, that of the first model.
    pub(super) scan: Option<i64>,
    /// Progress of the other models, in the order of their declaration.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) others: Vec<ModelWalk>,
    /// State of the walk after its last page.
    #[serde(default)]
    pub(super) memory: WalkState,
    /// Position of the incremental feed that it sends; `None` if it reads the complete list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) delta: Option<FeedPosition>,
    /// Position at which it resumes.
    #[serde(rename = "place")]
    pub(super) resume_point: ResumePoint,
}

/// Progress of a model of a mapper of several models, apart from the first model.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ModelWalk {
    /// Number of its scan.
    pub(super) scan: Option<i64>,
    /// Number of its records in the pages that were read.
    pub(super) records: u64,
    /// Whether a raw record was skipped whose records of this model are not known.
    #[serde(rename = "left_out")]
    pub(super) unread_id: bool,
}

impl InterruptedWalk {
    /// Returns the number of the scan of each model.
    pub(super) fn scans(&self) -> Vec<Option<i64>> {
        std::iter::once(self.scan).chain(self.others.iter().map(|model| model.scan)).collect()
    }
}

impl SyncState {
    /// Removes the interrupted walk, and returns it if it may be resumed.
    pub(super) fn take_resumable(&mut self, spec: &str, now: Timestamp, tokens_only: bool) -> Option<InterruptedWalk> {
        self.walk
            .take()
            .filter(|walk| {
                walk.fingerprint == spec && now < walk.last_page_at.unwrap_or(walk.started_at) + MAX_RESUME_AGE
            })
            .filter(|walk| walk.resume_point.is_token() || !tokens_only)
    }

    /// Removes the progress of the parents, and returns it if a run may continue it.
    pub(super) fn take_resumable_parents(&mut self, spec: &str, now: Timestamp) -> Option<EachProgress> {
        let is_resumable = |each: &EachProgress| each.fingerprint == spec && now < each.last_page_at + MAX_RESUME_AGE;
        self.each.take().filter(is_resumable)
    }

    /// Returns whether nothing needs to be stored. The fingerprint of the schema alone is not stored.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self { schema: self.schema.clone(), ..Self::default() }
    }
}

/// Opens the stored state. A state that cannot be decrypted or decoded is dropped with a warning in the log.
pub(super) fn open(runtime: &Runtime, context: &Context, sealed: Option<Vec<u8>>) -> SyncState {
    let Some(sealed) = sealed else { return SyncState::default() };
    decode(runtime, &resume_context(context.key()), &sealed).unwrap_or_else(|| {
        let message = "the resume point of the last walk cannot be decrypted with this key: starting over";
        context.log(crate::store::Level::Warn, message, serde_json::Value::Null);
        SyncState::default()
    })
}

/// Seals the state for storage.
pub(super) fn seal(runtime: &Runtime, key: &FunctionKey, state: &SyncState) -> Result<Vec<u8>> {
    seal_for(runtime, &resume_context(key), state)
}

/// Opens the stored state of a parent. A state that cannot be decrypted or decoded is dropped: the parent is read
/// completely.
pub(super) fn open_parent(runtime: &Runtime, key: &FunctionKey, id: &str, sealed: Option<&[u8]>) -> SyncState {
    sealed.and_then(|sealed| decode(runtime, &parent_context(key, id), sealed)).unwrap_or_default()
}

/// Seals the state of a parent for storage.
pub(super) fn seal_parent(runtime: &Runtime, key: &FunctionKey, id: &str, state: &SyncState) -> Result<Vec<u8>> {
    seal_for(runtime, &parent_context(key, id), state)
}

/// Returns whether a stored state contains a walk that the next run can resume.
pub(super) fn has_resumable_walk(runtime: &Runtime, key: &FunctionKey, sealed: &[u8], tokens_only: bool) -> bool {
    let Some(state) = decode(runtime, &resume_context(key), sealed) else { return false };
    state.each.is_some() || state.walk.is_some_and(|walk| walk.resume_point.is_token() || !tokens_only)
}

/// Returns the position of an interrupted walk that the next run can resume, as a text that is greater for a later
/// position of the same walk.
pub(super) fn mark(runtime: &Runtime, key: &FunctionKey, sealed: &[u8], tokens_only: bool) -> Option<String> {
    mark_of(&decode(runtime, &resume_context(key), sealed)?, tokens_only)
}

fn mark_of(state: &SyncState, tokens_only: bool) -> Option<String> {
    if let Some(each) = &state.each {
        // Parents are walked in the order of their ids.
        return Some(format!("{:020} {}", each.number, each.after.as_deref().unwrap_or_default()));
    }
    let walk = state.walk.as_ref().filter(|walk| walk.resume_point.is_token() || !tokens_only)?;
    Some(format!("{:020}", walk.pages))
}

fn decode(runtime: &Runtime, bound_to: &[u8], sealed: &[u8]) -> Option<SyncState> {
    let opened = runtime.ring.open(sealed, bound_to).ok()?;
    serde_json::from_slice(&opened).ok()
}

fn seal_for(runtime: &Runtime, bound_to: &[u8], state: &SyncState) -> Result<Vec<u8>> {
    let json = serde_json::to_vec(state)?;
    runtime.ring.seal(&json, bound_to).map_err(|error| Error::new(ErrorKind::Internal, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark_at(number: i64, after: Option<&str>) -> String {
        let each = EachProgress {
            number,
            fingerprint: String::new(),
            started_at: Timestamp::UNIX_EPOCH,
            last_page_at: Timestamp::UNIX_EPOCH,
            after: after.map(str::to_owned),
            scans: Vec::new(),
            full: true,
            walked: true,
            skipped: false,
        };
        mark_of(&SyncState { each: Some(each), ..SyncState::default() }, false).unwrap()
    }

    #[test]
    fn mark_of_parents_grows_with_their_ids() {
        let ids = [None, Some("1"), Some("10"), Some("2"), Some("a b"), Some("a!"), Some("é")];
        for pair in ids.windows(2) {
            assert!(mark_at(1, pair[0]) < mark_at(1, pair[1]), "{pair:?}");
        }
        assert!(mark_at(1, Some("z")) < mark_at(2, None), "the next logical run");
    }
}
