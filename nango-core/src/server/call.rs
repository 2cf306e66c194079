//! A request as a handler receives it: key, parameters and body are checked.

use std::sync::Arc;

use axum::http::HeaderMap;
use bytes::Bytes;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::{body, query::Query, state::ServerState};
use crate::{
    auth::{Caller, Scope},
    wire::ApiError,
};

/// Request to a route.
pub(crate) struct Call {
    /// State of the server.
    pub state: Arc<ServerState>,
    /// Caller: the key of the request.
    pub caller: Caller,
    /// Id of the request, as in its log record.
    pub request: Uuid,
    /// Headers. Those of the route are checked.
    pub headers: HeaderMap,
    /// Body, within the limits.
    pub body: Bytes,
    pub(super) path: Vec<(String, String)>,
    pub(super) query: Query,
}

impl Call {
    /// Returns the value of a parameter of the path; empty if the route has no such parameter.
    pub(crate) fn path(&self, name: &str) -> &str {
        self.path.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// Decodes the query. Its keys and values were checked by the rules of the route.
    ///
    /// # Errors
    ///
    /// Fails with 400 `invalid_query_params` if it does not fit the type.
    pub(crate) fn query<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        self.query.decode().map_err(|error| ApiError::invalid_query_params(vec![error]))
    }

    /// Decodes the body.
    ///
    /// # Errors
    ///
    /// Fails with 400 `invalid_json` or `invalid_body`.
    pub(crate) fn body<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        body::decode(&self.body)
    }

    /// Returns the value of a header; `None` if it is missing or not text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns whether the key has the scope.
    pub(crate) fn may(&self, scope: Scope) -> bool {
        self.caller.may(scope)
    }
}
