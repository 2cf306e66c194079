//! Tests of the steps before and after a handler, with routes that no table has.

use std::{
    net::Ipv4Addr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Request,
    http::{Method, StatusCode, header},
    response::Response,
    routing::any,
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tower_service::Service as _;
use uuid::Uuid;

use super::{
    access_log::{AccessRecord, ServerLog},
    call::Call,
    dispatch::{Answered, RequestInfo, respond},
    document::Document,
    host_names::HostNames,
    reply::Reply,
    route::{Access, ReplyDoc, Route, schema_of},
    service::ApiService,
    state::ServerState,
};
use crate::{
    auth::{KeyRing, Scope, Secret},
    config::Config,
    declare::Registry,
    engine::{Engine, EngineSettings},
    provider::Catalogue,
    run::Runtime,
    store::sqlite::Sqlite,
    testing::mock_api::MockApi,
    time::SystemClock,
    wire::ApiError,
};

const KEY: &str = "0123456789012345678901234567890123456789";

/// Log that keeps the route and the status of each request.
#[derive(Default)]
struct TestLog(Mutex<Vec<(Option<&'static str>, u16)>>);

impl ServerLog for TestLog {
    fn on_request(&self, record: &AccessRecord<'_>) {
        self.0.lock().unwrap().push((record.route, record.status.as_u16()));
    }

    fn on_event(&self, _: &'static str, _: &str) {}
}

async fn state() -> Arc<ServerState> {
    state_with(Arc::default()).await
}

async fn state_with(log: Arc<TestLog>) -> Arc<ServerState> {
    let config = Config { api_key: Some(Secret::from(KEY)), ..Config::default() };
    let settings = EngineSettings::of(&config);
    let runtime = Arc::new(Runtime::new(
        Registry::load().unwrap(),
        Catalogue::builtin(),
        config,
        Arc::new(Sqlite::open(":memory:").await.unwrap()),
        KeyRing::ephemeral().unwrap(),
        Arc::new(MockApi::default()),
        Arc::new(SystemClock),
    ));
    let engine = Engine::start(runtime.clone(), settings).await.unwrap();
    let address = "127.0.0.1:3003".parse().unwrap();
    let document = Document::new(|_, _, _| Ok("{}".into()));
    Arc::new(ServerState::new(runtime, engine, address, CancellationToken::new(), log, document))
}

const REPLIES: &[ReplyDoc] = &[ReplyDoc::ok(schema_of::<Value>, "Value.")];

const fn route(handler: fn(Call) -> crate::declare::BoxFuture<Result<Reply, ApiError>>) -> Route {
    Route {
        method: Method::POST,
        path: "/test",
        id: "test",
        summary: "Test.",
        access: Access::Key(&[Scope::RecordsRead]),
        parameters: &[],
        body: None,
        replies: REPLIES,
        errors: &[],
        handler,
    }
}

const PANICS: &Route = &route(|_| Box::pin(async { panic!("hush") }));
const ECHO: &Route = &route(|call| Box::pin(async move { Reply::ok(&call.body::<Value>()?) }));
/// Answers after a pause.
const SLOW: &Route = &route(|_| {
    Box::pin(async move {
        tokio::time::sleep(Duration::from_millis(50)).await;
        Reply::ok(&json!({}))
    })
});

fn request(body: &'static str) -> Request {
    let mut request = Request::builder()
        .method(Method::POST)
        .uri("/test")
        .header(header::AUTHORIZATION, format!("Bearer {KEY}"))
        .body(Body::from(body))
        .unwrap();
    request.extensions_mut().insert(RequestInfo { request: Uuid::nil(), is_operator: false });
    request
}

/// Sends a request to a router with one route.
async fn send(state: Arc<ServerState>, route: &'static Route, request: Request) -> Response {
    let handler = any(move |request: Request| respond(state, route, request));
    Router::new().route(route.path, handler).call(request).await.unwrap()
}

async fn body(response: Response) -> (StatusCode, Value) {
    let status = response.status();
    (status, serde_json::from_slice(&to_bytes(response.into_body(), 1 << 20).await.unwrap()).unwrap())
}

#[tokio::test]
async fn panic_of_a_handler_is_an_error_with_an_id_and_without_its_text() {
    let response = send(state().await, PANICS, request("{}")).await;
    let answered = response.extensions().get::<Answered>().unwrap();
    assert_eq!(answered.cause.as_deref(), Some("the handler panicked"));
    let (status, json) = body(response).await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(json["error"]["code"], "generic_error_support");
    assert_eq!(json["error"]["payload"], Uuid::nil().to_string());
    assert!(!json.to_string().contains("hush"));
}

#[tokio::test]
async fn request_is_handled_and_logged_if_the_client_disconnects() {
    let log = Arc::new(TestLog::default());
    let state = state_with(log.clone()).await;
    let handled = state.clone();
    let service = ApiService {
        hosts: Arc::new(HostNames::new(state.settings(), "0.0.0.0:80".parse().unwrap())),
        router: Router::new().route(SLOW.path, any(move |request: Request| respond(handled, SLOW, request))),
        state,
        peer: Ipv4Addr::LOCALHOST.into(),
        is_operator: false,
    };
    let abandoned = tokio::time::timeout(Duration::from_millis(5), service.call(request("{}"))).await;
    assert!(abandoned.is_err(), "the response is not ready");
    let is_logged = async {
        while log.0.lock().unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), is_logged).await.unwrap();
    assert_eq!(*log.0.lock().unwrap(), [(Some("/test"), 200)]);
}

#[tokio::test]
async fn body_is_decoded_and_a_stopping_server_refuses_work() {
    let state = state().await;
    let (status, json) = body(send(state.clone(), ECHO, request("{\"a\":[1]}")).await).await;
    assert_eq!((status, json), (StatusCode::OK, json!({ "a": [1] })));
    let (status, json) = body(send(state.clone(), ECHO, request("{\"a\":")).await).await;
    assert_eq!((status.as_u16(), &json["error"]["code"]), (400, &json!("invalid_json")));
    state.stopping.cancel();
    let (status, json) = body(send(state, ECHO, request("{}")).await).await;
    assert_eq!((status.as_u16(), &json["error"]["code"]), (503, &json!("server_stopping")));
}

#[tokio::test]
async fn missing_key_is_refused_before_the_body_is_read() {
    let state = state().await;
    let mut without = request("not json");
    without.headers_mut().remove(header::AUTHORIZATION);
    let (status, json) = body(send(state.clone(), ECHO, without).await).await;
    assert_eq!((status.as_u16(), &json["error"]["code"]), (401, &json!("missing_auth_header")));
}
