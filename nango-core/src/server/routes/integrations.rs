//! Routes of integrations. The program and its configuration declare them, so they are only read.

use axum::http::{Method, StatusCode};

use crate::{
    auth::Scope,
    server::{
        call::Call,
        integrations::Integration,
        reply::Reply,
        route::{Access, Body, ErrorDoc, Parameter, ReplyDoc, Route, Rule, schema_of},
    },
    wire::{
        ApiError, TextRule,
        api::{AnyObject, Data, IntegrationJson, IntegrationQuery},
    },
};

/// Error of an integration that does not exist, or that the key may not use.
pub(super) const UNKNOWN: ErrorDoc =
    ErrorDoc { status: StatusCode::NOT_FOUND, codes: &[("not_found", "the integration does not exist")] };

pub(super) const ROUTES: &[Route] = &[
    Route {
        method: Method::GET,
        path: "/integrations",
        id: "listIntegrations",
        summary: "Lists the integrations.",
        access: Access::Key(&[Scope::IntegrationsList]),
        parameters: &[],
        body: None,
        replies: &[ReplyDoc::ok(schema_of::<Data<Vec<IntegrationJson<'_>>>>, "The integrations, by unique key.")],
        errors: &[],
        handler: |call| Box::pin(async move { list(&call) }),
    },
    Route {
        method: Method::GET,
        path: "/integrations/{unique_key}",
        id: "getIntegration",
        summary: "Returns an integration.",
        access: Access::Key(&[Scope::IntegrationsRead, Scope::IntegrationsReadCredentials]),
        parameters: &[
            Parameter::path("unique_key", TextRule::UNIQUE_KEY, "Unique key of the integration"),
            Parameter::query(
                "include",
                Rule::List { item: TextRule::INCLUDE, max: 10 },
                "Parts to add: `webhook`, and `credentials` if the key may read them",
            ),
        ],
        body: None,
        replies: &[ReplyDoc::ok(schema_of::<Data<IntegrationJson<'_>>>, "The integration.")],
        errors: &[UNKNOWN],
        handler: |call| Box::pin(async move { get(&call) }),
    },
    Route {
        method: Method::POST,
        path: "/integrations/quickstart",
        id: "createQuickstartIntegration",
        summary: "Refuses to create an integration with a shared app: this server has none.",
        access: Access::Key(&[Scope::IntegrationsCreate]),
        parameters: &[],
        body: Some(Body { schema: schema_of::<AnyObject>, description: "Integration; it is not read." }),
        replies: &[],
        errors: &[ErrorDoc {
            status: StatusCode::BAD_REQUEST,
            codes: &[("feature_disabled", "the server has no shared apps; register your own at the provider")],
        }],
        handler: |call| Box::pin(async move { quickstart(&call) }),
    },
];

fn list(call: &Call) -> Result<Reply, ApiError> {
    let known = call.state.integrations();
    let known = known.iter().filter(|integration| call.caller.may_use(&integration.key));
    Reply::ok(&Data { data: known.map(|one| to_json(call, one)).collect::<Vec<_>>() })
}

fn to_json<'a>(call: &Call, integration: &'a Integration) -> IntegrationJson<'a> {
    let Integration { key, provider, display_name, .. } = integration;
    IntegrationJson::new(key, provider, display_name, call.state.public_url(), call.state.started_at)
}

fn get(call: &Call) -> Result<Reply, ApiError> {
    let query: IntegrationQuery = call.query()?;
    let key = call.path("unique_key");
    let integration = call.integration(key).ok_or_else(|| unknown(key))?;
    let mut json = to_json(call, &integration);
    if query.includes_webhook() {
        json = json.with_webhook();
    }
    if query.includes_credentials() && call.may(Scope::IntegrationsReadCredentials) {
        json = json.with_credentials(integration.auth_mode, &call.state.runtime.config.app(key));
    }
    Reply::ok(&Data { data: json })
}

fn quickstart(call: &Call) -> Result<Reply, ApiError> {
    let _: AnyObject = call.body()?;
    Err(ApiError::new(StatusCode::BAD_REQUEST, "feature_disabled").message(
        "this server has no shared apps: register your own at the provider, declare the integration in the \
         program, and set its app under `[integrations]` in nango.toml",
    ))
}

/// Returns the error of an integration that does not exist, or that the key may not use.
pub(super) fn unknown(key: &str) -> ApiError {
    ApiError::not_found(format!("the integration `{key}` does not exist"))
}
