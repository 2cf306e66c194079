//! Route of actions.

use axum::http::{Method, StatusCode};

use crate::{
    auth::Scope,
    engine::EngineError,
    error::Error,
    run::{RunRequest, Target, UnknownConnection},
    server::{
        booleans,
        call::Call,
        reply::Reply,
        route::{Access, Body, ErrorDoc, Parameter, Place, ReplyDoc, Route, Rule, schema_of},
    },
    wire::{
        ApiError, RegistryOutput, TextRule, ValidationError,
        api::{ActionBody, action_error, invalid_input},
    },
};

pub(super) const ROUTES: &[Route] = &[Route {
    method: Method::POST,
    path: "/action/trigger",
    id: "triggerAction",
    summary: "Runs an action and returns its output. A client that disconnects does not cancel it.",
    access: Access::Key(&[Scope::ActionsExecute]),
    parameters: &[
        Parameter::header("Connection-Id", TextRule::CONNECTION_ID, "Id of the connection"),
        Parameter::header("Provider-Config-Key", TextRule::UNIQUE_KEY, "Unique key of the integration"),
        Parameter {
            name: "X-Async",
            place: Place::Header,
            required: false,
            rule: Rule::Boolean,
            description: "Whether the response does not wait for the action. Only `false` is accepted",
        },
        Parameter {
            name: "X-Max-Retries",
            place: Place::Header,
            required: false,
            rule: Rule::Integer { min: 0, max: 5 },
            description: "Number of retries of an asynchronous action. It has no effect",
        },
    ],
    body: Some(Body { schema: schema_of::<ActionBody>, description: "Action and input." }),
    replies: &[ReplyDoc::ok(schema_of::<RegistryOutput>, "The output of the action, `null` if it has none.")],
    errors: &[
        ErrorDoc {
            status: StatusCode::BAD_REQUEST,
            codes: &[
                ("unknown_connection", "the connection does not exist"),
                ("invalid_action_input", "the input does not fit the type that the action declares"),
                ("invalid_credentials", "the credentials of the connection cannot be used"),
                ("invalid_sync_record", "the action saved a record that does not fit its model"),
            ],
        },
        ErrorDoc { status: StatusCode::NOT_FOUND, codes: &[("not_found", "the action does not exist")] },
        ErrorDoc { status: StatusCode::GONE, codes: &[("script_aborted", "the action was cancelled")] },
        ErrorDoc {
            status: StatusCode::FAILED_DEPENDENCY,
            codes: &[
                ("script_http_error", "a request of the action failed; `upstream` is the response of the API"),
                ("script_api_rate_limit_error", "the rate limit of the API requires a longer wait"),
            ],
        },
        ErrorDoc {
            status: StatusCode::TOO_MANY_REQUESTS,
            codes: &[("too_many_request", "as many actions are running as the limit allows")],
        },
        ErrorDoc {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            codes: &[
                ("action_script_runtime_error", "the action returned an error; `payload` is its value"),
                ("script_network_error", "the API did not respond"),
                ("script_internal_error", "the action failed"),
                ("checkpoint_conflict", "another run changed the checkpoint of the action"),
            ],
        },
    ],
    handler: |call| Box::pin(trigger(call)),
}];

async fn trigger(call: Call) -> Result<Reply, ApiError> {
    if call.header("x-async").and_then(booleans::parse) == Some(true) {
        let message = "asynchronous actions do not exist in this version: send the request without `X-Async`";
        return Err(ApiError::invalid_headers(vec![ValidationError::new("custom", message, &["x-async"])]));
    }
    let body: ActionBody = call.body()?;
    // The start of the run reads the connection.
    let (integration, connection) = call.names_of_headers()?;
    let target = match target(&call, integration, body) {
        Ok(target) => target,
        Err(error) => {
            call.connection_of_headers().await?;
            return Err(error);
        }
    };
    let write_later = call.header("idempotency-key").is_none();
    let request = RunRequest { write_later, ..RunRequest::new(integration, target, connection) };
    let report = call.state.engine.run_action(request).await.map_err(|error| not_started(&error))?;
    match report.error {
        Some(error) => Err(action_error(&error)),
        None => Reply::ok(&report.output),
    }
}

/// Returns the action that the body names, with its input.
fn target(call: &Call, integration: &str, body: ActionBody) -> Result<Target, ApiError> {
    let name: &str = body.action_name.as_ref();
    let action = call.state.runtime.registry.action(integration, name);
    let action =
        action.ok_or_else(|| ApiError::not_found(format!("the integration `{integration}` has no action `{name}`")))?;
    let input = body.input.unwrap_or_default();
    if let Some(declared) = action.input {
        (declared.check)(&input).map_err(|error| invalid_input(&error))?;
    }
    Ok(Target::Action { name: action.name.to_owned(), input })
}

/// Returns the error of an action that did not start.
fn not_started(error: &Error) -> ApiError {
    if let Some(UnknownConnection { key, .. }) = error.find() {
        return ApiError::unknown_connection(StatusCode::BAD_REQUEST, &key.integration, &key.connection);
    }
    match error.find::<EngineError>() {
        Some(EngineError::Busy { .. }) => {
            ApiError::new(StatusCode::TOO_MANY_REQUESTS, "too_many_request").message(error.to_string())
        }
        Some(EngineError::Stopping) => ApiError::stopping(),
        _ => action_error(error),
    }
}
