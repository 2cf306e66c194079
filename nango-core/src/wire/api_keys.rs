//! JSON of API keys and of the key that signs webhooks.

use serde::Serialize;

use super::time::millis_utc;
use crate::{store::ApiKey, time::Timestamp};

/// API key as an entry of a list; does not contain the key.
#[derive(Debug, Serialize)]
pub(crate) struct ApiKeyRow<'a> {
    id: String,
    name: &'a str,
    status: &'static str,
    scopes: &'a [String],
    integrations: Option<&'a [String]>,
    created_at: String,
    expires_at: Option<String>,
    revoked_at: Option<String>,
    last_used_at: Option<String>,
}

impl<'a> ApiKeyRow<'a> {
    /// Creates the entry of a key at a time of the database's clock.
    pub(crate) fn new(key: &'a ApiKey, now: Timestamp) -> Self {
        Self {
            id: key.id.to_string(),
            name: &key.name,
            status: Self::status(key, now),
            scopes: &key.scopes,
            integrations: key.integrations.as_deref(),
            created_at: millis_utc(key.created_at),
            expires_at: key.expires_at.map(millis_utc),
            revoked_at: key.revoked_at.map(millis_utc),
            last_used_at: key.last_used_at.map(millis_utc),
        }
    }

    /// Returns `active`, `revoked` or `expired`.
    pub(crate) fn status(key: &ApiKey, now: Timestamp) -> &'static str {
        match key {
            key if key.is_active(now) => "active",
            key if key.revoked_at.is_some() => "revoked",
            _ => "expired",
        }
    }
}

/// Created API key with its text, which is shown only once.
#[derive(Serialize)]
pub(crate) struct CreatedApiKeyJson<'a> {
    /// The key itself.
    key: &'a str,
    #[serde(flatten)]
    row: ApiKeyRow<'a>,
}

impl<'a> CreatedApiKeyJson<'a> {
    /// Creates the document of a new key.
    pub(crate) fn new(key: &'a str, stored: &'a ApiKey, now: Timestamp) -> Self {
        Self { key, row: ApiKeyRow::new(stored, now) }
    }
}

/// The key that signs webhooks.
#[derive(Serialize)]
pub(crate) struct SigningKeyJson<'a> {
    key: &'a str,
}

impl<'a> SigningKeyJson<'a> {
    /// Creates the document of the key.
    pub(crate) fn new(key: &'a str) -> Self {
        Self { key }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn keys_are_shown_with_their_status() {
        let at = Timestamp::from_seconds;
        let key = ApiKey {
            id: Uuid::nil(),
            name: "app".into(),
            hash: [7; 32],
            scopes: vec!["environment:proxy".into()],
            integrations: None,
            created_at: at(1),
            expires_at: Some(at(10)),
            revoked_at: None,
            last_used_at: Some(at(5)),
        };
        let expect = json!({
            "id": "00000000-0000-0000-0000-000000000000", "name": "app", "status": "active",
            "scopes": ["environment:proxy"], "integrations": null, "created_at": "1970-01-01T00:00:01.000Z",
            "expires_at": "1970-01-01T00:00:10.000Z", "revoked_at": null, "last_used_at": "1970-01-01T00:00:05.000Z",
        });
        assert_eq!(json!(ApiKeyRow::new(&key, at(9))), expect);
        let created = json!(CreatedApiKeyJson::new("nango_1", &key, at(9)));
        assert_eq!((&created["key"], &created["name"]), (&json!("nango_1"), &json!("app")));
        let revoked = ApiKey { revoked_at: Some(at(3)), ..key.clone() };
        assert_eq!(
            [(&key, 9), (&key, 10), (&revoked, 99)].map(|(key, now)| ApiKeyRow::status(key, at(now))),
            ["active", "expired", "revoked"]
        );
    }
}
