//! API behind an authorization server: it accepts the newest valid access token of a connection, and refuses all
//! others.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode, Uri, header::AUTHORIZATION, header::CONTENT_TYPE, header::WWW_AUTHENTICATE},
    response::{IntoResponse, Response},
};

use super::{ControlClient, OAuth};
use crate::{http_server::HttpServer, lock};

/// A running API. It serves until it is dropped.
#[derive(Debug)]
pub struct Api {
    server: HttpServer,
    shared: Arc<ApiState>,
}

#[derive(Debug)]
struct ApiState {
    control: ControlClient,
    request_counts: Mutex<RequestCounts>,
    refuses_all: AtomicBool,
}

/// Numbers of requests by result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RequestCounts {
    /// Requests with a valid token.
    pub accepted: usize,
    /// Requests that were refused with status 401.
    pub refused: usize,
}

impl Api {
    /// Starts the API on a free port of 127.0.0.1.
    ///
    /// `GET` of any path returns `{"path": …}` for a valid bearer token, and 401 otherwise.
    pub fn start(oauth: &OAuth) -> Self {
        let shared = Arc::new(ApiState {
            control: oauth.control.clone(),
            request_counts: Mutex::default(),
            refuses_all: AtomicBool::new(false),
        });
        let state = Arc::clone(&shared);
        let server = HttpServer::start(Router::new().fallback(handle).with_state(state));
        Self { server, shared }
    }

    /// Base URL, without a trailing slash.
    pub fn url(&self) -> &str {
        self.server.url()
    }

    /// Returns the numbers of requests so far.
    pub fn request_counts(&self) -> RequestCounts {
        *lock(&self.shared.request_counts)
    }

    /// Refuses every token from now on, even a valid one.
    pub fn refuse_all(&self) {
        self.shared.refuses_all.store(true, Ordering::Relaxed);
    }
}

async fn handle(State(api): State<Arc<ApiState>>, uri: Uri, headers: HeaderMap) -> Response {
    let token = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let is_valid = match token {
        Some(token) if !api.refuses_all.load(Ordering::Relaxed) => api.control.is_current(token).await,
        _ => false,
    };
    if is_valid {
        lock(&api.request_counts).accepted += 1;
        let body = serde_json::json!({ "path": uri.path() }).to_string();
        ([(CONTENT_TYPE, "application/json")], body).into_response()
    } else {
        lock(&api.request_counts).refused += 1;
        let challenge = [(WWW_AUTHENTICATE, r#"Bearer error="invalid_token""#)];
        (StatusCode::UNAUTHORIZED, challenge, "the token is not valid").into_response()
    }
}
