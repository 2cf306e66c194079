//! Routes of the server itself: its state.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use schemars::{JsonSchema, json_schema};
use serde::Serialize;

use crate::{
    run::RunListener as _,
    server::{
        call::Call,
        metrics,
        reply::Reply,
        route::{Access, ErrorDoc, ReplyDoc, Route, schema_of},
    },
    wire::ApiError,
};

pub(super) const ROUTES: &[Route] = &[
    Route {
        method: Method::GET,
        path: "/health",
        id: "getHealth",
        summary: "Returns whether the process responds.",
        access: Access::Public,
        parameters: &[],
        body: None,
        replies: &[ReplyDoc::ok(schema_of::<Health>, "The process responds.")],
        errors: &[],
        handler: |call| Box::pin(async move { health(&call) }),
    },
    Route {
        method: Method::GET,
        path: "/ready",
        id: "getReady",
        summary: "Returns whether the server accepts work.",
        access: Access::Public,
        parameters: &[],
        body: None,
        replies: &[ReplyDoc::ok(schema_of::<Health>, "The server accepts work.")],
        errors: &[ErrorDoc {
            status: StatusCode::SERVICE_UNAVAILABLE,
            codes: &[
                ("database_unavailable", "the database does not respond"),
                ("server_stopping", "the stop of the server was requested"),
            ],
        }],
        handler: |call| Box::pin(async move { ready(&call) }),
    },
    Route {
        method: Method::GET,
        path: "/openapi.json",
        id: "getOpenApi",
        summary: "Returns this document. A key that is limited to integrations sees only their schemas.",
        access: Access::Operator,
        parameters: &[],
        body: None,
        replies: &[ReplyDoc::ok(|_| json_schema!({ "type": "object" }), "The OpenAPI document.")],
        errors: &[],
        handler: |call| Box::pin(async move { openapi(&call) }),
    },
    Route {
        method: Method::GET,
        path: "/metrics",
        id: "getMetrics",
        summary: "Returns the metrics of the process and of its database in the text format of Prometheus.",
        access: Access::Operator,
        parameters: &[],
        body: None,
        replies: &[ReplyDoc::text("The metrics.")],
        errors: &[],
        handler: |call| Box::pin(async move { metrics(&call).await }),
    },
];

/// Maximum time for the numbers that are read from the database.
const METRICS_TIMEOUT: Duration = Duration::from_secs(2);

/// Answer of a server that works.
#[derive(Debug, Serialize, JsonSchema)]
struct Health {
    /// Always `ok`.
    #[schemars(extend("const" = "ok"))]
    result: &'static str,
}

fn health(_: &Call) -> Result<Reply, ApiError> {
    Reply::ok(&Health { result: "ok" })
}

fn ready(call: &Call) -> Result<Reply, ApiError> {
    if call.state.stopping.is_cancelled() {
        return Err(ApiError::stopping());
    }
    if !call.state.database.is_available() {
        return Err(ApiError::database_unavailable());
    }
    Reply::ok(&Health { result: "ok" })
}

async fn metrics(call: &Call) -> Result<Reply, ApiError> {
    let state = &call.state;
    let store = &state.runtime.store;
    let counts = if state.database.is_available() {
        let counts = tokio::time::timeout(METRICS_TIMEOUT, store.run_counts(store.now())).await;
        let counts = counts.ok().and_then(Result::ok);
        if counts.is_none() {
            state.metrics.on_database_error();
        }
        counts
    } else {
        None
    };
    let text = state.metrics.text(state.database.is_available(), counts);
    Ok(Reply::text(metrics::CONTENT_TYPE, text))
}

fn openapi(call: &Call) -> Result<Reply, ApiError> {
    let allowed = call.caller.integrations.as_deref();
    let json = call.state.document.json(&call.state.runtime.registry, call.state.public_url(), allowed);
    let json = json.map_err(|reason| {
        ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "server_error")
            .message("the document cannot be made: two types of an integration share a name, see the log")
            .cause(reason)
    })?;
    Ok(Reply::bytes(StatusCode::OK, json))
}
