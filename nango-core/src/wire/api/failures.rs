//! Errors of connections: credentials that cannot be used, and imports that are refused.

use reqwest::StatusCode;
use serde_json::json;

use crate::{
    auth::{CredentialError, InjectError, KeyError, RefreshError},
    error::{Error, ErrorKind},
    provider::{ConnectionConfigError, ResolveError},
    store::{Connection, StoreError},
    wire::{ApiError, ConnectionDetail, ValidationError},
};

/// Returns the error of a connection for which no token can be obtained. Its payload has the connection without
/// credentials.
pub(crate) fn invalid_credentials(error: &Error, connection: &Connection, provider: &str) -> ApiError {
    let status = match error.downcast_ref::<RefreshError>() {
        Some(RefreshError::RetryLater { .. }) => StatusCode::FAILED_DEPENDENCY,
        Some(RefreshError::Store { .. } | RefreshError::Aborted { .. }) => return error.into(),
        _ if error.find::<StoreError>().is_some() => return error.into(),
        _ => StatusCode::BAD_REQUEST,
    };
    let connection = serde_json::to_value(ConnectionDetail::new(connection, provider, None)).unwrap_or_default();
    let failed = ApiError::new(status, "invalid_credentials").message(error.to_string());
    let failed = failed.payload(json!({ "connection": connection }));
    match error.downcast_ref::<RefreshError>() {
        Some(RefreshError::RetryLater { wait, .. }) => failed.retry_after(*wait),
        _ => failed,
    }
}

/// Returns the error of an import. Values that do not fit the provider are errors of the body; `code` is that of every
/// other reason.
pub(crate) fn import_error(code: &'static str, error: &Error) -> ApiError {
    let is_config = error.downcast_ref::<ConnectionConfigError>().is_some()
        || matches!(error.downcast_ref::<ResolveError>(), Some(error) if error.missing().is_some());
    let is_credentials =
        error.downcast_ref::<InjectError>().is_some() || error.downcast_ref::<CredentialError>().is_some();
    if is_config || is_credentials {
        let path = if is_config { "connection_config" } else { "credentials" };
        return ApiError::invalid_body(vec![ValidationError::new("custom", error.to_string(), &[path])]);
    }
    let is_internal = error.find::<StoreError>().is_some()
        || error.find::<KeyError>().is_some()
        || matches!(error.kind(), ErrorKind::Internal | ErrorKind::Store);
    if is_internal && error.action().is_none() {
        return error.into();
    }
    let failed = ApiError::new(StatusCode::BAD_REQUEST, code).message(error.to_string());
    match error.action() {
        Some(refusal) => failed.payload(error.hide_value(refusal.payload().clone())),
        None => failed,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::Value;

    use super::*;
    use crate::{error::ActionError, wire::connections::tests::connection};

    fn json(error: &ApiError) -> (u16, Value) {
        (error.status().as_u16(), serde_json::to_value(error.body()).unwrap())
    }

    #[test]
    fn refused_credentials_are_an_error_of_the_request_and_later_attempts_a_dependency() {
        let of = |error: RefreshError| invalid_credentials(&error.into_error(), &connection(), "github");
        let (integration, id, reason) = ("github".to_owned(), "acme".to_owned(), "revoked".to_owned());
        let refused = of(RefreshError::Refused { integration, connection: id.clone(), reason: reason.clone() });
        let (status, body) = json(&refused);
        assert_eq!((status, &body["error"]["code"]), (400, &json!("invalid_credentials")));
        assert_eq!(body["error"]["payload"]["connection"]["credentials"], json!({}));
        assert_eq!(refused.wait(), None);
        let wait = Duration::from_secs(30);
        let later = of(RefreshError::RetryLater { connection: id, reason, wait });
        let (status, body) = json(&later);
        assert_eq!((status, &body["error"]["code"]), (424, &json!("invalid_credentials")));
        assert_eq!(later.wait(), Some(wait));
    }

    #[test]
    fn import_error_distinguishes_body_provider_and_server() {
        let of = |error: Error| json(&import_error("connection_test_failed", &error));
        let missing = ResolveError::MissingConfig { integration: "jira".into(), name: "subdomain".into() };
        let (status, body) = of(Error::new(ErrorKind::Connection, missing));
        assert_eq!((status, &body["error"]["code"]), (400, &json!("invalid_body")));
        assert_eq!(body["error"]["errors"][0]["path"], json!(["connection_config"]));
        let (status, body) = of(Error::new(ErrorKind::Connection, "the credentials are refused"));
        assert_eq!((status, &body["error"]["code"]), (400, &json!("connection_test_failed")));
        let (_, body) = of(Error::from(ActionError::new(json!({ "plan": "free" }))).context("refused"));
        assert_eq!(body["error"]["payload"], json!({ "plan": "free" }));
        assert_eq!(of(Error::new(ErrorKind::Store, StoreError::Disconnected)).0, 503);
        assert_eq!(of(Error::msg("bug")).1["error"]["code"], json!("server_error"));
    }
}
