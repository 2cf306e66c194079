//! Route of the functions of all integrations in one document.

use axum::http::Method;

use crate::{
    auth::Scope,
    server::{
        call::Call,
        reply::Reply,
        route::{Access, Parameter, ReplyDoc, Route, Rule, schema_of},
    },
    wire::{
        ApiError, TextRule,
        api::{OpenAiTools, ScriptsConfig, ScriptsQuery, scripts_config},
    },
};

pub(super) const ROUTES: &[Route] = &[Route {
    method: Method::GET,
    path: "/scripts/config",
    id: "getScriptsConfig",
    summary: "Returns the functions of all integrations, in Nango's format or as tools of language models.",
    access: Access::Key(&[Scope::FunctionsList, Scope::IntegrationsListFunctions]),
    parameters: &[Parameter::query(
        "format",
        Rule::Text(TextRule::any(0, 255)),
        "`openai`, or Nango's format for every other text",
    )],
    body: None,
    replies: &[ReplyDoc::ok(schema_of::<ScriptsConfig<'_>>, "The functions.")],
    errors: &[],
    handler: |call| Box::pin(async move { config(&call) }),
}];

fn config(call: &Call) -> Result<Reply, ApiError> {
    let query: ScriptsQuery = call.query()?;
    let runtime = &call.state.runtime;
    let may_use = |integration: &str| call.caller.may_use(integration);
    if query.is_openai() {
        return Reply::ok(&ScriptsConfig::OpenAi(OpenAiTools::new(&runtime.registry, may_use)));
    }
    let provider_of = |integration| runtime.config.provider_of(integration);
    Reply::ok(&scripts_config(&runtime.registry, may_use, provider_of, call.state.started_at))
}
