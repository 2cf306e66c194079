//! Proxy in front of the recording server: checks each request of the client, forwards it in the form of the recording,
//! and translates the response.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::http::header::{
    ACCEPT, AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, LINK, LOCATION, TRANSFER_ENCODING, USER_AGENT,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::response::Response;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::scenario::{CLIENT_PAGE_SIZE, RECORDED_PAGE_SIZE, Step};
use super::server::Session;
use super::{Progress, SeenRequest, lock};

const RECORDED_CREDENTIAL: &str = "token 0000000000000000000000000000000000000001";
const RECORDED_MEDIA_TYPE: &str = "application/vnd.github.v3+json";
const RECORDED_CONTENT_TYPE: &str = "application/json; charset=utf-8";
const API: &str = "https://api.github.com";
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

#[derive(Debug)]
pub(super) struct Proxy {
    url: String,
    session: Session,
    credential: String,
    /// Query parameters that the client adds to lists.
    parameters: Vec<(String, String)>,
    progress: Arc<Mutex<Progress>>,
    /// Serialises requests: two last requests of a session at the same time would crash the fixtures server.
    request_lock: tokio::sync::Mutex<()>,
}

impl Proxy {
    pub(super) fn new(
        url: String,
        session: Session,
        token: &str,
        parameters: Vec<(String, String)>,
        progress: Arc<Mutex<Progress>>,
    ) -> Self {
        let credential = format!("Bearer {token}");
        Self { url, session, credential, parameters, progress, request_lock: tokio::sync::Mutex::default() }
    }

    pub(super) async fn serve(self, listener: TcpListener) {
        let router = Router::new().fallback(handle).with_state(Arc::new(self));
        axum::serve(listener, router).await.expect("an accept loop that does not end");
    }

    /// Returns the next recorded request if `request` matches it; otherwise the difference.
    fn check(&self, request: &ClientRequest) -> Result<Step, String> {
        let progress = lock(&self.progress);
        let done = progress.seen.len();
        let step = progress.steps.get(done).ok_or_else(|| format!("the recording ended after {done} requests"))?;
        let ClientRequest { method, uri, headers, query, body } = request;
        if (method, uri.path()) != (&step.method, step.path) {
            return Err(format!("request {} is {} {}", done + 1, step.method, step.path));
        }
        let mut expected = step.query(CLIENT_PAGE_SIZE);
        if step.page.is_some() {
            expected.extend(self.parameters.iter().cloned());
            expected.sort();
        }
        let mut sent = query.clone();
        sent.sort();
        if sent != expected {
            return Err(format!("the query is {expected:?}, not {sent:?}"));
        }
        if headers.get_all(AUTHORIZATION).iter().ne([self.credential.as_str()]) {
            return Err("the connection's bearer token is not sent exactly once".to_owned());
        }
        if !headers.contains_key(USER_AGENT) {
            return Err("it has no User-Agent, without which GitHub refuses".to_owned());
        }
        match step.body {
            None if body.is_empty() => Ok(step.clone()),
            None => Err(format!("there is a body: {body}")),
            Some(expected) => {
                let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
                if !content_type.starts_with("application/json") {
                    return Err(format!("the content type is `{content_type}`, not JSON"));
                }
                let parsed = |text: &str| serde_json::from_str::<Value>(text).ok();
                if parsed(body) != parsed(expected) {
                    return Err(format!("the body is {expected}, not {body}"));
                }
                Ok(step.clone())
            }
        }
    }

    /// Sends the recorded form of a step to the recording server.
    async fn forward(&self, step: &Step) -> reqwest::Result<reqwest::Response> {
        let mut url = format!("{}{}", self.session.url, step.path);
        let query: Vec<String> =
            step.query(RECORDED_PAGE_SIZE).iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !query.is_empty() {
            url = format!("{url}?{}", query.join("&"));
        }
        let mut request = self
            .session
            .client
            .request(step.method.clone(), url)
            .header(ACCEPT, RECORDED_MEDIA_TYPE)
            .header(AUTHORIZATION, RECORDED_CREDENTIAL);
        if let Some(body) = step.body {
            request = request.header(CONTENT_TYPE, RECORDED_CONTENT_TYPE).body(body);
        }
        request.send().await
    }

    /// Translates the recorded response to the one that GitHub would have sent to this client.
    async fn translate(&self, response: reqwest::Response) -> reqwest::Result<Response> {
        let status = response.status();
        let mut headers = HeaderMap::new();
        for (name, value) in response.headers() {
            // These headers belong to the connection, not to the response.
            if ![CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING].contains(name) {
                headers.append(name, self.header(name, value));
            }
        }
        let body = self.restore_token(&response.text().await?);
        let mut translated = Response::new(Body::from(body));
        *translated.status_mut() = status;
        *translated.headers_mut() = headers;
        Ok(translated)
    }

    fn header(&self, name: &HeaderName, value: &HeaderValue) -> HeaderValue {
        let Ok(text) = value.to_str() else { return value.clone() };
        let text = if *name == LINK || *name == LOCATION {
            let extra: String =
                self.parameters.iter().fold(String::new(), |all, (name, value)| format!("{all}&{name}={value}"));
            self.restore_token(text)
                .replace(API, &self.url)
                .replace(&format!("per_page={RECORDED_PAGE_SIZE}&"), &format!("per_page={CLIENT_PAGE_SIZE}{extra}&"))
        } else if *name == RESET {
            // The recording contains milliseconds where GitHub sends seconds.
            text.strip_suffix("000").unwrap_or(text).to_owned()
        } else {
            text.to_owned()
        };
        HeaderValue::try_from(text).expect("a header value from header values")
    }

    /// Reverts the recording server's rewriting: `<server>/<host>/<session>/…` was `https://<host>/…`.
    fn restore_token(&self, text: &str) -> String {
        let Session { server, id, .. } = &self.session;
        let (server, session) = (format!("{server}/"), format!("/{id}/"));
        let mut parts = text.split(&server);
        let mut restored = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            match part.split_once(&session) {
                Some((host, rest)) if !host.contains('/') => restored.extend(["https://", host, "/", rest]),
                _ => restored.extend([server.as_str(), part]),
            }
        }
        restored
    }
}

/// The client's request, as received by the proxy.
#[derive(Debug)]
struct ClientRequest {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    query: Vec<(String, String)>,
    body: String,
}

async fn handle(
    State(proxy): State<Arc<Proxy>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    Query(query): Query<Vec<(String, String)>>,
    body: Bytes,
) -> Response {
    let _guard = proxy.request_lock.lock().await;
    let body = String::from_utf8_lossy(&body).into_owned();
    let client_request = ClientRequest { method, uri, headers, query, body };
    let target = client_request.uri.to_string();
    let outcome = match proxy.check(&client_request) {
        Err(problem) => Err(problem),
        Ok(step) => match proxy.forward(&step).await {
            Err(error) => Err(format!("the recording server did not respond: {error}")),
            Ok(response) if response.status() == StatusCode::NOT_FOUND => {
                Err("the recording server refused it".to_owned())
            }
            Ok(response) => proxy.translate(response).await.map_err(|error| format!("a broken response: {error}")),
        },
    };
    let mut progress = lock(&proxy.progress);
    match outcome {
        Ok(response) => {
            progress.seen.push(SeenRequest { method: client_request.method, target, body: client_request.body });
            response
        }
        Err(problem) => {
            let mismatch = format!("{} {target}: {problem}", client_request.method);
            // Clients that retry server errors do not retry this status.
            let mut response = Response::new(Body::from(json!({ "message": mismatch }).to_string()));
            *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            progress.mismatches.push(mismatch);
            response
        }
    }
}
