//! API with an incremental feed: its list, its positions, and its faults.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::header::HeaderMap;
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::super::trace::Trace;
use crate::{
    declare::{Delta, DeltaPosition, InitialValues, Paginate},
    http::{RawResponse, TransportError},
    rng::Rng,
};

/// Number of records of a page.
const LIMIT: usize = 5;

/// Form of the positions and pages of the feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FeedForm {
    /// The position is the cursor of the pages, until a flag is true.
    Stream,
    /// Pages have a token, and the last one has the position.
    Pages,
    /// Pages and positions are links.
    Links,
    /// The feed has no pages.
    Single,
}

impl FeedForm {
    pub(super) const ALL: [Self; 4] = [Self::Stream, Self::Pages, Self::Links, Self::Single];

    /// Returns the declaration of the feed and of its pages.
    pub(super) fn declaration(self) -> (Delta, Paginate) {
        let token = DeltaPosition::Param { param: "sync", path: "position" };
        let (position, end, paginate) = match self {
            Self::Stream => (token, Some("done"), Paginate::provider()),
            Self::Pages => (token, None, Paginate::cursor("page", "next")),
            Self::Links => (DeltaPosition::Link { path: "position" }, None, Paginate::link_in_body("next")),
            Self::Single => (token, None, Paginate::provider()),
        };
        let initial = Some(InitialValues::Metadata(|_, values| values.add("start", &0)));
        let delta = Delta { position, initial, initial_names: &["start"], end, expired: Delta::EXPIRED };
        (delta, paginate.response_path("items"))
    }
}

/// Misbehaviour in one response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Broken,
    Failed,
    Expired,
    Partial,
    NoPosition,
    NoEndFlag,
    HalfBody,
    ErrorOnly,
}

const FAULTS: [Fault; 8] = [
    Fault::Broken,
    Fault::Failed,
    Fault::Expired,
    Fault::Partial,
    Fault::NoPosition,
    Fault::NoEndFlag,
    Fault::HalfBody,
    Fault::ErrorOnly,
];

/// Record of the API, or its tombstone.
#[derive(Debug, Clone)]
struct Entry {
    id: u64,
    version: u64,
    /// Number of its last change.
    change: u64,
    deleted: bool,
}

impl Entry {
    fn json(&self) -> Value {
        if self.deleted { json!({ "id": self.id }) } else { json!({ "id": self.id, "version": self.version }) }
    }
}

#[derive(Debug)]
pub(super) struct FeedApi {
    pub(super) rng: Rng,
    form: FeedForm,
    entries: BTreeMap<u64, Entry>,
    /// Ids of records that were deleted at any time.
    pub(super) deleted: BTreeSet<u64>,
    /// Number of the last change.
    last_change: u64,
    /// Tombstones up to this change no longer exist.
    oldest: u64,
    /// Number of times that all positions expired. A position of an earlier generation is refused.
    generation: u64,
    pub(super) change_percent: u64,
    pub(super) fault_percent: u64,
    /// Number of requests after which the run is cancelled.
    pub(super) cancel_after: Option<(u64, CancellationToken)>,
    pub(super) expired_at_start: u64,
    pub(super) expired_later: u64,
    pub(super) full_walks: u64,
    /// Number of requests of the current run.
    pub(super) requests: u64,
    pub(super) trace: Trace,
}

/// Number of a change, and the generation in which it became a position.
#[derive(Debug, Clone, Copy)]
struct Position {
    change: u64,
    generation: u64,
}

impl Position {
    /// Reads `s7g1`: change 7, generation 1.
    fn read(text: &str) -> Self {
        let (change, generation) = text.trim_start_matches('s').split_once('g').unwrap();
        Self { change: change.parse().unwrap(), generation: generation.parse().unwrap() }
    }

    fn written(self) -> String {
        format!("s{}g{}", self.change, self.generation)
    }
}

/// Position and page that a request asks for.
struct Asked {
    /// Position after which changes are requested; `None` for the complete list.
    after: Option<Position>,
    /// Key of the last record of the page before: a change, or an id in the complete list.
    page: Option<u64>,
    /// Last change when the complete list was first requested.
    started: Position,
}

impl FeedApi {
    pub(super) fn new(mut rng: Rng, form: FeedForm) -> Self {
        let size = 10 + rng.index(20);
        let mut api = Self {
            rng,
            form,
            entries: BTreeMap::new(),
            deleted: BTreeSet::new(),
            last_change: 0,
            oldest: 0,
            generation: 0,
            change_percent: 0,
            fault_percent: 0,
            cancel_after: None,
            expired_at_start: 0,
            expired_later: 0,
            full_walks: 0,
            requests: 0,
            trace: Trace::default(),
        };
        (1..=size as u64).for_each(|id| api.write(id, false));
        api
    }

    /// Returns the number of the last change of any record.
    pub(super) fn last_change(&self) -> u64 {
        self.last_change
    }

    /// Returns whether a record has changed since a change of this number.
    pub(super) fn has_changed_since(&self, id: u64, change: u64) -> bool {
        self.entries.get(&id).is_some_and(|entry| entry.change > change)
    }

    /// Returns the versions of the existing records.
    pub(super) fn live(&self) -> BTreeMap<u64, u64> {
        self.entries.values().filter(|entry| !entry.deleted).map(|entry| (entry.id, entry.version)).collect()
    }

    fn write(&mut self, id: u64, deleted: bool) {
        self.last_change += 1;
        let change = self.last_change;
        let version = self.entries.get(&id).map_or(0, |entry| entry.version) + 1;
        if deleted {
            self.deleted.insert(id);
        }
        self.entries.insert(id, Entry { id, version, change, deleted });
    }

    /// Deletes, restores, inserts and updates records, each with this probability in percent.
    fn change(&mut self, percent: u64) {
        let ids: Vec<u64> = self.entries.keys().copied().collect();
        for deleted in [true, false, false] {
            if self.rng.percent(percent) {
                let id = *self.rng.choose(&ids);
                self.write(id, deleted);
            }
        }
        if self.rng.percent(percent) {
            self.write(ids.last().map_or(1, |last| last + 1), false);
        }
    }

    /// Makes all positions expire: the tombstones before them are no longer listed.
    pub(super) fn expire(&mut self) {
        self.trace.add("positions expire".to_owned());
        self.oldest = self.last_change;
        self.generation += 1;
    }

    pub(super) fn respond(&mut self, url: &Url) -> Result<RawResponse, TransportError> {
        self.requests += 1;
        if let Some((left, cancellation)) = &mut self.cancel_after {
            *left = left.saturating_sub(1);
            if *left == 0 {
                cancellation.cancel();
            }
        }
        let reply = self.reply(url);
        let shown = match &reply {
            Ok((status, body)) => format!("{status} {}", String::from_utf8_lossy(body)),
            Err(error) => error.to_string(),
        };
        self.trace.add(format!("{url} → {shown}"));
        self.change(self.change_percent);
        if self.change_percent > 0 && self.rng.percent(8) {
            self.expire();
        }
        reply.map(|(status, body)| RawResponse::from_bytes(status, HeaderMap::new(), body))
    }

    fn reply(&mut self, url: &Url) -> Result<(u16, Vec<u8>), TransportError> {
        let fault = self.rng.percent(self.fault_percent).then(|| *self.rng.choose(&FAULTS));
        let asked = self.asked(url);
        match fault {
            Some(Fault::Broken) => return Err(TransportError::Disconnected("closed".into())),
            Some(Fault::Failed) => return Ok((500, b"{}".to_vec())),
            Some(Fault::ErrorOnly) => return Ok((200, br#"{"error":{"message":"internal"}}"#.to_vec())),
            _ => {}
        }
        if let Some(after) =
            asked.after.filter(|after| after.generation < self.generation || fault == Some(Fault::Expired))
        {
            let later = self.requests > 1 || asked.page.is_some();
            self.expired_at_start += u64::from(!later);
            self.expired_later += u64::from(later);
            self.trace.add(format!("{after:?} has expired"));
            return Ok((410, br#"{"message":"gone"}"#.to_vec()));
        }
        self.full_walks += u64::from(asked.after.is_none() && asked.page.is_none());
        Ok(self.page(&asked, fault))
    }

    /// Reads a request, and verifies its parameters.
    fn asked(&self, url: &Url) -> Asked {
        let query: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
        let after = query.get("sync").map(|text| Position::read(text));
        let now = Position { change: self.last_change, generation: self.generation };
        let page = query.get("page").map(|text| text.split_once('.').unwrap());
        let is_followed_link = self.form == FeedForm::Links && page.is_some();
        assert_eq!(query.contains_key("start"), after.is_none() && !is_followed_link, "{url}");
        Asked {
            after,
            page: page.map(|(key, _)| key.trim_start_matches('p').parse().unwrap()),
            started: page.map_or(now, |(_, started)| Position::read(started)),
        }
    }

    fn page(&mut self, asked: &Asked, fault: Option<Fault>) -> (u16, Vec<u8>) {
        // The complete list of a stream is ordered by changes, and has tombstones.
        let by_change = asked.after.is_some() || self.form == FeedForm::Stream;
        let mut rest: Vec<Entry> = self.entries.values().filter(|entry| by_change || !entry.deleted).cloned().collect();
        let key = |entry: &Entry| if by_change { entry.change } else { entry.id };
        rest.sort_by_key(key);
        let from = asked.page.or(asked.after.map(|after| after.change)).unwrap_or(0);
        rest.retain(|entry| key(entry) > from && !(entry.deleted && entry.change <= self.oldest));
        let length = if self.form == FeedForm::Single { rest.len() } else { rest.len().min(LIMIT) };
        let is_last = length == rest.len();
        let shown = &rest[..length];
        let last = shown.last().map_or(from, key);
        let mut items = Vec::new();
        for entry in shown {
            // A feed may list an earlier change of a record before its last one.
            if by_change && self.rng.percent(10) {
                let earlier = Entry { deleted: self.rng.percent(50), version: entry.version - 1, ..entry.clone() };
                items.push(earlier.json());
            }
            items.push(entry.json());
        }
        let mut fields = Map::new();
        let now = Position { change: last, generation: self.generation };
        let position = if by_change { now } else { asked.started }.written();
        if (is_last || self.form == FeedForm::Stream) && fault != Some(Fault::NoPosition) {
            fields.insert("position".into(), self.written(&format!("sync={position}")));
        }
        if !is_last {
            let page = format!("page=p{last}.{}", asked.started.written());
            let sync = asked.after.map_or_else(String::new, |after| format!("&sync={}", after.written()));
            fields.insert("next".into(), self.written(&format!("{page}{sync}")));
        }
        if fault != Some(Fault::NoEndFlag) {
            fields.insert("done".into(), is_last.into());
        }
        fields.insert("items".into(), items.into());
        let mut body = Value::Object(fields).to_string().into_bytes();
        if fault == Some(Fault::HalfBody) {
            body.truncate(body.len() / 2);
        }
        (if fault == Some(Fault::Partial) { 206 } else { 200 }, body)
    }

    /// Returns a position or a page token as a link or as the value of its parameter.
    fn written(&self, query: &str) -> Value {
        match self.form {
            FeedForm::Links => format!("https://api.test/feed?{query}").into(),
            _ => query.split('&').next().and_then(|pair| pair.split_once('=')).map(|(_, value)| value).into(),
        }
    }
}
