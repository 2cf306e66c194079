//! Paginated API whose contents the test changes: collections of records by id, with token pagination.
//!
//! `GET /{collection}?after=ID&limit=N` returns `{"items": […], "next": "ID" or null}`: the records after an id,
//! ordered by id. The token is an id, so a resumed walk misses no record that existed all the time, even if others were
//! added or removed meanwhile. Records are stored as the JSON text that is sent, so that they may be invalid.

use std::{
    collections::{BTreeMap, HashMap},
    ops::Bound,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    extract::{Path, Query, State},
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
    routing::get,
};

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
    /// Delay of each response.
    response_delay: Duration,
}

impl Upstream {
    /// Starts a server without records on a free port of 127.0.0.1.
    #[expect(clippy::new_without_default, reason = "it listens on a port")]
    pub fn new() -> Self {
        let state = Arc::new(Mutex::new(ServerState::default()));
        let shared = Arc::clone(&state);
        let server = HttpServer::start(Router::new().route("/{collection}", get(serve_page)).with_state(shared));
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
