//! An API of the test's own: collections of records by id, in pages behind a token, that the test changes at will.
//!
//! `GET /{collection}?after=ID&limit=N` answers `{"items": […], "next": "ID" or null}`: the records behind an id, in the
//! order of their ids. The token is an id, so a walk that goes on later misses nothing that was there all the time,
//! whatever came or went meanwhile. Records are kept as the JSON text that is sent, so that they may be wrong.

use std::{
    collections::{BTreeMap, HashMap},
    net::SocketAddr,
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    extract::{Path, Query, State},
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
    routing::get,
};
use tokio::{net::TcpListener, task::JoinHandle};

use crate::wait;

const PAGE_SIZE: usize = 100;

/// The records of a collection: the JSON text by id.
pub type Collection = BTreeMap<String, String>;

/// A running API. It serves until it is dropped.
#[derive(Debug)]
pub struct Upstream {
    url: String,
    state: Arc<Mutex<ServerState>>,
    server: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct ServerState {
    collections: HashMap<String, Collection>,
    /// How long each page takes.
    response_delay: Duration,
}

impl Upstream {
    /// Starts one without records on a free port of 127.0.0.1.
    #[expect(clippy::new_without_default, reason = "it listens on a port")]
    pub fn new() -> Self {
        let state = Arc::new(Mutex::new(ServerState::default()));
        let shared = Arc::clone(&state);
        let (url, server) = wait(async move {
            let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.expect("a free port");
            let url = format!("http://{}", listener.local_addr().expect("an address"));
            let router = Router::new().route("/{collection}", get(serve_page)).with_state(shared);
            let server = tokio::spawn(async move { axum::serve(listener, router).await.expect("an accept loop") });
            (url, server)
        });
        Self { url, state, server }
    }

    /// Where it listens, without a trailing slash.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Changes a collection.
    pub fn change(&self, collection: &str, change: impl FnOnce(&mut Collection)) {
        change(lock(&self.state).collections.entry(collection.to_owned()).or_default());
    }

    /// A collection as it is now.
    pub fn collection(&self, name: &str) -> Collection {
        lock(&self.state).collections.get(name).cloned().unwrap_or_default()
    }

    /// Lets each page take so long from now on.
    pub fn set_response_delay(&self, pause: Duration) {
        lock(&self.state).response_delay = pause;
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve_page(
    State(stock): State<Arc<Mutex<ServerState>>>,
    Path(collection): Path<String>,
    Query(asked): Query<HashMap<String, String>>,
) -> Response {
    let pause = lock(&stock).response_delay;
    tokio::time::sleep(pause).await;
    let limit = asked.get("limit").and_then(|limit| limit.parse().ok()).unwrap_or(PAGE_SIZE);
    let after = asked.get("after").map_or(Bound::Unbounded, |after| Bound::Excluded(after.clone()));
    let body = {
        let state = lock(&stock);
        let all = state.collections.get(&collection);
        let mut rest = all.into_iter().flat_map(|all| all.range((after.clone(), Bound::Unbounded)));
        let page: Vec<_> = rest.by_ref().take(limit).collect();
        let more = rest.next().is_some();
        let next = page.last().filter(|_| more).map_or("null".to_owned(), |(id, _)| serde_json::json!(id).to_string());
        let items: Vec<&str> = page.into_iter().map(|(_, text)| text.as_str()).collect();
        format!("{{\"items\":[{}],\"next\":{next}}}", items.join(","))
    };
    ([(CONTENT_TYPE, "application/json")], body).into_response()
}

fn lock(state: &Mutex<ServerState>) -> MutexGuard<'_, ServerState> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
