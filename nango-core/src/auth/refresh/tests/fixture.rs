//! A connection with a token, and a token server that counts its requests.

use std::{
    collections::VecDeque,
    sync::atomic::{AtomicUsize, Ordering},
};

use serde_json::json;

use super::super::*;
use crate::{
    auth::AuthMode,
    http::{
        AuthError, Authorize, BoxFuture, CredentialsVersion, Method, OutgoingRequest, RawResponse, SystemClock,
        TransportError,
    },
    provider::Catalogue,
    store::{NewConnection, ProfileChange, sqlite::Sqlite},
    time::Timestamp,
};

/// A token server. Each request consumes a scripted response, or receives the next token of a series.
#[derive(Debug, Default)]
pub(super) struct TokenServer {
    pub(super) request_count: AtomicUsize,
    pub(super) bodies: Mutex<Vec<String>>,
    pub(super) responses: Mutex<VecDeque<(u16, Value)>>,
    pub(super) delay: Duration,
}

impl TokenServer {
    pub(super) fn request_count(&self) -> usize {
        self.request_count.load(Ordering::SeqCst)
    }
}

impl Transport for TokenServer {
    fn send(&self, mut request: OutgoingRequest) -> BoxFuture<'_, Result<RawResponse, TransportError>> {
        let number = self.request_count.fetch_add(1, Ordering::SeqCst) + 1;
        self.bodies.lock().unwrap().push(String::from_utf8(request.body.seen().1.to_vec()).unwrap());
        let next = self.responses.lock().unwrap().pop_front();
        let token = || {
            let (access, refresh) = (format!("t{number}"), format!("r{number}"));
            let body = json!({ "access_token": access, "refresh_token": refresh, "expires_in": 3600 });
            (200, body)
        };
        let (status, body) = next.unwrap_or_else(token);
        let delay = self.delay;
        Box::pin(async move {
            tokio::time::sleep(delay).await;
            let headers = [("content-type".parse().unwrap(), "application/json".parse().unwrap())];
            Ok(RawResponse::from_bytes(status, headers.into_iter().collect(), body.to_string()))
        })
    }
}

/// A connection in a database in memory, and its refresher.
pub(super) struct Fixture {
    pub(super) tokens: Arc<TokenRefresher>,
    pub(super) context: Arc<ConnectionContext>,
    pub(super) server: Arc<TokenServer>,
    pub(super) store: SharedStore,
}

impl Fixture {
    pub(super) async fn new(credentials: Value, refresh_at: Option<Timestamp>, server: TokenServer) -> Self {
        let mut provider = Catalogue::builtin().find("github").unwrap().clone();
        provider.accepted_modes = vec![AuthMode::OAuth2];
        provider.token.url = Some("https://h.test/token".parse().unwrap());
        let store: SharedStore = Arc::new(Sqlite::open(":memory:").await.unwrap());
        let ring = KeyRing::ephemeral().unwrap();
        let credentials = Credentials::parse(AuthMode::OAuth2, &credentials, None).unwrap();
        let new = NewConnection {
            integration: "shop".into(),
            id: "ann".into(),
            auth: "OAUTH2".into(),
            credentials: credentials.seal(&ring, "shop", "ann").unwrap(),
            refresh_at,
            config: Map::new(),
            metadata: None,
            profile: ProfileChange::default(),
        };
        store.put_connection(new).await.unwrap();
        let server = Arc::new(server);
        let tokens = TokenRefresher::new(store.clone(), ring, server.clone(), Arc::new(SystemClock));
        let app = App { client_id: Some("app".into()), client_secret: Some("hush".into()), ..App::default() };
        let context = ConnectionContext {
            provider: Arc::new(provider),
            key: ConnectionKey::new("shop", "ann"),
            app: Arc::new(app),
        };
        Self { tokens, context: Arc::new(context), server, store }
    }

    pub(super) async fn refreshing(&self) -> Arc<RefreshingCredentials> {
        let current = self.tokens.load(&self.context).await.unwrap();
        Arc::new(RefreshingCredentials::new(self.tokens.clone(), self.context.clone(), current).unwrap())
    }
}

/// Returns credentials with a token that has no expiry.
pub(super) fn old_credentials() -> Value {
    json!({ "access_token": "t0", "refresh_token": "refresh-0" })
}

/// Returns credentials with an expired token.
pub(super) fn expired_credentials() -> Value {
    json!({ "access_token": "t0", "refresh_token": "refresh-0", "expires_at": 1 })
}

/// Returns the `Authorization` header of a new request, and the version of its credentials.
pub(super) async fn sent(refreshing: &Arc<RefreshingCredentials>) -> Result<(String, CredentialsVersion), AuthError> {
    let mut request = OutgoingRequest::new(Method::GET, "https://h.test/a".parse().unwrap());
    let version = RefreshingAuthorizer(refreshing.clone()).authorize(&mut request).await?;
    Ok((request.headers["authorization"].to_str().unwrap().to_owned(), version))
}

/// Returns the provider with one auth mode.
pub(super) fn accepting(provider: &Provider, mode: AuthMode) -> Arc<Provider> {
    let mut provider = provider.clone();
    provider.accepted_modes = vec![mode];
    Arc::new(provider)
}

/// Waits until a condition is met, at most two seconds.
pub(super) async fn wait_until(condition: impl Fn() -> bool) {
    for _ in 0..200 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the condition was not met within two seconds");
}

/// A clock with a fixed time.
#[derive(Debug)]
pub(super) struct FixedClock(pub(super) Timestamp);

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        self.0
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        SystemClock.sleep(duration)
    }

    fn instant(&self) -> Instant {
        Instant::now()
    }
}

impl crate::http::Entropy for FixedClock {
    fn random(&self) -> u128 {
        0
    }
}
