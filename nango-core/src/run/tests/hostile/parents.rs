//! Parents that appear, vanish, refuse and fail while the lists of their children change, with each `on_parent_error`,
//! with and without feeds whose positions expire between runs and in the middle of one.
//!
//! Verified properties: no existing child is a tombstone, unless it moved to another parent during the run; without
//! changes and faults, the children in the cache are those of the API.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use reqwest::header::HeaderMap;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{
    super::{Fixture, parents::Messages},
    reply::query,
};
use crate::{
    declare::OnParentError,
    http::{BoxFuture, OutgoingRequest, RawResponse, Transport, TransportError},
    rng::{self, Rng},
    run::{NoopObserver, RunReport, RunRequest, Target, execute},
    store::{LastAction, RunStatus},
};

/// Number of children in a page.
const PAGE: usize = 3;

/// API whose parents have lists of their own.
#[derive(Debug)]
struct ParentsApi {
    rng: Rng,
    /// Children of each parent.
    lists: BTreeMap<String, BTreeSet<String>>,
    /// Parents whose lists may not be read, and the status of the refusal.
    refused: BTreeMap<String, u16>,
    /// Whether the lists have feeds. Their children do not move then: two feeds list a move in any order.
    has_feeds: bool,
    /// Changes of the list of each parent: number, child, and whether it was removed.
    feeds: BTreeMap<String, Vec<(u64, String, bool)>>,
    /// Number of the last change.
    last_change: u64,
    /// Positions before this change have expired.
    oldest: u64,
    /// Number of requests whose position had expired.
    expired: u64,
    /// Number of requests of changes after a valid position.
    continued: u64,
    /// Children that moved to another parent since the last verified run.
    moved: BTreeSet<String>,
    next_id: u64,
    change_percent: u64,
    fault_percent: u64,
    /// Number of requests after which the run is cancelled.
    cancel_after: Option<(u64, CancellationToken)>,
    faults: u64,
}

impl ParentsApi {
    fn new(seed: u64, has_feeds: bool) -> Self {
        let (lists, refused, moved) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
        let rng = Rng::new(seed);
        let mut api = Self {
            rng,
            lists,
            refused,
            has_feeds,
            feeds: BTreeMap::new(),
            last_change: 0,
            oldest: 0,
            expired: 0,
            continued: 0,
            moved,
            next_id: 0,
            change_percent: 0,
            fault_percent: 0,
            cancel_after: None,
            faults: 0,
        };
        (0..6).for_each(|_| api.add_parent());
        api
    }

    fn next_id(&mut self) -> String {
        self.next_id += 1;
        format!("m{:06}", self.next_id)
    }

    fn add_parent(&mut self) {
        let name = format!("c{}", self.rng.below(1_000_000));
        let children = self.rng.below(12);
        let children = (0..children).map(|_| self.next_id()).collect();
        self.lists.insert(name, children);
    }

    fn any_parent(&mut self) -> String {
        let at = self.rng.index(self.lists.len());
        self.lists.keys().nth(at).unwrap().clone()
    }

    fn add_change(&mut self, parent: String, id: String, is_removed: bool) {
        self.last_change += 1;
        self.feeds.entry(parent).or_default().push((self.last_change, id, is_removed));
    }

    /// Makes all positions invalid.
    fn expire(&mut self) {
        self.last_change += 1;
        self.oldest = self.last_change;
    }

    /// Adds, removes or moves a child, each with the probability of a change. Seldom, a parent vanishes, or the
    /// positions expire.
    fn change(&mut self) {
        if self.rng.percent(self.change_percent) {
            let (parent, id) = (self.any_parent(), self.next_id());
            self.lists.get_mut(&parent).unwrap().insert(id.clone());
            self.add_change(parent, id, false);
        }
        if self.rng.percent(self.change_percent) {
            let parent = self.any_parent();
            if let Some(id) = self.lists.get_mut(&parent).unwrap().pop_first() {
                self.add_change(parent, id, true);
            }
        }
        if self.rng.percent(self.change_percent / 10) && self.lists.len() > 4 {
            let parent = self.any_parent();
            self.lists.remove(&parent);
        }
        if self.rng.percent(self.change_percent / 5) {
            self.expire();
        }
        if !self.has_feeds && self.rng.percent(self.change_percent) {
            let (from, to) = (self.any_parent(), self.any_parent());
            if let Some(id) = self.lists.get_mut(&from).unwrap().pop_last() {
                self.lists.get_mut(&to).unwrap().insert(id.clone());
                self.moved.insert(id);
            }
        }
    }

    /// Adds and removes parents, and changes which ones refuse.
    fn change_parents(&mut self) {
        if self.rng.percent(40) {
            self.add_parent();
        }
        if self.rng.percent(40) && self.lists.len() > 4 {
            let parent = self.any_parent();
            self.lists.remove(&parent);
        }
        let names: Vec<String> = self.lists.keys().cloned().collect();
        self.refused.clear();
        for name in names {
            if self.rng.percent(20) {
                self.refused.insert(name, *self.rng.choose(&[403, 404, 410]));
            }
        }
        if self.rng.percent(25) {
            self.expire();
        }
    }

    fn respond(&mut self, url: &Url) -> (u16, String) {
        if let Some((left, cancellation)) = &mut self.cancel_after {
            *left -= 1;
            if *left == 0 {
                cancellation.cancel();
                self.cancel_after = None;
            }
        }
        self.change();
        if url.path() == "/channels" {
            let items: Vec<_> = self.lists.keys().map(|id| json!({ "id": id })).collect();
            return (200, json!({ "items": items }).to_string());
        }
        if self.rng.percent(self.fault_percent) {
            self.faults += 1;
            return (500, "{}".to_owned());
        }
        let parent = url.path().trim_start_matches("/messages/");
        let Some(list) = self.lists.get(parent) else { return (404, "{}".to_owned()) };
        if let Some(status) = self.refused.get(parent) {
            return (*status, "{}".to_owned());
        }
        if let Some(position) = query(url, "sync") {
            return self.changes(parent, position.parse().unwrap(), url);
        }
        // A page token has the number of the last change at the first page.
        let page = query(url, "page");
        let page = page.as_deref().map(|page| page.trim_start_matches("after-").split_once('.').unwrap());
        let started = page.map_or(self.last_change, |(_, started)| started.parse().unwrap());
        let after = page.map(|(after, _)| after.to_owned());
        let mut rest = list.iter().filter(|id| after.as_deref().is_none_or(|after| id.as_str() > after));
        let page: Vec<&String> = rest.by_ref().take(PAGE).collect();
        let next = page.last().filter(|_| rest.next().is_some()).map(|id| format!("after-{id}.{started}"));
        let items: Vec<_> = page.iter().map(|id| json!({ "id": id })).collect();
        let position = if next.is_none() { json!(format!("{started}")) } else { json!(null) };
        (200, json!({ "items": items, "next": next, "position": position }).to_string())
    }

    /// Responds with a page of the changes of a list after a position.
    fn changes(&mut self, parent: &str, position: u64, url: &Url) -> (u16, String) {
        if position < self.oldest {
            self.expired += 1;
            return (410, "{}".to_owned());
        }
        self.continued += 1;
        let from = query(url, "page").map_or(position, |page| page.trim_start_matches("change-").parse().unwrap());
        let changes = self.feeds.get(parent).into_iter().flatten();
        let mut rest = changes.filter(|(number, ..)| *number > from);
        let page: Vec<_> = rest.by_ref().take(PAGE).collect();
        let last = page.last().map_or(from, |(number, ..)| *number);
        let next = rest.next().map(|_| format!("change-{last}"));
        let position = if next.is_none() { json!(format!("{last}")) } else { json!(null) };
        let items: Vec<_> = page.iter().map(|(_, id, removed)| json!({ "id": id, "deleted": removed })).collect();
        (200, json!({ "items": items, "next": next, "position": position }).to_string())
    }

    fn children(&self) -> BTreeSet<String> {
        self.lists.values().flatten().cloned().collect()
    }
}

/// Transport of the API.
#[derive(Debug, Clone)]
struct ParentsTransport(Arc<Mutex<ParentsApi>>);

impl Transport for ParentsTransport {
    fn send(&self, request: OutgoingRequest) -> BoxFuture<'_, Result<RawResponse, TransportError>> {
        Box::pin(async move {
            let (_, url, _, _) = request.into_parts()?;
            // Other walks proceed meanwhile.
            tokio::task::yield_now().await;
            let (status, body) = self.0.lock().unwrap().respond(&url);
            Ok(RawResponse::from_bytes(status, HeaderMap::new(), body.into_bytes()))
        })
    }
}

/// Runs of one case, and what they found.
struct Case {
    seed: u64,
    fixture: Fixture,
    api: ParentsTransport,
    resumed: u64,
    deleted: u64,
}

impl Case {
    async fn new(seed: u64) -> Self {
        let has_feeds = seed % 2 == 1;
        let api = ParentsTransport(Arc::new(Mutex::new(ParentsApi::new(seed, has_feeds))));
        let at_once = 1 + usize::try_from(seed % 5).unwrap();
        let on_errors = [OnParentError::Standard, OnParentError::Skip, OnParentError::Fail];
        let on_error = on_errors[usize::try_from(seed / 2 % 3).unwrap()];
        let messages = Messages::of_channels().at_once(at_once).on_error(on_error).with_delta(has_feeds);
        let fixture = messages.fixture(&[]).await.with_transport(Arc::new(api.clone()));
        Self { seed, fixture, api, resumed: 0, deleted: 0 }
    }

    async fn run(&self, sync: &str, cancellation: CancellationToken) -> RunReport {
        let request = RunRequest { allow_deletes: true, ..Fixture::request(Target::Sync(sync.into())) };
        execute(&self.fixture.runtime, request, cancellation, Arc::new(NoopObserver)).await.unwrap()
    }

    async fn rows(&self) -> (BTreeSet<String>, BTreeSet<String>) {
        let rows = self.fixture.records("Message").await;
        let (dead, live): (Vec<_>, Vec<_>) = rows.into_iter().partition(|(_, last)| *last == LastAction::Deleted);
        let ids = |rows: Vec<(String, LastAction)>| rows.into_iter().map(|(id, _)| id).collect();
        (ids(live), ids(dead))
    }

    /// Runs the sync of the parents and that of their children while the API changes and fails.
    async fn run_with_changes(&mut self) {
        for _ in 0..8 {
            let cancellation = CancellationToken::new();
            {
                let mut api = self.api.0.lock().unwrap();
                api.change_parents();
                (api.change_percent, api.fault_percent) = (0, 0);
            }
            let parents = self.run("channels", CancellationToken::new()).await;
            assert_eq!(parents.status, RunStatus::Success, "{:?}", parents.error);
            {
                let mut api = self.api.0.lock().unwrap();
                (api.change_percent, api.fault_percent) = (20, api.rng.below(2) * 10);
                api.cancel_after =
                    if api.rng.percent(25) { Some((1 + api.rng.below(12), cancellation.clone())) } else { None };
            }
            let report = self.run("messages", cancellation).await;
            let (_, dead) = self.rows().await;
            let mut api = self.api.0.lock().unwrap();
            let wrong: Vec<_> =
                dead.intersection(&api.children()).filter(|id| !api.moved.contains(*id)).cloned().collect();
            assert!(wrong.is_empty(), "NANGO_TEST_SEED={}: {wrong:?} exist and are tombstones", self.seed);
            self.resumed += u64::from(report.resumable);
            self.deleted = self.deleted.max(dead.len() as u64);
            api.cancel_after = None;
        }
    }

    /// Runs without changes until the cache has the children of the API.
    async fn run_without_changes(&mut self) {
        {
            let mut api = self.api.0.lock().unwrap();
            (api.change_percent, api.fault_percent) = (0, 0);
            api.refused.clear();
        }
        // The first run may end a logical run that began before the last changes.
        for _ in 0..2 {
            for sync in ["channels", "messages"] {
                let report = self.run(sync, CancellationToken::new()).await;
                assert_eq!(report.status, RunStatus::Success, "NANGO_TEST_SEED={}: {:?}", self.seed, report.error);
            }
        }
        let (live, _) = self.rows().await;
        assert_eq!(live, self.api.0.lock().unwrap().children(), "NANGO_TEST_SEED={}", self.seed);
    }
}

#[tokio::test]
async fn walks_of_parents_over_a_hostile_api_delete_no_existing_child() {
    let first = rng::seed();
    println!("NANGO_TEST_SEED={first}");
    let cases = if rng::is_long_run() { 1_000 } else { 20 };
    let (mut resumed, mut deleted, mut faults, mut expired, mut continued) = (0, 0, 0, 0, 0);
    for seed in first..first + cases {
        let mut case = Case::new(seed).await;
        case.run_with_changes().await;
        case.run_without_changes().await;
        (resumed, deleted) = (resumed + case.resumed, deleted + case.deleted);
        let api = case.api.0.lock().unwrap();
        (faults, expired, continued) = (faults + api.faults, expired + api.expired, continued + api.continued);
    }
    println!(
        "{cases} cases: {resumed} resumed runs, {deleted} deletes, {faults} faults, {expired} expired positions, \
         {continued} requests of changes"
    );
    assert!(resumed > 0 && deleted > 0 && faults > 0, "{resumed} {deleted} {faults}");
    assert!(expired > 0 && continued > 0, "{expired} {continued}");
}
