//! Routes of functions. They are part of the program, so they are only read.

use axum::http::{Method, StatusCode};
use serde_json::Value;

use super::integrations;
use crate::{
    auth::Scope,
    server::{
        call::Call,
        reply::Reply,
        route::{Access, ErrorDoc, Parameter, ReplyDoc, Route, Rule, schema_of},
    },
    wire::{
        ApiError, TextRule,
        api::{Data, DeployedFunction, FunctionList, FunctionListQuery, FunctionQuery},
    },
};

const INTEGRATION: Parameter = Parameter::path("unique_key", TextRule::UNIQUE_KEY, "Unique key of the integration");
const NAME: Parameter = Parameter::path("name", TextRule::NAME, "Name of the function");
const TYPE: Parameter =
    Parameter::query("type", Rule::OneOf(&["sync", "action", "on-event"]), "Kind of the function; any without it");
const NOT_FOUND: ErrorDoc = ErrorDoc {
    status: StatusCode::NOT_FOUND,
    codes: &[("not_found", "the integration or the function does not exist")],
};

pub(super) const ROUTES: &[Route] = &[
    Route {
        method: Method::GET,
        path: "/providers/{provider}/templates",
        id: "listTemplates",
        summary: "Lists the templates of functions of a provider. There are none: functions are part of the program.",
        access: Access::Key(&[Scope::IntegrationsList, Scope::IntegrationsRead, Scope::FunctionsList]),
        parameters: &[Parameter::path("provider", TextRule::NAME, "Name of the provider")],
        body: None,
        replies: &[ReplyDoc::ok(schema_of::<Data<Vec<Value>>>, "An empty list.")],
        errors: &[],
        handler: |_| Box::pin(async { Reply::ok(&Data { data: Vec::<Value>::new() }) }),
    },
    Route {
        method: Method::GET,
        path: "/integrations/{unique_key}/functions",
        id: "listFunctions",
        summary: "Lists the functions of an integration.",
        access: Access::Key(&[Scope::IntegrationsListFunctions, Scope::FunctionsList]),
        parameters: &[
            INTEGRATION,
            TYPE,
            Parameter::query("search", Rule::Text(TextRule::any(1, 255)), "Text in the name or the description"),
            Parameter::query("page", Rule::Integer { min: 0, max: u32::MAX as u64 }, "Number of the page, from 0"),
            Parameter::query("limit", Rule::Integer { min: 1, max: 100 }, "Maximum number; 20 without it"),
        ],
        body: None,
        replies: &[ReplyDoc::ok(schema_of::<FunctionList<'_>>, "The functions, by kind and name.")],
        errors: &[integrations::UNKNOWN],
        handler: |call| Box::pin(async move { list(&call) }),
    },
    Route {
        method: Method::GET,
        path: "/integrations/{unique_key}/functions/{name}",
        id: "getFunction",
        summary: "Returns a function. Of several kinds with this name, the first one in the order of lists.",
        access: Access::Key(&[Scope::FunctionsRead]),
        parameters: &[INTEGRATION, NAME, TYPE],
        body: None,
        replies: &[ReplyDoc::ok(schema_of::<Data<DeployedFunction<'_>>>, "The function.")],
        errors: &[NOT_FOUND],
        handler: |call| Box::pin(async move { get(&call) }),
    },
    Route {
        method: Method::DELETE,
        path: "/integrations/{unique_key}/functions/{name}",
        id: "deleteFunction",
        summary: "Refuses to delete a function: it is part of the program.",
        access: Access::Key(&[Scope::FunctionsDelete]),
        parameters: &[
            INTEGRATION,
            NAME,
            Parameter::query("type", Rule::OneOf(&["sync", "action"]), "Kind of the function").required(),
        ],
        body: None,
        replies: &[],
        errors: &[
            ErrorDoc {
                status: StatusCode::BAD_REQUEST,
                codes: &[("function_managed_by_deploy", "the function is part of the program")],
            },
            NOT_FOUND,
        ],
        handler: |call| Box::pin(async move { delete(&call) }),
    },
    Route {
        method: Method::GET,
        path: "/integrations/{unique_key}/functions/{name}/code",
        id: "getFunctionCode",
        summary: "Refuses to return the source of a function: the program does not contain it.",
        access: Access::Key(&[Scope::FunctionsRead]),
        parameters: &[INTEGRATION, NAME, TYPE],
        body: None,
        replies: &[],
        errors: &[ErrorDoc {
            status: StatusCode::NOT_FOUND,
            codes: &[("not_found", "the program does not contain the source of its functions")],
        }],
        handler: |call| Box::pin(async move { code(&call) }),
    },
];

fn list(call: &Call) -> Result<Reply, ApiError> {
    let query: FunctionListQuery = call.query()?;
    let key = call.path("unique_key");
    let integration = call.integration(key).ok_or_else(|| integrations::unknown(key))?;
    let entries = call.state.runtime.registry.of(&integration.key);
    Reply::ok(&FunctionList::new(entries, &query, call.state.started_at))
}

/// Returns the function in the path.
fn find(call: &Call) -> Result<DeployedFunction<'_>, ApiError> {
    let query: FunctionQuery = call.query()?;
    let (key, name) = (call.path("unique_key"), call.path("name"));
    call.integration(key).ok_or_else(|| integrations::unknown(key))?;
    let found = DeployedFunction::find(call.state.runtime.registry.of(key), name, &query, call.state.started_at);
    found.ok_or_else(|| ApiError::not_found(format!("the integration `{key}` has no function `{name}` of this kind")))
}

fn get(call: &Call) -> Result<Reply, ApiError> {
    Reply::ok(&Data { data: find(call)? })
}

fn code(call: &Call) -> Result<Reply, ApiError> {
    find(call)?;
    Err(ApiError::not_found("the program does not contain the source of its functions"))
}

fn delete(call: &Call) -> Result<Reply, ApiError> {
    find(call)?;
    let message = format!(
        "the function `{}` is part of the program: remove it from the source, and start the new program",
        call.path("name")
    );
    Err(ApiError::new(StatusCode::BAD_REQUEST, "function_managed_by_deploy").message(message))
}
