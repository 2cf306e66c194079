//! Route of the variables that functions read.

use axum::http::Method;

use crate::{
    auth::Scope,
    server::{
        call::Call,
        reply::Reply,
        route::{Access, ReplyDoc, Route, schema_of},
    },
    wire::{ApiError, api::EnvironmentVariable},
};

pub(super) const ROUTES: &[Route] = &[Route {
    method: Method::GET,
    path: "/environment-variables",
    id: "listEnvironmentVariables",
    summary: "Lists the environment variables of functions, in plain text.",
    access: Access::Key(&[Scope::VariablesRead]),
    parameters: &[],
    body: None,
    replies: &[ReplyDoc::ok(schema_of::<Vec<EnvironmentVariable<'_>>>, "The variables, by name.")],
    errors: &[],
    handler: |call| Box::pin(async move { list(&call) }),
}];

fn list(call: &Call) -> Result<Reply, ApiError> {
    let variables = &call.state.runtime.config.environment;
    let rows = variables.iter().map(|(name, value)| EnvironmentVariable { name, value });
    Reply::ok(&rows.collect::<Vec<_>>())
}
