//! Routes of the metadata of connections.

use axum::http::{Method, StatusCode};
use serde_json::{Map, Value};

use crate::{
    auth::Scope,
    server::{
        call::Call,
        reply::Reply,
        route::{Access, Body, ErrorDoc, ReplyDoc, Route, schema_of},
    },
    store::MetadataChange,
    wire::{ApiError, ValidationError, api::MetadataBody},
};

const BODY: Option<Body> =
    Some(Body { schema: schema_of::<MetadataBody>, description: "Connections of one integration, and metadata." });
const CREATED: &[ReplyDoc] =
    &[ReplyDoc::ok(schema_of::<MetadataBody>, "The body of the request.").with_status(StatusCode::CREATED)];
const ERRORS: &[ErrorDoc] = &[ErrorDoc {
    status: StatusCode::NOT_FOUND,
    codes: &[("unknown_connection", "one of the connections does not exist; nothing was changed")],
}];

pub(super) const ROUTES: &[Route] = &[
    Route {
        method: Method::POST,
        path: "/connections/metadata",
        id: "setMetadata",
        summary: "Replaces the metadata of connections: of all of them, or of none.",
        access: Access::Key(&[Scope::ConnectionsUpdate]),
        parameters: &[],
        body: BODY,
        replies: CREATED,
        errors: ERRORS,
        handler: |call| Box::pin(change(call, StatusCode::CREATED)),
    },
    Route {
        method: Method::PATCH,
        path: "/connections/metadata",
        id: "updateMetadata",
        summary: "Sets keys in the metadata of connections, and keeps the others: of all connections, or of none.",
        access: Access::Key(&[Scope::ConnectionsUpdate]),
        parameters: &[],
        body: BODY,
        replies: &[ReplyDoc::ok(schema_of::<MetadataBody>, "The body of the request.")],
        errors: ERRORS,
        handler: |call| Box::pin(change(call, StatusCode::OK)),
    },
];

/// Changes metadata; the status 201 replaces it, 200 merges into it.
async fn change(call: Call, status: StatusCode) -> Result<Reply, ApiError> {
    let body: MetadataBody = call.body()?;
    let integration: &str = body.provider_config_key.as_ref();
    let unknown = |id: &str| {
        let message = format!("the connection `{id}` of `{integration}` does not exist; nothing was changed");
        ApiError::new(StatusCode::NOT_FOUND, "unknown_connection").message(message)
    };
    let ids = body.connection_id.to_strings();
    if !call.has_integration(integration) {
        return Err(unknown(ids.first().map_or("", String::as_str)));
    }
    let runtime = &call.state.runtime;
    let merge = status == StatusCode::OK;
    let check = |stored: Option<&Map<String, Value>>| {
        let fits = runtime.config.limits.check_metadata(stored, &body.metadata);
        fits.map_err(|message| ApiError::invalid_body(vec![ValidationError::new("custom", message, &["metadata"])]))
    };
    if merge {
        for id in &ids {
            let stored = runtime.store.connection(integration, id).await?.ok_or_else(|| unknown(id))?;
            check(Some(&stored.metadata))?;
        }
    } else {
        check(None)?;
    }
    let metadata = body.metadata.clone();
    let change = if merge { MetadataChange::Merge(metadata) } else { MetadataChange::Replace(metadata) };
    match runtime.store.change_all_metadata(integration, ids, change).await? {
        Some(missing) => Err(unknown(&missing)),
        None => Ok(Reply::bytes(status, call.body.clone())),
    }
}
