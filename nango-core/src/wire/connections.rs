//! JSON of connections: rows of lists, and details of one connection. Only the details contain credentials, and only if
//! the caller provides them.

use std::collections::BTreeMap;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    errors::WireError,
    providers::LifecycleJson,
    runs::RunJson,
    time::{millis, millis_utc},
};
use crate::{
    error::Error,
    provider::Lifecycle,
    run::{ConnectionTest, RunReport},
    store::{Connection, EndUser, Organization, RefreshFailure},
};

/// Connection as an entry of a list.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Connection")]
pub(crate) struct ConnectionRow<'a> {
    id: i64,
    connection_id: &'a str,
    provider_config_key: &'a str,
    provider: &'a str,
    auth_mode: &'a str,
    errors: Vec<ConnectionError<'a>>,
    end_user: Option<EndUserJson<'a>>,
    tags: &'a BTreeMap<String, String>,
    metadata: &'a Map<String, Value>,
    created: String,
    /// Not in Nango: the end of support of the provider's entry, if the entry states one.
    #[serde(skip_serializing_if = "Option::is_none")]
    lifecycle: Option<LifecycleJson<'a>>,
}

impl<'a> ConnectionRow<'a> {
    /// Creates the row of a connection whose integration uses this provider.
    pub(crate) fn new(connection: &'a Connection, provider: &'a str) -> Self {
        Self {
            id: connection.row,
            connection_id: &connection.id,
            provider_config_key: &connection.integration,
            provider,
            auth_mode: &connection.auth,
            errors: connection.failure.as_ref().map(ConnectionError::new).into_iter().collect(),
            end_user: connection.profile.end_user.as_ref().map(EndUserJson::new),
            tags: &connection.profile.tags,
            metadata: &connection.metadata,
            created: millis_utc(connection.created_at),
            lifecycle: None,
        }
    }

    /// Adds the lifecycle of the provider's entry; `today` determines whether support has ended.
    #[must_use]
    pub(crate) fn lifecycle(mut self, lifecycle: Option<&'a Lifecycle>, today: Date) -> Self {
        self.lifecycle = lifecycle.map(|lifecycle| LifecycleJson::new(lifecycle, today));
        self
    }
}

/// User of the application to whom a connection belongs. All keys are present.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "EndUser")]
pub(super) struct EndUserJson<'a> {
    id: &'a str,
    display_name: Option<&'a str>,
    email: Option<&'a str>,
    tags: Option<&'a BTreeMap<String, String>>,
    organization: Option<OrganizationJson<'a>>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Organization")]
struct OrganizationJson<'a> {
    id: &'a str,
    display_name: Option<&'a str>,
}

impl<'a> EndUserJson<'a> {
    fn new(user: &'a EndUser) -> Self {
        let EndUser { id, display_name, email, tags, organization } = user;
        let organization = organization
            .as_ref()
            .map(|Organization { id, display_name }| OrganizationJson { id, display_name: display_name.as_deref() });
        Self { id, display_name: display_name.as_deref(), email: email.as_deref(), tags: tags.as_ref(), organization }
    }
}

/// Failure of a connection's token refresh. `message` and `failed_at` do not exist in Nango.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct ConnectionError<'a> {
    r#type: &'static str,
    log_id: &'static str,
    message: &'a str,
    failed_at: String,
    must_reconnect: bool,
}

impl<'a> ConnectionError<'a> {
    fn new(failure: &'a RefreshFailure) -> Self {
        let failed_at = millis_utc(failure.failed_at);
        Self { r#type: "auth", log_id: "", message: &failure.message, failed_at, must_reconnect: failure.refused }
    }
}

/// Result of a connection test: `{ "success", "request", "token_renewed", "token_expires_at", "error" }`.
#[derive(Debug, Serialize)]
pub(crate) struct ConnectionTestJson<'a> {
    connection_id: &'a str,
    provider_config_key: &'a str,
    success: bool,
    request: Option<&'a str>,
    token_renewed: bool,
    token_expires_at: Option<String>,
    error: Option<WireError>,
}

impl<'a> ConnectionTestJson<'a> {
    /// Creates the JSON of a successful test.
    pub(crate) fn succeeded(connection: &'a Connection, tested: &'a ConnectionTest) -> Self {
        Self {
            success: true,
            request: tested.request.as_deref(),
            token_renewed: tested.refreshed,
            token_expires_at: tested.token_expires_at.map(millis_utc),
            ..Self::from_connection(connection)
        }
    }

    /// Creates the JSON of a failed test.
    pub(crate) fn failed(connection: &'a Connection, error: &Error) -> Self {
        Self { error: Some(WireError::of(error)), ..Self::from_connection(connection) }
    }

    fn from_connection(connection: &'a Connection) -> Self {
        Self {
            connection_id: &connection.id,
            provider_config_key: &connection.integration,
            success: false,
            request: None,
            token_renewed: false,
            token_expires_at: None,
            error: None,
        }
    }
}

/// Details of a single connection.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ConnectionDetail<'a> {
    #[serde(flatten)]
    row: ConnectionRow<'a>,
    connection_config: &'a Map<String, Value>,
    webhook_url_override: Option<&'a str>,
    created_at: String,
    updated_at: String,
    last_fetched_at: Option<()>,
    credentials: Value,
}

impl<'a> ConnectionDetail<'a> {
    /// Creates the details of a connection. `credentials` is `None` if the caller may not see them: the JSON
    /// contains `{}` then.
    pub(crate) fn new(connection: &'a Connection, provider: &'a str, credentials: Option<Value>) -> Self {
        Self {
            row: ConnectionRow::new(connection, provider),
            connection_config: &connection.config,
            webhook_url_override: connection.profile.webhook_url.as_deref(),
            created_at: millis(connection.created_at),
            updated_at: millis(connection.updated_at),
            last_fetched_at: None,
            credentials: credentials.unwrap_or_else(|| Value::Object(Map::new())),
        }
    }

    /// Writes the times like those of lists, as the response to an import does.
    #[cfg(feature = "server")]
    #[must_use]
    pub(crate) fn in_utc(mut self, connection: &Connection) -> Self {
        self.created_at = millis_utc(connection.created_at);
        self.updated_at = millis_utc(connection.updated_at);
        self
    }
}

/// List of connections: `{ "connections": [ … ] }`.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ConnectionList<'a> {
    connections: Vec<ConnectionRow<'a>>,
}

impl<'a> FromIterator<ConnectionRow<'a>> for ConnectionList<'a> {
    fn from_iter<I: IntoIterator<Item = ConnectionRow<'a>>>(rows: I) -> Self {
        Self { connections: rows.into_iter().collect() }
    }
}

/// Metadata of a connection after a change: `{ "connection_id", "provider_config_key", "metadata" }`.
#[derive(Debug, Serialize)]
pub(crate) struct MetadataJson<'a> {
    connection_id: &'a str,
    provider_config_key: &'a str,
    metadata: &'a Value,
}

impl<'a> MetadataJson<'a> {
    /// Creates the JSON of a connection's current metadata.
    pub(crate) fn new(integration: &'a str, connection: &'a str, metadata: &'a Value) -> Self {
        Self { connection_id: connection, provider_config_key: integration, metadata }
    }
}

/// Result of adding a connection: its details, `operation` (`creation`, or `override` if an existing connection
/// received new credentials), and `events`, the runs of its event functions.
#[derive(Debug, Serialize)]
pub(crate) struct AddedJson<'a> {
    #[serde(flatten)]
    connection: ConnectionDetail<'a>,
    operation: &'static str,
    events: Vec<RunJson<'a>>,
}

impl<'a> AddedJson<'a> {
    /// Creates the JSON of an added connection.
    pub(crate) fn new(connection: ConnectionDetail<'a>, new: bool, events: &'a [RunReport]) -> Self {
        let operation = if new { "creation" } else { "override" };
        Self { connection, operation, events: events.iter().map(RunJson::new).collect() }
    }
}

/// Result of removing a connection: `{ "success": true, "records" }`.
#[derive(Debug, Serialize)]
pub(crate) struct RemovedJson {
    success: bool,
    records: u64,
}

impl RemovedJson {
    /// Creates the JSON of a removal that also removed this number of records.
    pub(crate) fn new(records: u64) -> Self {
        Self { success: true, records }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::json;

    use super::*;
    use crate::{store::ConnectionProfile, time::Timestamp};

    /// Returns a connection with metadata.
    pub(in crate::wire) fn connection() -> Connection {
        Connection {
            version: 1,
            refresh_at: None,
            failure: None,
            profile: ConnectionProfile::default(),
            row: 3,
            integration: "github".into(),
            id: "acme".into(),
            auth: "API_KEY".into(),
            credentials: b"sealed".to_vec(),
            config: Map::new(),
            metadata: json!({ "owner": "acme" }).as_object().cloned().unwrap_or_default(),
            created_at: Timestamp::from_micros(1_795_348_800_000_000),
            updated_at: Timestamp::from_micros(1_795_348_800_000_000),
        }
    }

    #[test]
    fn list_times_are_utc_and_detail_times_have_offset() {
        let connection = connection();
        let row = serde_json::to_value(ConnectionRow::new(&connection, "github")).unwrap();
        assert_eq!(
            row,
            json!({
                "id": 3, "connection_id": "acme", "provider_config_key": "github", "provider": "github",
                "auth_mode": "API_KEY", "errors": [], "end_user": null, "tags": {}, "metadata": { "owner": "acme" },
                "created": "2026-11-22T12:00:00.000Z",
            })
        );
        let mut described = connection.clone();
        described.profile = ConnectionProfile {
            end_user: Some(EndUser {
                id: "u".into(),
                display_name: None,
                email: Some("u@example.com".into()),
                tags: None,
                organization: Some(Organization { id: "o".into(), display_name: None }),
            }),
            tags: [("plan".to_owned(), "pro".to_owned())].into(),
            webhook_url: Some("https://hooks.example".into()),
        };
        let full = serde_json::to_value(ConnectionDetail::new(&described, "github", None)).unwrap();
        assert_eq!(
            full["end_user"],
            json!({
                "id": "u", "display_name": null, "email": "u@example.com", "tags": null,
                "organization": { "id": "o", "display_name": null },
            })
        );
        assert_eq!(full["tags"], json!({ "plan": "pro" }));
        assert_eq!(full["webhook_url_override"], "https://hooks.example");
        let detail = serde_json::to_value(ConnectionDetail::new(&connection, "github", None)).unwrap();
        assert_eq!(detail["created_at"], "2026-11-22T12:00:00.000+00:00");
        assert_eq!(detail["credentials"], json!({}));
        let list: ConnectionList<'_> = [ConnectionRow::new(&connection, "github")].into_iter().collect();
        assert_eq!(serde_json::to_value(list).unwrap(), json!({ "connections": [row] }));
        let shown = ConnectionDetail::new(&connection, "github", Some(json!({ "apiKey": "k" })));
        assert_eq!(serde_json::to_value(shown).unwrap()["credentials"], json!({ "apiKey": "k" }));
    }

    #[test]
    fn change_json_names_its_connection() {
        let value = |json: serde_json::Result<Value>| json.unwrap();
        assert_eq!(
            value(serde_json::to_value(MetadataJson::new("github", "acme", &json!({ "a": 1 })))),
            json!({ "connection_id": "acme", "provider_config_key": "github", "metadata": { "a": 1 } })
        );
        assert_eq!(value(serde_json::to_value(RemovedJson::new(2))), json!({ "success": true, "records": 2 }));
    }
}
