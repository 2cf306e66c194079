//! Report of an import from another server.

use serde::Serialize;

/// Result of the import of a connection, or the result that it would have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ImportStatus {
    /// It was added.
    Created,
    /// It got the values of the source.
    Updated,
    /// It has the values of the source already.
    Unchanged,
    /// It changed here after its last change at the source, and was kept.
    Newer,
    /// It could not be imported.
    Skipped,
}

/// Connection of a report.
#[derive(Debug, Serialize)]
pub(crate) struct ImportedConnection {
    provider_config_key: String,
    connection_id: String,
    /// Result of its import.
    pub status: ImportStatus,
    /// Reason why it was skipped.
    pub reason: Option<String>,
    /// Names of the values that cannot be stored here.
    pub ignored: Vec<String>,
}

impl ImportedConnection {
    /// Creates the entry of a connection.
    pub(crate) fn new(integration: &str, id: &str, status: ImportStatus) -> Self {
        Self {
            provider_config_key: integration.to_owned(),
            connection_id: id.to_owned(),
            status,
            reason: None,
            ignored: Vec::new(),
        }
    }

    /// Returns the name of the connection for messages.
    pub(crate) fn label(&self) -> String {
        format!("connection {} of {}", self.connection_id, self.provider_config_key)
    }
}

/// Integration of a report.
#[derive(Debug, Serialize)]
pub(crate) struct ImportedIntegration {
    pub unique_key: String,
    pub provider: String,
    /// Whether connections can be used here as they are used at the source.
    pub ready: bool,
    /// Settings that are missing here.
    pub problems: Vec<String>,
    /// Entry of the configuration file; `null` if nothing is missing.
    pub configuration: Option<String>,
    /// Environment variables that must have the secrets of the app.
    pub environment: Vec<String>,
}

/// Number of connections of each status.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct ImportSummary {
    pub created: u64,
    pub updated: u64,
    pub unchanged: u64,
    pub newer: u64,
    pub skipped: u64,
}

impl ImportSummary {
    /// Counts connections by their status.
    pub(crate) fn of(connections: &[ImportedConnection]) -> Self {
        let mut summary = Self::default();
        for connection in connections {
            *match connection.status {
                ImportStatus::Created => &mut summary.created,
                ImportStatus::Updated => &mut summary.updated,
                ImportStatus::Unchanged => &mut summary.unchanged,
                ImportStatus::Newer => &mut summary.newer,
                ImportStatus::Skipped => &mut summary.skipped,
            } += 1;
        }
        summary
    }
}

/// Report of an import: `{ "host", "dry_run", "error", "integrations", "connections", "summary" }`.
#[derive(Debug, Serialize)]
pub(crate) struct ImportJson<'a> {
    pub host: &'a str,
    pub dry_run: bool,
    /// Reason why the import ended before the last connection.
    pub error: Option<&'a str>,
    pub integrations: &'a [ImportedIntegration],
    pub connections: &'a [ImportedConnection],
    pub summary: ImportSummary,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn report_names_connections_and_counts_them() {
        let skipped = ImportedConnection {
            reason: Some("why".into()),
            ..ImportedConnection::new("hubspot", "b", ImportStatus::Skipped)
        };
        let connections = [ImportedConnection::new("hubspot", "a", ImportStatus::Created), skipped];
        let report = ImportJson {
            host: "https://n.example",
            dry_run: true,
            error: None,
            integrations: &[],
            connections: &connections,
            summary: ImportSummary::of(&connections),
        };
        assert_eq!(
            json!(report),
            json!({
                "host": "https://n.example", "dry_run": true, "error": null, "integrations": [],
                "connections": [
                    {
                        "provider_config_key": "hubspot", "connection_id": "a", "status": "created", "reason": null,
                        "ignored": [],
                    },
                    {
                        "provider_config_key": "hubspot", "connection_id": "b", "status": "skipped", "reason": "why",
                        "ignored": [],
                    },
                ],
                "summary": { "created": 1, "updated": 0, "unchanged": 0, "newer": 0, "skipped": 1 },
            })
        );
        assert_eq!(connections[0].label(), "connection a of hubspot");
    }
}
