//! An API behind an authorization server: it takes the newest good access token of a connection, and no other.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode, Uri, header::AUTHORIZATION, header::CONTENT_TYPE, header::WWW_AUTHENTICATE},
    response::{IntoResponse, Response},
};
use tokio::{net::TcpListener, sync::Notify, task::JoinHandle};

use super::{Door, OAuth};
use crate::wait;

/// So long the first of a crowd waits for the others; then those who came are let in.
const PATIENCE: Duration = Duration::from_secs(5);

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
    crowd: Mutex<Option<usize>>,
    arrived: Notify,
    refuses: AtomicBool,
}

/// What came so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Seen {
    /// Requests with a token that is good.
    pub accepted: usize,
    /// Requests that were answered with 401.
    pub refused: usize,
    /// The most that were there at the same moment.
    pub at_once: usize,
    /// Those that are there now.
    pub present: usize,
}

impl Api {
    /// Starts one on a free port of 127.0.0.1.
    ///
    /// `GET` of any path answers `{"path": …}` to a good bearer token, and 401 to all others.
    pub fn start(oauth: &OAuth) -> Self {
        let shared = Arc::new(Shared {
            door: oauth.door.clone(),
            seen: Mutex::default(),
            crowd: Mutex::new(None),
            arrived: Notify::new(),
            refuses: AtomicBool::new(false),
        });
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

    /// Holds requests back until so many are there, and then answers all of them: none has learnt from another's answer. It
    /// is done once. Who waits five seconds waits no longer.
    pub fn gather(&self, crowd: usize) {
        *lock(&self.shared.crowd) = Some(crowd);
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn enter(State(api): State<Arc<Shared>>, uri: Uri, headers: HeaderMap) -> Response {
    let _guest = Guest::come(&api);
    api.wait_for_the_others().await;
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

/// A request that is there: until it is answered, or whoever made it went away.
struct Guest<'a>(&'a Shared);

impl<'a> Guest<'a> {
    fn come(api: &'a Shared) -> Self {
        let mut seen = lock(&api.seen);
        seen.present += 1;
        seen.at_once = seen.at_once.max(seen.present);
        Self(api)
    }
}

impl Drop for Guest<'_> {
    fn drop(&mut self) {
        lock(&self.0.seen).present -= 1;
    }
}

impl Shared {
    async fn wait_for_the_others(&self) {
        let late = tokio::time::sleep(PATIENCE);
        tokio::pin!(late);
        loop {
            let arrival = self.arrived.notified();
            tokio::pin!(arrival);
            // Listening begins before looking, so that no arrival in between is missed.
            arrival.as_mut().enable();
            let Some(crowd) = *lock(&self.crowd) else { return };
            if lock(&self.seen).present >= crowd {
                *lock(&self.crowd) = None;
                self.arrived.notify_waiters();
                return;
            }
            tokio::select! {
                () = &mut arrival => {}
                () = &mut late => {
                    *lock(&self.crowd) = None;
                    self.arrived.notify_waiters();
                    return;
                }
            }
        }
    }
}

fn lock<T>(place: &Mutex<T>) -> MutexGuard<'_, T> {
    place.lock().unwrap_or_else(PoisonError::into_inner)
}
