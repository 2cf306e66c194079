//! The HTTP API of `registry serve`.
//!
//! One table, [`routes`], makes the router and the OpenAPI document, so a route without documentation cannot be served.
//! A request passes these steps: limits of its head and the header `Host` ([`service`]), the router, then the key, the
//! scope, the parameters and the body as the route declares them ([`dispatch`]), and its handler, which runs in a task
//! of its own: a client that disconnects cancels nothing.
//!
//! Invariants:
//! - Every response is JSON in the shapes of `wire`; only what the HTTP parser refuses has an empty body.
//! - Absolute URLs come from the setting `public_url`, never from a header of the request.
//! - The log has neither query strings nor bodies.

mod access_log;
mod body;
mod booleans;
mod call;
mod client_stream;
mod database_health;
mod dispatch;
mod document;
mod host_names;
mod integrations;
mod keys;
mod listener;
mod metrics;
mod openapi;
mod parameters;
mod query;
mod removed_content;
mod reply;
mod route;
mod router;
mod routes;
mod service;
mod state;
#[cfg(test)]
mod tests;

pub(crate) use access_log::{AccessRecord, ServerLog};
pub(crate) use listener::{Listeners, ServeError};
