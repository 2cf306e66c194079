//! Paginated API whose contents the test changes: collections of records by id, with token pagination.
//!
//! `GET /{collection}?after=ID&limit=N` returns `{"items": […], "next": "ID" or null}`: the records after an id,
//! ordered by id. The token is an id, so a resumed walk misses no record that existed all the time, even if others were
//! added or removed meanwhile. Records are stored as the JSON text that is sent, so that they may be invalid.
//!
//! `GET /{collection}/changes?cursor=P&limit=N` returns `{"changes": […], "after": P, "done": true or false}`: the
//! records that changed after a position, in the order of their last changes, and `{"id": …}` for deleted ones.
//! `start=0` in place of the cursor reads all of them; a position that has expired is answered with 410.

mod feed;

use std::{
    collections::{BTreeMap, HashMap},
    ops::Bound,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    extract::{Path, Query, State},
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::get,
};

use self::feed::Feed;
use crate::{http_server::HttpServer, lock};

const PAGE_SIZE: usize = 100;

/// Records of a collection: JSON text by id.
pub type Collection = BTreeMap<String, String>;

/// A running API. It serves until it is dropped.
#[derive(Debug)]
pub struct Upstream {
    server: HttpServer,
    state: Arc<Mutex<ServerState>>,
}

#[derive(Debug, Default)]
struct ServerState {
    collections: HashMap<String, Collection>,
    /// Feeds by the name of their collection.
    feeds: HashMap<String, Feed>,
    /// Delay of each response.
    response_delay: Duration,
}

impl ServerState {
    /// Returns the feed of a collection, with all changes up to now.
    fn feed(&mut self, collection: &str) -> &mut Feed {
        let feed = self.feeds.entry(collection.to_owned()).or_default();
        feed.update(self.collections.entry(collection.to_owned()).or_default());
        feed
    }
}

impl Upstream {
    /// Starts a server without records on a free port of 127.0.0.1.
    #[expect(clippy::new_without_default, reason = "it listens on a port")]
    pub fn new() -> Self {
        let state = Arc::new(Mutex::new(ServerState::default()));
        let shared = Arc::clone(&state);
        let router = Router::new()
            .route("/{collection}", get(serve_page))
            .route("/{collection}/changes", get(serve_changes))
            .with_state(shared);
        let server = HttpServer::start(router);
        Self { server, state }
    }

    /// Base URL, without a trailing slash.
    pub fn url(&self) -> &str {
        self.server.url()
    }

    /// Changes a collection, which is created if needed.
    pub fn change(&self, collection: &str, change: impl FnOnce(&mut Collection)) {
        change(lock(&self.state).collections.entry(collection.to_owned()).or_default());
    }

    /// Returns a copy of a collection.
    pub fn collection(&self, name: &str) -> Collection {
        lock(&self.state).collections.get(name).cloned().unwrap_or_default()
    }

    /// Makes all positions of a collection's feed invalid. Its deleted records are forgotten.
    pub fn expire_positions(&self, collection: &str) {
        lock(&self.state).feed(collection).expire();
    }

    /// Returns the number of requests whose position had expired.
    pub fn refused_positions(&self, collection: &str) -> u64 {
        lock(&self.state).feed(collection).refused
    }

    /// Returns the id, the number of the last change and the JSON of each record of a collection's feed. A deleted
    /// record has no JSON.
    pub fn changes(&self, collection: &str) -> Vec<(String, u64, Option<String>)> {
        lock(&self.state).feed(collection).changes()
    }

    /// Forgets the requests of a collection's feed, for [`Self::first_position`].
    pub fn forget_first_request(&self, collection: &str) {
        lock(&self.state).feed(collection).forget_first_request();
    }

    /// Returns the number of the change at which the first request continued; `None` if it had no valid position.
    pub fn first_position(&self, collection: &str) -> Option<u64> {
        lock(&self.state).feed(collection).first_position()
    }

    /// Delays each later response by this duration.
    pub fn set_response_delay(&self, delay: Duration) {
        lock(&self.state).response_delay = delay;
    }
}

async fn serve_page(
    State(shared): State<Arc<Mutex<ServerState>>>,
    Path(collection): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let delay = lock(&shared).response_delay;
    tokio::time::sleep(delay).await;
    let limit = query.get("limit").and_then(|limit| limit.parse().ok()).unwrap_or(PAGE_SIZE);
    let after = query.get("after").map_or(Bound::Unbounded, |after| Bound::Excluded(after.clone()));
    let body = {
        let state = lock(&shared);
        let all = state.collections.get(&collection);
        let mut rest = all.into_iter().flat_map(|all| all.range((after.clone(), Bound::Unbounded)));
        let page: Vec<_> = rest.by_ref().take(limit).collect();
        let has_more = rest.next().is_some();
        let next =
            page.last().filter(|_| has_more).map_or("null".to_owned(), |(id, _)| serde_json::json!(id).to_string());
        let items: Vec<&str> = page.into_iter().map(|(_, text)| text.as_str()).collect();
        format!("{{\"items\":[{}],\"next\":{next}}}", items.join(","))
    };
    ([(CONTENT_TYPE, "application/json")], body).into_response()
}

async fn serve_changes(
    State(shared): State<Arc<Mutex<ServerState>>>,
    Path(collection): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let delay = lock(&shared).response_delay;
    tokio::time::sleep(delay).await;
    let limit = query.get("limit").and_then(|limit| limit.parse().ok()).unwrap_or(PAGE_SIZE);
    let position = query.get("cursor").map(|cursor| cursor.strip_prefix('c').and_then(|number| number.parse().ok()));
    let position: Option<u64> = match (position, query.contains_key("start")) {
        (Some(Some(position)), false) => Some(position),
        (None, true) => None,
        _ => return StatusCode::BAD_REQUEST.into_response(),
    };
    let page = lock(&shared).feed(&collection).page(position, limit);
    match page {
        Some(body) => ([(CONTENT_TYPE, "application/json")], body).into_response(),
        None => StatusCode::GONE.into_response(),
    }
}
