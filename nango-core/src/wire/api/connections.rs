//! Queries of connections.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    store::ConnectionQuery,
    wire::{TextRule, ValidationError},
};

/// Number of connections in a list whose limit is not given.
const DEFAULT_LIMIT: u32 = 10_000;

/// Query of the list of connections.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ConnectionListQuery {
    connection_id: Option<String>,
    search: Option<String>,
    end_user_id: Option<String>,
    integration_id: Option<String>,
    end_user_organization_id: Option<String>,
    tags: BTreeMap<String, String>,
    limit: Option<u32>,
    page: Option<u32>,
}

impl ConnectionListQuery {
    /// Returns the query of the database. `allowed` are the integrations to which the caller is limited; `None`: all.
    ///
    /// # Errors
    ///
    /// Fails if one of the integrations is not a unique key.
    pub(crate) fn into_query(self, allowed: Option<&[String]>) -> Result<ConnectionQuery, ValidationError> {
        let requested: Option<Vec<String>> =
            self.integration_id.map(|keys| keys.split(',').map(str::to_owned).collect());
        for key in requested.iter().flatten() {
            TextRule::UNIQUE_KEY.check(key, &["integrationId"])?;
        }
        let integrations = match (requested, allowed) {
            (requested, None) => requested,
            (None, Some(allowed)) => Some(allowed.to_vec()),
            (Some(requested), Some(allowed)) => {
                Some(requested.into_iter().filter(|key| allowed.contains(key)).collect())
            }
        };
        let limit = self.limit.unwrap_or(DEFAULT_LIMIT);
        Ok(ConnectionQuery {
            integrations,
            id: self.connection_id,
            search: self.search.filter(|text| !text.is_empty()),
            end_user: self.end_user_id,
            organization: self.end_user_organization_id,
            // Stored keys are in lower case.
            tags: self.tags.into_iter().map(|(key, value)| (key.to_ascii_lowercase(), value)).collect(),
            limit,
            offset: u64::from(limit) * u64::from(self.page.unwrap_or(0)),
        })
    }
}

/// Query of one connection.
#[derive(Debug, Deserialize)]
pub(crate) struct ConnectionReadQuery {
    /// Unique key of the integration.
    pub provider_config_key: String,
    #[serde(default)]
    force_refresh: bool,
    #[serde(default)]
    refresh_token: bool,
    #[serde(default)]
    refresh_github_app_jwt_token: bool,
}

impl ConnectionReadQuery {
    /// Returns whether the token is refreshed even if it is not due.
    pub(crate) fn forces_refresh(&self) -> bool {
        self.force_refresh || self.refresh_github_app_jwt_token
    }

    /// Returns whether the response contains the refresh token.
    pub(crate) fn includes_refresh_token(&self) -> bool {
        self.refresh_token
    }
}

/// Query that names the integration of a connection.
#[derive(Debug, Deserialize)]
pub(crate) struct IntegrationOfConnection {
    /// Unique key of the integration.
    pub provider_config_key: String,
}

/// Result of a change: `{ "success": true }`.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Success {
    success: bool,
}

impl Success {
    /// Creates the JSON of a successful change.
    pub(crate) fn new() -> Self {
        Self { success: true }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn query(value: Value, allowed: Option<&[String]>) -> ConnectionQuery {
        serde_json::from_value::<ConnectionListQuery>(value).unwrap().into_query(allowed).unwrap()
    }

    #[test]
    fn list_is_limited_to_the_integrations_of_the_key() {
        let allowed = ["a".to_owned(), "b".to_owned()];
        assert_eq!(query(json!({}), None).integrations, None);
        assert_eq!(query(json!({}), Some(&allowed)).integrations.unwrap(), allowed);
        assert_eq!(query(json!({ "integrationId": "b,c" }), Some(&allowed)).integrations.unwrap(), ["b"]);
        assert_eq!(query(json!({ "integrationId": "b,c" }), None).integrations.unwrap(), ["b", "c"]);
        let empty: ConnectionListQuery = serde_json::from_value(json!({ "integrationId": "a,,b" })).unwrap();
        assert_eq!(empty.into_query(None).unwrap_err().path, ["integrationId"]);
    }

    #[test]
    fn page_is_counted_in_limits() {
        let of = |value| {
            let query = query(value, None);
            (query.limit, query.offset)
        };
        assert_eq!(of(json!({})), (10_000, 0));
        assert_eq!(of(json!({ "limit": 20, "page": 3 })), (20, 60));
        assert_eq!(of(json!({ "page": u32::MAX })), (10_000, 42_949_672_950_000));
    }

    #[test]
    fn empty_search_selects_everything_and_keys_of_tags_are_lower_case() {
        assert_eq!(query(json!({ "search": "" }), None), ConnectionQuery::default());
        assert_eq!(query(json!({ "tags": { "Plan": "Pro" } }), None).tags, [("plan".into(), "Pro".into())].into());
    }
}
