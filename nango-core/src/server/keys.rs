//! Check of the API key of a request.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};

use super::state::ServerState;
use crate::{
    auth::{AuthenticationError, Caller, key_of_header},
    wire::ApiError,
};

/// Returns the caller of a request with these headers.
///
/// # Errors
///
/// Fails with 401 if the key is missing, malformed, unknown, revoked or expired, the last three with the same answer;
/// with 503 or 500 if the database fails.
pub(super) async fn caller(state: &ServerState, headers: &HeaderMap) -> Result<Caller, ApiError> {
    let given = headers.get_all(header::AUTHORIZATION).iter().map(HeaderValue::as_bytes);
    let checked = state.keys.authenticate(given).await;
    checked.map_err(|error| match error {
        AuthenticationError::Missing => ApiError::missing_auth_header(),
        AuthenticationError::Malformed => ApiError::malformed_auth_header(),
        AuthenticationError::Refused => ApiError::unknown_account(),
        AuthenticationError::Store(error) => {
            state.database.suspect();
            let failed = ApiError::from(&error);
            // Nothing was done yet.
            if failed.status() == StatusCode::SERVICE_UNAVAILABLE { ApiError::database_unavailable() } else { failed }
        }
    })
}

/// Returns the key that a request presents, so that its log record does not contain it.
pub(super) fn presented(headers: &HeaderMap) -> Option<&str> {
    key_of_header(headers.get(header::AUTHORIZATION)?.to_str().ok()?)
}
