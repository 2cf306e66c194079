//! Parents that appear, vanish, refuse and fail while the lists of their children change.
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
    /// Parents whose lists may not be read.
    refused: BTreeSet<String>,
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
    fn new(seed: u64) -> Self {
        let (lists, refused, moved) = (BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
        let rng = Rng::new(seed);
        let mut api = Self {
            rng,
            lists,
            refused,
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

    /// Adds, removes or moves a child, each with the probability of a change.
    fn change(&mut self) {
        if self.rng.percent(self.change_percent) {
            let (parent, id) = (self.any_parent(), self.next_id());
            self.lists.get_mut(&parent).unwrap().insert(id);
        }
        if self.rng.percent(self.change_percent) {
            let parent = self.any_parent();
            self.lists.get_mut(&parent).unwrap().pop_first();
        }
        if self.rng.percent(self.change_percent) {
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
        self.refused = names.into_iter().filter(|_| self.rng.percent(20)).collect();
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
        if self.refused.contains(parent) {
            return (403, "{}".to_owned());
        }
        let after = query(url, "page").map(|page| page.trim_start_matches("after-").to_owned());
        let mut rest = list.iter().filter(|id| after.as_deref().is_none_or(|after| id.as_str() > after));
        let page: Vec<&String> = rest.by_ref().take(PAGE).collect();
        let next = page.last().filter(|_| rest.next().is_some()).map(|id| format!("after-{id}"));
        let items: Vec<_> = page.iter().map(|id| json!({ "id": id })).collect();
        (200, json!({ "items": items, "next": next }).to_string())
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
        let api = ParentsTransport(Arc::new(Mutex::new(ParentsApi::new(seed))));
        let at_once = 1 + usize::try_from(seed % 5).unwrap();
        let messages = Messages::of_channels().at_once(at_once);
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
    let (mut resumed, mut deleted, mut faults) = (0, 0, 0);
    for seed in first..first + cases {
        let mut case = Case::new(seed).await;
        case.run_with_changes().await;
        case.run_without_changes().await;
        (resumed, deleted) = (resumed + case.resumed, deleted + case.deleted);
        faults += case.api.0.lock().unwrap().faults;
    }
    println!("{cases} cases: {resumed} resumed runs, {deleted} deletes, {faults} faults");
    assert!(resumed > 0 && deleted > 0 && faults > 0, "{resumed} {deleted} {faults}");
}
