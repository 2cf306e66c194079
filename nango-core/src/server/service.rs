//! Steps around the router: head and name of the request, headers of the response, and the log record.

use std::{convert::Infallible, net::IpAddr, sync::Arc};

use axum::{
    Router,
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Uri, header, uri::PathAndQuery},
    response::Response,
};
use tower_service::Service as _;
use uuid::Uuid;

use super::{
    access_log::{AccessRecord, logged_path},
    dispatch::{Answered, RequestInfo, finish, head_length},
    host_names::HostNames,
    keys,
    reply::error_response,
    state::ServerState,
};
use crate::wire::ApiError;

/// Paths that probes call by an address, so that the name of the server is not checked.
const PROBES: [&str; 2] = ["/health", "/ready"];
/// Header with the id of the request.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Service of one connection.
#[derive(Clone)]
pub(super) struct ApiService {
    pub(super) state: Arc<ServerState>,
    pub(super) hosts: Arc<HostNames>,
    pub(super) router: Router,
    pub(super) peer: IpAddr,
    pub(super) is_operator: bool,
}

impl ApiService {
    /// Answers a request of the connection, in a task of its own: a handler runs to its end and the request has a
    /// record in the log also if the client goes away.
    pub(super) async fn call(self, request: Request) -> Result<Response, Infallible> {
        let answer = tokio::spawn(self.answer(request));
        Ok(answer.await.unwrap_or_else(|_| error_response(&ApiError::internal(Uuid::nil()))))
    }

    async fn answer(self, request: Request) -> Response {
        let Self { state, hosts, router, peer, is_operator } = self;
        let clock = &state.runtime.clock;
        let (start, id) = (clock.instant(), clock.uuid());
        let (mut parts, body) = request.into_parts();
        let (method, path) = (parts.method.clone(), parts.uri.path().to_owned());
        let key = keys::presented(&parts.headers).map(str::to_owned);
        let mut response = if let Err(error) = check(&state, &hosts, &parts) {
            finish(Err(error), Answered::default())
        } else {
            parts.uri = without_final_slash(parts.uri);
            parts.extensions.insert(RequestInfo { request: id, is_operator });
            route(router, Request::from_parts(parts, body)).await
        };
        add_headers(&state, id, response.headers_mut());
        let answered = response.extensions_mut().remove::<Answered>().unwrap_or_default();
        let duration = clock.instant().saturating_duration_since(start);
        state.metrics.add_request(answered.operation, response.status(), duration);
        state.log.on_request(&AccessRecord {
            time: clock.now(),
            request: id,
            peer,
            method: &method,
            path: answered.route.is_none().then(|| logged_path(&path, key.as_deref())),
            route: answered.route,
            status: response.status(),
            duration,
            key: answered.key,
            error: answered.error,
            cause: answered.cause,
        });
        response
    }
}

async fn route(mut router: Router, request: Request) -> Response {
    match router.call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

/// Checks the head and the name of the server, before anything else of the request is used.
fn check(state: &ServerState, hosts: &HostNames, parts: &axum::http::request::Parts) -> Result<(), ApiError> {
    let limit = state.settings().head_bytes;
    if head_length(parts) > limit {
        return Err(ApiError::head_too_large(limit));
    }
    if !PROBES.contains(&parts.uri.path()) {
        hosts.check(&parts.uri, &parts.headers).map_err(|host| ApiError::misdirected(&shown(&host)))?;
    }
    Ok(())
}

/// Returns the name of a request for a message.
fn shown(host: &str) -> String {
    crate::redact::truncated(crate::redact::one_line(host).into(), 255).into_owned()
}

/// Removes one slash from the end of the path: clients send `/records/?…`.
fn without_final_slash(uri: Uri) -> Uri {
    let Some(path) = uri.path().strip_suffix('/').filter(|path| !path.is_empty()) else { return uri };
    let text = uri.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
    let Ok(path_and_query) = PathAndQuery::try_from(text) else { return uri };
    let mut parts = uri.into_parts();
    parts.path_and_query = Some(path_and_query);
    // The other parts are those of a valid URL.
    Uri::from_parts(parts).unwrap_or_default()
}

/// Adds the headers of every response. Responses may contain credentials, so no cache may keep them.
fn add_headers(state: &ServerState, id: Uuid, headers: &mut HeaderMap) {
    let fixed = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if state.public_url().starts_with("https:") {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=5184000"));
    }
    if state.stopping.is_cancelled() {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    if let Ok(id) = HeaderValue::from_str(&id.to_string()) {
        headers.insert(REQUEST_ID, id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_final_slash_is_ignored() {
        let check = |from: &'static str, to: &str| {
            assert_eq!(without_final_slash(Uri::from_static(from)).to_string(), to);
        };
        check("/records/?model=A", "/records?model=A");
        check("/records/", "/records");
        check("/records", "/records");
        check("/", "/");
        check("/a//", "/a/");
    }
}
