//! Routes of connections.

use std::sync::Arc;

use axum::http::{Method, StatusCode};

use super::integrations::UNKNOWN;
use crate::{
    auth::{Credentials, Scope},
    run::{self, AddFailure, NoopObserver},
    server::{
        call::Call,
        reply::Reply,
        route::{Access, Body, ErrorDoc, Parameter, ReplyDoc, Route, Rule, schema_of},
    },
    store::{Connection, ConnectionKey},
    wire::{
        ApiError, ConnectionDetail, ConnectionList, ConnectionRow, TextRule, ValidationError,
        api::{
            ConnectionListQuery, ConnectionPatch, ConnectionReadQuery, ImportBody, IntegrationOfConnection, Success,
            import_error, invalid_credentials,
        },
    },
};

const ID: Parameter = Parameter::path(crate::wire::CONNECTION_ID, TextRule::CONNECTION_ID, "Id of the connection");
const INTEGRATION: Parameter = Parameter::query(
    crate::wire::PROVIDER_CONFIG_KEY,
    Rule::Text(TextRule::UNIQUE_KEY),
    "Unique key of the integration",
)
.required();
const NOT_FOUND: ErrorDoc =
    ErrorDoc { status: StatusCode::NOT_FOUND, codes: &[("not_found", "the connection does not exist")] };
const UNKNOWN_INTEGRATION: (&str, &str) = ("unknown_provider_config", "the integration does not exist");

pub(super) const ROUTES: &[Route] = &[
    Route {
        method: Method::GET,
        path: "/connections",
        id: "listConnections",
        summary: "Lists connections without credentials.",
        access: Access::Key(&[Scope::ConnectionsList]),
        parameters: &[
            Parameter::query("connectionId", Rule::Text(TextRule::CONNECTION_ID), "Id of the connections"),
            Parameter::query(
                "search",
                Rule::Text(TextRule::any(0, 255)),
                "Text in the id, or in the display name or e-mail address of the end user",
            ),
            Parameter::query("endUserId", Rule::Text(TextRule::any(1, 255)), "Id of the end user"),
            Parameter::query(
                "integrationId",
                Rule::Text(TextRule::UNIQUE_KEYS),
                "Unique keys of integrations, separated by commas",
            ),
            Parameter::query(
                "endUserOrganizationId",
                Rule::Text(TextRule::any(1, 255)),
                "Id of the organization of the end user",
            ),
            Parameter::query(
                "tags",
                Rule::Map { key: TextRule::any(1, 64), value: TextRule::any(1, 255), max: 10 },
                "Tags that the connections have, as `tags[key]=value`",
            ),
            Parameter::query("limit", Rule::Integer { min: 1, max: 2_000 }, "Maximum number; 10000 without it"),
            Parameter::query("page", Rule::Integer { min: 0, max: u32::MAX as u64 }, "Number of the page, from 0"),
        ],
        body: None,
        replies: &[ReplyDoc::ok(schema_of::<ConnectionList<'_>>, "The connections, the oldest first.")],
        errors: &[],
        handler: |call| Box::pin(list(call)),
    },
    Route {
        method: Method::POST,
        path: "/connections",
        id: "importConnection",
        summary: "Adds a connection with credentials that the application already has, or replaces those of one.",
        access: Access::Key(&[Scope::ConnectionsCreate]),
        parameters: &[],
        body: Some(Body { schema: schema_of::<ImportBody>, description: "Connection to import." }),
        replies: &[ReplyDoc::ok(schema_of::<ConnectionDetail<'_>>, "The connection with its credentials.")
            .with_status(StatusCode::CREATED)],
        errors: &[
            ErrorDoc {
                status: StatusCode::BAD_REQUEST,
                codes: &[
                    ("connection_test_failed", "the provider does not accept the credentials"),
                    ("connection_validation_failed", "a function refused the connection"),
                ],
            },
            UNKNOWN,
        ],
        handler: |call| Box::pin(import(call)),
    },
    Route {
        method: Method::GET,
        path: "/connections/{connection_id}",
        id: "getConnection",
        summary: "Returns a connection. With its credentials, a token that is due is refreshed first.",
        access: Access::Key(&[Scope::ConnectionsRead, Scope::ConnectionsReadCredentials]),
        parameters: &[
            ID,
            INTEGRATION,
            Parameter::query("force_refresh", Rule::Boolean, "Whether the token is refreshed even if it is not due"),
            Parameter::query("refresh_token", Rule::Boolean, "Whether the response has the refresh token"),
            Parameter::query("refresh_github_app_jwt_token", Rule::Boolean, "The same as `force_refresh`"),
        ],
        body: None,
        replies: &[ReplyDoc::ok(
            schema_of::<ConnectionDetail<'_>>,
            "The connection. `credentials` is empty if the key may not read them.",
        )],
        errors: &[
            ErrorDoc {
                status: StatusCode::BAD_REQUEST,
                codes: &[
                    UNKNOWN_INTEGRATION,
                    ("invalid_credentials", "no token can be obtained; `payload.connection` is the connection"),
                ],
            },
            NOT_FOUND,
            ErrorDoc {
                status: StatusCode::FAILED_DEPENDENCY,
                codes: &[("invalid_credentials", "no token could be obtained; the next attempt is later")],
            },
        ],
        handler: |call| Box::pin(get(call)),
    },
    Route {
        method: Method::PATCH,
        path: "/connections/{connection_id}",
        id: "updateConnection",
        summary: "Changes the end user, the tags or the URL of webhooks of a connection.",
        access: Access::Key(&[Scope::ConnectionsUpdate]),
        parameters: &[ID, INTEGRATION],
        body: Some(Body { schema: schema_of::<ConnectionPatch>, description: "Values to change." }),
        replies: &[ReplyDoc::ok(schema_of::<Success>, "The connection was changed.")],
        errors: &[ErrorDoc { status: StatusCode::BAD_REQUEST, codes: &[UNKNOWN_INTEGRATION] }, NOT_FOUND],
        handler: |call| Box::pin(update(call)),
    },
    Route {
        method: Method::DELETE,
        path: "/connections/{connection_id}",
        id: "deleteConnection",
        summary: "Removes a connection with its records, after its `pre-connection-deletion` functions ran.",
        access: Access::Key(&[Scope::ConnectionsDelete]),
        parameters: &[ID, INTEGRATION],
        body: None,
        replies: &[ReplyDoc::ok(schema_of::<Success>, "The connection was removed.")],
        errors: &[ErrorDoc {
            status: StatusCode::BAD_REQUEST,
            codes: &[("unknown_connection", "the connection does not exist")],
        }],
        handler: |call| Box::pin(delete(call)),
    },
];

async fn list(call: Call) -> Result<Reply, ApiError> {
    let query: ConnectionListQuery = call.query()?;
    let query = query.into_query(call.caller.integrations.as_deref());
    let query = query.map_err(|error| ApiError::invalid_query_params(vec![error]))?;
    let runtime = &call.state.runtime;
    let found = runtime.store.find_connections(query).await?;
    let rows = found.iter().map(|one| ConnectionRow::new(one, runtime.config.provider_of(&one.integration)));
    Reply::ok(&rows.collect::<ConnectionList<'_>>())
}

/// Returns the connection of a request that names it in the path and its integration in the query.
async fn find(call: &Call, integration: &str) -> Result<Connection, ApiError> {
    if !call.has_integration(integration) {
        let message = format!("the integration `{integration}` does not exist");
        return Err(ApiError::new(StatusCode::BAD_REQUEST, "unknown_provider_config").message(message));
    }
    let id = call.path(crate::wire::CONNECTION_ID);
    let found = call.state.runtime.store.connection(integration, id).await?;
    found.ok_or_else(|| ApiError::not_found(format!("the connection `{id}` of `{integration}` does not exist")))
}

async fn get(call: Call) -> Result<Reply, ApiError> {
    let query: ConnectionReadQuery = call.query()?;
    let may_read_credentials = call.may(Scope::ConnectionsReadCredentials);
    if !may_read_credentials && (query.forces_refresh() || query.includes_refresh_token()) {
        return Err(ApiError::forbidden(&[Scope::ConnectionsReadCredentials]));
    }
    let stored = find(&call, &query.provider_config_key).await?;
    let runtime = &call.state.runtime;
    let provider = runtime.config.provider_of(&stored.integration);
    if !may_read_credentials {
        return Reply::ok(&ConnectionDetail::new(&stored, provider, None));
    }
    let current = run::current_credentials(runtime, stored.clone(), query.forces_refresh()).await;
    let current = current.map_err(|error| invalid_credentials(&error, &stored, provider))?;
    let shown = if query.includes_refresh_token() {
        current.credentials.clone()
    } else {
        current.credentials.without_refresh_token()
    };
    Reply::ok(&ConnectionDetail::new(&current.connection, provider, Some(credentials_json(shown))))
}

/// Returns the credentials without the secret configuration, which is part of the connection's configuration.
fn credentials_json(credentials: Credentials) -> serde_json::Value {
    credentials.with_config(serde_json::Map::new()).to_json(true)
}

async fn import(call: Call) -> Result<Reply, ApiError> {
    let body: ImportBody = call.body()?;
    let key = String::from(body.provider_config_key.clone());
    let integration = call.integration(&key).ok_or_else(|| super::integrations::unknown(&key))?;
    let runtime = call.state.runtime.clone();
    let provider = run::provider_of(&runtime, &integration.key)?;
    if let Some(message) = body.too_large_metadata(&runtime.config.limits) {
        return Err(ApiError::invalid_body(vec![ValidationError::new("custom", message, &["metadata"])]));
    }
    let new = body.into_connection(&provider, || runtime.clock.uuid().to_string(), runtime.clock.now());
    let new = new.map_err(|error| ApiError::invalid_body(vec![error]))?;
    let added = run::try_add_connection(&runtime, new, Arc::new(NoopObserver)).await;
    let added = added.map_err(|failure| match failure {
        AddFailure::Refused(error) => import_error("connection_validation_failed", &error),
        AddFailure::Other(error) => import_error("connection_test_failed", &error),
    })?;
    let opened = run::stored_credentials(&runtime, added.connection)?;
    let provider = runtime.config.provider_of(&opened.connection.integration);
    let detail =
        ConnectionDetail::new(&opened.connection, provider, Some(credentials_json(opened.credentials.clone())));
    Reply::json(StatusCode::CREATED, &detail.in_utc(&opened.connection))
}

async fn update(call: Call) -> Result<Reply, ApiError> {
    let query: IntegrationOfConnection = call.query()?;
    let change: ConnectionPatch = call.body()?;
    let stored = find(&call, &query.provider_config_key).await?;
    let ConnectionKey { integration, connection } = stored.key();
    let changed = call.state.runtime.store.change_profile(&integration, &connection, change.into_change()).await?;
    match changed {
        Some(_) => Reply::ok(&Success::new()),
        None => Err(ApiError::not_found(format!("the connection `{connection}` of `{integration}` does not exist"))),
    }
}

async fn delete(call: Call) -> Result<Reply, ApiError> {
    let query: IntegrationOfConnection = call.query()?;
    let (integration, id) = (query.provider_config_key, call.path(crate::wire::CONNECTION_ID));
    let runtime = &call.state.runtime;
    let removed = match call.integration(&integration) {
        Some(_) => run::remove_connection(runtime, &integration, id, Arc::new(NoopObserver)).await?,
        None => None,
    };
    if removed.is_none() {
        return Err(ApiError::unknown_connection(StatusCode::BAD_REQUEST, &integration, id));
    }
    call.state.clear_removed();
    Reply::ok(&Success::new())
}
