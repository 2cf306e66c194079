//! Routes of the catalogue of providers.

use axum::http::{Method, StatusCode};
use serde::Deserialize;

use crate::{
    auth::Scope,
    server::{
        call::Call,
        reply::Reply,
        route::{Access, ErrorDoc, Parameter, ReplyDoc, Route, Rule, schema_of},
    },
    wire::{ApiError, ProviderJson, TextRule, api::Data},
};

/// Scopes that see the catalogue: it has no secrets, so each one of integrations is enough.
const ACCESS: Access = Access::Key(&[Scope::IntegrationsList, Scope::IntegrationsRead, Scope::IntegrationsCreate]);

pub(super) const ROUTES: &[Route] = &[
    Route {
        method: Method::GET,
        path: "/providers",
        id: "listProviders",
        summary: "Lists the providers of the catalogue.",
        access: ACCESS,
        parameters: &[Parameter::query(
            "search",
            Rule::Text(TextRule::UNIQUE_KEY),
            "Part of the name of the provider, in lower or upper case",
        )],
        body: None,
        replies: &[ReplyDoc::ok(schema_of::<Data<Vec<ProviderJson<'_>>>>, "The providers, by name.")],
        errors: &[],
        handler: |call| Box::pin(async move { list(&call) }),
    },
    Route {
        method: Method::GET,
        path: "/providers/{provider}",
        id: "getProvider",
        summary: "Returns a provider of the catalogue.",
        access: ACCESS,
        parameters: &[Parameter::path("provider", TextRule::NAME, "Name of the provider")],
        body: None,
        replies: &[ReplyDoc::ok(schema_of::<Data<ProviderJson<'_>>>, "The provider.")],
        errors: &[ErrorDoc {
            status: StatusCode::NOT_FOUND,
            codes: &[("not_found", "the catalogue has no such provider")],
        }],
        handler: |call| Box::pin(async move { get(&call) }),
    },
];

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ListQuery {
    search: Option<String>,
}

fn list(call: &Call) -> Result<Reply, ApiError> {
    let ListQuery { search } = call.query()?;
    let search = search.map(|text| text.to_lowercase());
    let providers = call.state.runtime.catalogue.providers();
    let found =
        providers.filter(|provider| search.as_ref().is_none_or(|text| provider.name.to_lowercase().contains(text)));
    let data: Vec<ProviderJson<'_>> =
        found.map(|provider| ProviderJson::new(provider, call.state.public_url())).collect();
    Reply::ok(&Data { data })
}

fn get(call: &Call) -> Result<Reply, ApiError> {
    let name = call.path("provider");
    let provider = call.state.runtime.catalogue.get(name);
    let provider = provider.ok_or_else(|| ApiError::not_found(format!("the provider `{name}` does not exist")))?;
    Reply::ok(&Data { data: ProviderJson::new(provider, call.state.public_url()) })
}
