//! Routes of records.

use axum::http::{Method, StatusCode};

use crate::{
    auth::Scope,
    server::{
        call::Call,
        reply::Reply,
        route::{Access, Body, ErrorDoc, Parameter, ReplyDoc, Route, Rule, schema_of},
    },
    store::{DatasetKey, StoreError},
    wire::{
        ApiError, TextRule, ValidationError,
        api::{PruneBody, PruneJson, RecordsPage, RecordsQuery},
        write_page,
    },
};

/// Maximum size of the payloads of a page, in bytes.
const MAX_PAGE_BYTES: usize = 32 << 20;
const CONNECTION: Parameter = Parameter::header("Connection-Id", TextRule::CONNECTION_ID, "Id of the connection");
const INTEGRATION: Parameter =
    Parameter::header("Provider-Config-Key", TextRule::UNIQUE_KEY, "Unique key of the integration");
const UNKNOWN_CONNECTION: ErrorDoc =
    ErrorDoc { status: StatusCode::BAD_REQUEST, codes: &[("unknown_connection", "the connection does not exist")] };

pub(super) const ROUTES: &[Route] = &[
    Route {
        method: Method::GET,
        path: "/records",
        id: "listRecords",
        summary: "Returns a page of the records of a model, in the order of their last change.",
        access: Access::Key(&[Scope::RecordsRead]),
        parameters: &[
            CONNECTION,
            INTEGRATION,
            Parameter::query("model", Rule::Text(TextRule::MODEL), "Name of the model").required(),
            Parameter::query("variant", Rule::Text(TextRule::NAME), "Variant of the sync; `base` without it"),
            Parameter::query(
                "modified_after",
                Rule::Time,
                "Only records that changed at or after this time, at most 365 days ago",
            ),
            Parameter::query("delta", Rule::Time, "Deprecated name of `modified_after`"),
            Parameter::query("limit", Rule::Integer { min: 1, max: 10_000 }, "Maximum number; 100 without it"),
            Parameter::query(
                "filter",
                Rule::Text(TextRule::ACTIONS),
                "Last actions of the records, separated by commas; all without it",
            ),
            Parameter::query("cursor", Rule::Text(TextRule::CURSOR), "Cursor of an earlier response"),
            Parameter::query(
                "ids",
                Rule::List { item: TextRule::any(1, 256), max: 100 },
                "Ids of the records, repeated for several; all without it",
            ),
        ],
        body: None,
        replies: &[ReplyDoc::ok(schema_of::<RecordsPage>, "The page. A model that does not exist has no records.")],
        errors: &[UNKNOWN_CONNECTION],
        handler: |call| Box::pin(list(call)),
    },
    Route {
        method: Method::PATCH,
        path: "/records/prune",
        id: "pruneRecords",
        summary: "Removes the payloads of records up to a cursor, the oldest first.",
        access: Access::Key(&[Scope::RecordsWrite]),
        parameters: &[CONNECTION, INTEGRATION],
        body: Some(Body { schema: schema_of::<PruneBody>, description: "Records to prune." }),
        replies: &[ReplyDoc::ok(schema_of::<PruneJson>, "The number of pruned records.")],
        errors: &[UNKNOWN_CONNECTION],
        handler: |call| Box::pin(prune(call)),
    },
];

/// Returns the dataset of a model of the connection in the headers.
async fn dataset(call: &Call, model: &str, variant: &str) -> Result<DatasetKey, ApiError> {
    let (integration, connection) = call.connection_of_headers().await?;
    Ok(DatasetKey {
        integration: integration.to_owned(),
        connection: connection.to_owned(),
        model: model.to_owned(),
        variant: variant.to_owned(),
    })
}

async fn list(call: Call) -> Result<Reply, ApiError> {
    let query: RecordsQuery = call.query()?;
    let dataset = dataset(&call, &query.model, query.variant()).await?;
    let store = &call.state.runtime.store;
    let query = query.into_query(store.now(), MAX_PAGE_BYTES);
    let query = query.map_err(|error| ApiError::invalid_query_params(vec![error]))?;
    let page = store.read(&dataset, query).await?;
    let mut json = Vec::new();
    write_page(&page, &mut json);
    Ok(Reply::bytes(StatusCode::OK, json))
}

async fn prune(call: Call) -> Result<Reply, ApiError> {
    let body: PruneBody = call.body()?;
    let dataset = dataset(&call, body.model.as_ref(), body.variant()).await?;
    let prune = body.into_prune().map_err(|error| ApiError::invalid_body(vec![error]))?;
    let pruned = call.state.runtime.store.prune(&dataset, prune).await;
    let pruned = pruned.map_err(|error| match error {
        StoreError::Cursor => {
            ApiError::invalid_body(vec![ValidationError::new("custom", error.to_string(), &["until_cursor"])])
        }
        error => error.into(),
    })?;
    if pruned.count > 0 {
        call.state.clear_removed();
    }
    Reply::ok(&PruneJson::new(&pruned))
}
