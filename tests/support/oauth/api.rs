//! An API behind an authorization server: it takes the newest good access token of a connection, and no other.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode, Uri, header::AUTHORIZATION, header::CONTENT_TYPE, header::WWW_AUTHENTICATE},
    response::{IntoResponse, Response},
};
use tokio::{net::TcpListener, task::JoinHandle};

use super::{Door, OAuth};
use crate::wait;

/// A running API. It serves until it is dropped.
#[derive(Debug)]
pub struct Api {
    url: String,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    door: Door,
    seen: Mutex<Seen>,
    refuses: AtomicBool,
}

/// What came so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Seen {
    /// Requests with a token that is good.
    pub accepted: usize,
    /// Requests that were answered with 401.
    pub refused: usize,
}

impl Api {
    /// Starts one on a free port of 127.0.0.1.
    ///
    /// `GET` of any path answers `{"path": …}` to a good bearer token, and 401 to all others.
    pub fn start(oauth: &OAuth) -> Self {
        let shared =
            Arc::new(Shared { door: oauth.door.clone(), seen: Mutex::default(), refuses: AtomicBool::new(false) });
        let state = Arc::clone(&shared);
        let (url, server) = wait(async move {
            let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
            let url = format!("http://{}", listener.local_addr().expect("an address"));
            let router = Router::new().fallback(enter).with_state(state);
            let server = tokio::spawn(async move { axum::serve(listener, router).await.expect("an accept loop") });
            (url, server)
        });
        Self { url, shared, server }
    }

    /// Where it listens, without a trailing slash.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What came so far.
    pub fn seen(&self) -> Seen {
        *lock(&self.shared.seen)
    }

    /// Refuses every token from now on, also a good one.
    pub fn refuse_all(&self) {
        self.shared.refuses.store(true, Ordering::Relaxed);
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn enter(State(api): State<Arc<Shared>>, uri: Uri, headers: HeaderMap) -> Response {
    let token = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let good = match token {
        Some(token) if !api.refuses.load(Ordering::Relaxed) => api.door.is_current(token).await,
        _ => false,
    };
    if good {
        lock(&api.seen).accepted += 1;
        let body = serde_json::json!({ "path": uri.path() }).to_string();
        ([(CONTENT_TYPE, "application/json")], body).into_response()
    } else {
        lock(&api.seen).refused += 1;
        let challenge = [(WWW_AUTHENTICATE, r#"Bearer error="invalid_token""#)];
        (StatusCode::UNAUTHORIZED, challenge, "the token is no good").into_response()
    }
}

fn lock(place: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    place.lock().unwrap_or_else(PoisonError::into_inner)
}
