//! Requests to another server with the same API, and its responses: the source of an import.
//!
//! Responses are read leniently: unknown fields are ignored, and optional ones may be missing or `null`.

mod connection;
mod integration;

use std::fmt::Write as _;

use serde::Deserialize;

use super::names::PROVIDER_CONFIG_KEY;
use crate::{error::HttpFailure, http::RequestSpec};
pub(crate) use connection::SourceConnection;
pub(crate) use integration::{SourceApp, SourceIntegration};

/// Number of connections in a page of the list.
pub(crate) const SOURCE_PAGE: usize = 500;
/// Number of retries of a request to the source.
const RETRIES: u32 = 4;
/// Maximum length of an error code that is shown.
const MAX_CODE: usize = 64;

/// Returns the request of all integrations.
pub(crate) fn source_integrations() -> RequestSpec {
    RequestSpec::get("/integrations").retries(RETRIES)
}

/// Returns the request of an integration with the credentials of its app.
pub(crate) fn source_integration(key: &str) -> RequestSpec {
    RequestSpec::get(format!("/integrations/{}", segment(key))).query("include", "credentials").retries(RETRIES)
}

/// Returns the request of a page of connections, counted from 0.
pub(crate) fn source_connections(page: usize) -> RequestSpec {
    RequestSpec::get("/connections")
        .query("limit", SOURCE_PAGE.to_string())
        .query("page", page.to_string())
        .retries(RETRIES)
}

/// Returns the request of a connection with its credentials.
pub(crate) fn source_connection(row: &SourceRow) -> RequestSpec {
    RequestSpec::get(format!("/connections/{}", segment(&row.id)))
        .query(PROVIDER_CONFIG_KEY, &row.integration)
        .query("refresh_token", "true")
        .retries(RETRIES)
}

/// Encodes a text as one segment of a path.
fn segment(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => encoded.push(char::from(byte)),
            // Writing to a String does not fail.
            other => {
                let _ = write!(encoded, "%{other:02X}");
            }
        }
    }
    encoded
}

/// Returns the error code in a failure of the source. Its message is left out, because it may quote a response of the
/// provider.
pub(crate) fn source_error_code(failure: &HttpFailure) -> Option<String> {
    let body = failure.json();
    let code = body.get("error")?.get("code")?.as_str()?;
    let is_code = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (!code.is_empty() && code.len() <= MAX_CODE && code.chars().all(is_code)).then(|| code.to_owned())
}

/// Response with a list of integrations, or with one.
#[derive(Debug, Deserialize)]
pub(crate) struct SourceData<T> {
    /// Content of the response.
    pub data: T,
}

/// Response with a page of connections.
#[derive(Debug, Deserialize)]
pub(crate) struct SourcePage {
    /// Connections without credentials.
    pub connections: Vec<SourceRow>,
}

/// Connection in the list of the source.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct SourceRow {
    /// Unique key of the integration.
    #[serde(rename = "provider_config_key")]
    pub integration: String,
    /// Id of the connection.
    #[serde(rename = "connection_id")]
    pub id: String,
    #[serde(default)]
    errors: Option<Vec<RowError>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct RowError {
    #[serde(default)]
    r#type: Option<String>,
}

impl SourceRow {
    /// Returns whether the source reports that the credentials cannot be used. Errors of syncs do not count.
    pub(crate) fn has_failed_credentials(&self) -> bool {
        self.errors.iter().flatten().any(|error| error.r#type.as_deref() == Some("auth"))
    }

    /// Returns the name of the connection for messages.
    pub(crate) fn label(&self) -> String {
        format!("connection {} of {}", self.id, self.integration)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::wire::CONNECTION_ID;

    #[test]
    fn requests_name_connections_in_the_path() {
        let row: SourceRow = serde_json::from_value(json!({
            "id": 1, "connection_id": "a/b c?", "provider_config_key": "x y", "provider": "x", "new_field": {},
            "errors": [{ "type": "sync", "log_id": "1" }],
        }))
        .unwrap();
        let spec = source_connection(&row);
        assert_eq!(spec.endpoint, "/connections/a%2Fb%20c%3F");
        assert_eq!(spec.query, [(PROVIDER_CONFIG_KEY, "x y"), ("refresh_token", "true")].map(owned));
        assert_eq!(source_integration("x y").endpoint, "/integrations/x%20y");
        assert_eq!(source_connections(2).query, [("limit", "500"), ("page", "2")].map(owned));
        assert_eq!((row.has_failed_credentials(), row.label().as_str()), (false, "connection a/b c? of x y"));
        let failed = json!({ CONNECTION_ID: "a", PROVIDER_CONFIG_KEY: "x", "errors": [{ "type": "auth" }] });
        assert!(serde_json::from_value::<SourceRow>(failed).unwrap().has_failed_credentials());
        let plain = json!({ CONNECTION_ID: "a", PROVIDER_CONFIG_KEY: "x", "errors": null });
        assert!(!serde_json::from_value::<SourceRow>(plain).unwrap().has_failed_credentials());
    }

    fn owned((name, value): (&str, &str)) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn only_the_code_of_an_error_is_shown() {
        let code = |body: &str| {
            let failure = HttpFailure::new(
                "GET".into(),
                "https://n.example/x".into(),
                400,
                crate::http::HeaderMap::new(),
                body.to_owned().into(),
                1,
            );
            source_error_code(&failure)
        };
        assert_eq!(
            code(r#"{"error":{"code":"unknown_account","message":"hush"}}"#).as_deref(),
            Some("unknown_account")
        );
        for body in ["<html>", "{}", r#"{"error":"x"}"#, r#"{"error":{"code":"a b"}}"#, r#"{"error":{"code":""}}"#] {
            assert_eq!(code(body), None, "{body}");
        }
    }
}
