//! Steps between the router and a handler: key, scope, parameters and body as the route declares them.

use std::{panic::AssertUnwindSafe, sync::Arc};

use axum::{
    RequestPartsExt as _,
    body::Body,
    extract::{RawPathParams, Request},
    http::{HeaderMap, StatusCode, request::Parts},
    response::Response,
};
use bytes::Bytes;
use futures_util::FutureExt as _;
use uuid::Uuid;

use super::{
    body,
    call::Call,
    keys,
    parameters::{check_headers, check_path, check_query},
    query::Query,
    reply::{Reply, error_response},
    route::{Access, Route},
    state::ServerState,
};
use crate::{
    auth::{Caller, Scopes},
    run::RunListener as _,
    wire::{ApiError, ValidationError},
};

/// Properties of the connection and the request that the steps need. It is an extension of the request.
#[derive(Debug, Clone, Copy)]
pub(super) struct RequestInfo {
    /// Id of the request.
    pub(super) request: Uuid,
    /// Whether the request arrived at the listener for operators.
    pub(super) is_operator: bool,
}

/// Facts about an answered request for its log record. It is an extension of the response.
#[derive(Debug, Clone, Default)]
pub(super) struct Answered {
    /// Path of the route.
    pub(super) route: Option<&'static str>,
    /// Id of the route.
    pub(super) operation: Option<&'static str>,
    /// Id of the key.
    pub(super) key: Option<Uuid>,
    /// Code of the error.
    pub(super) error: Option<String>,
    /// Reason of the error for the log.
    pub(super) cause: Option<String>,
}

/// Answers a request to a route.
pub(super) async fn respond(state: Arc<ServerState>, route: &'static Route, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let mut answered = Answered { route: Some(route.path), operation: Some(route.id), ..Answered::default() };
    let result = answer(state, route, parts, body, &mut answered).await;
    finish(result, answered)
}

/// Converts a result into a response with the facts for the log.
pub(super) fn finish(result: Result<Reply, ApiError>, mut answered: Answered) -> Response {
    let mut response = match result {
        Ok(reply) => reply.into_response(),
        Err(error) => {
            answered.error = Some(error.code().to_owned());
            answered.cause = error.logged_cause().map(str::to_owned);
            error_response(&error)
        }
    };
    response.extensions_mut().insert(answered);
    response
}

async fn answer(
    state: Arc<ServerState>,
    route: &'static Route,
    mut parts: Parts,
    body: Body,
    answered: &mut Answered,
) -> Result<Reply, ApiError> {
    let Some(RequestInfo { request, is_operator }) = parts.extensions.get::<RequestInfo>().copied() else {
        return Err(ApiError::internal(Uuid::nil()).cause("the request has no id"));
    };
    if is_operator && matches!(route.access, Access::Key(_)) {
        return Err(ApiError::not_found("this listener has only the routes for operators"));
    }
    body::check_type(&parts.headers)?;
    let caller = authorize(&state, route, &parts, is_operator).await?;
    let has_key = route.access != Access::Public && !is_operator;
    answered.key = Some(caller.key).filter(|_| has_key);
    let path = path_values(&mut parts).await?;
    check_path(route.parameters, &path)?;
    let query = Query::parse(parts.uri.query().unwrap_or_default())
        .map_err(|error| ApiError::invalid_query_params(vec![error]))?;
    check_query(route.parameters, &query)?;
    check_headers(route.parameters, &parts.headers)?;
    // What a client without a key sends costs no memory. No route without a key has a body.
    let body = if has_key { read_body(&state, body, &parts.headers).await? } else { Bytes::new() };
    let call = Call { state: state.clone(), caller, request, headers: parts.headers, body, path, query };
    let result = run(&state, route, call).await;
    if result.as_ref().is_err_and(|error| error.status() == StatusCode::SERVICE_UNAVAILABLE) {
        state.database.suspect();
    }
    if result.as_ref().is_err_and(|error| error.code() == ApiError::database_unavailable().code()) {
        state.metrics.on_database_error();
    }
    result
}

/// Checks the key and its scopes, and that the server accepts work.
async fn authorize(state: &ServerState, route: &Route, parts: &Parts, is_operator: bool) -> Result<Caller, ApiError> {
    let scopes = match route.access {
        Access::Public => return Ok(without_key()),
        // Sees what concerns all integrations.
        Access::Operator if is_operator => return Ok(Caller { integrations: None, ..without_key() }),
        Access::Operator => &[][..],
        Access::Key(scopes) => {
            if state.stopping.is_cancelled() {
                return Err(ApiError::stopping());
            }
            if !state.database.is_available() {
                return Err(ApiError::database_unavailable());
            }
            scopes
        }
    };
    let caller = keys::caller(state, &parts.headers).await?;
    if scopes.is_empty() || scopes.iter().any(|scope| caller.may(*scope)) {
        Ok(caller)
    } else {
        Err(ApiError::forbidden(scopes))
    }
}

/// Reads a body. A stop of the server does not wait for the rest of it.
async fn read_body(state: &ServerState, body: Body, headers: &HeaderMap) -> Result<Bytes, ApiError> {
    tokio::select! {
        read = body::read(body, headers, state.settings()) => read,
        () = state.stopping.cancelled() => Err(ApiError::stopping()),
    }
}

/// Returns the caller of a route that needs no key: it has no scopes.
fn without_key() -> Caller {
    Caller { key: Uuid::nil(), scopes: Arc::new(Scopes::stored(Vec::new())), integrations: Some(Arc::new([])) }
}

async fn path_values(parts: &mut Parts) -> Result<Vec<(String, String)>, ApiError> {
    let values = parts.extract::<RawPathParams>().await.map_err(|_| {
        ApiError::invalid_uri_params(vec![ValidationError::new("custom", "Invalid input: expected UTF-8", &[])])
    })?;
    Ok(values.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

/// Runs a handler. Its panic is an error.
async fn run(state: &ServerState, route: &'static Route, call: Call) -> Result<Reply, ApiError> {
    let request = call.request;
    // The server may have been stopped while the body was read.
    if state.stopping.is_cancelled() && matches!(route.access, Access::Key(_)) {
        return Err(ApiError::stopping());
    }
    let permit = match route.access {
        // Answered also while the server waits for its handlers.
        Access::Public | Access::Operator => None,
        Access::Key(_) => match state.handlers.clone().try_acquire_owned() {
            Ok(permit) => Some(permit),
            Err(_) => return Err(ApiError::stopping()),
        },
    };
    let result = AssertUnwindSafe((route.handler)(call)).catch_unwind().await;
    drop(permit);
    result.unwrap_or_else(|_| Err(ApiError::internal(request).cause("the handler panicked")))
}

/// Returns the error of a path that has no route.
pub(super) fn unknown_route(path: &str) -> ApiError {
    if path.starts_with("/webhook/") {
        return ApiError::feature_disabled("this version receives no webhooks");
    }
    ApiError::not_found("the path is unknown: `GET /openapi.json` describes all routes")
}

/// Returns the length of the head of a request, in bytes.
pub(super) fn head_length(parts: &Parts) -> u64 {
    let headers: usize = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    let url = parts.uri.path_and_query().map_or(0, |path| path.as_str().len());
    (url + headers) as u64
}
