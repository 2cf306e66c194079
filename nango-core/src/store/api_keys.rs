//! Keys of the HTTP API. Only their hashes are stored.

use std::time::Duration;

use uuid::Uuid;

use super::StoreFuture;
use crate::time::Timestamp;

/// Shortest time between two stored uses of a key.
pub(super) const USE_INTERVAL: Duration = Duration::from_mins(1);

/// An API key as it is stored.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// The id of the key.
    pub id: Uuid,
    /// The name that the user gave. No two keys that are not revoked have the same.
    pub name: String,
    /// The hash of the key.
    pub hash: [u8; 32],
    /// Names of scopes, and wildcards.
    pub scopes: Vec<String>,
    /// Unique keys of the integrations to which the key is limited. `None`: all.
    pub integrations: Option<Vec<String>>,
    /// The time when the key was added, by the database's clock.
    pub created_at: Timestamp,
    /// The time from which the key is not accepted. `None`: it does not expire.
    pub expires_at: Option<Timestamp>,
    /// The time when the key was revoked.
    pub revoked_at: Option<Timestamp>,
    /// The time of the last request with the key, at most a minute too early.
    pub last_used_at: Option<Timestamp>,
}

impl ApiKey {
    /// Returns whether the key is neither revoked nor expired.
    pub(crate) fn is_active(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

impl std::fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ApiKey").field("id", &self.id).field("name", &self.name).finish_non_exhaustive()
    }
}

/// An API key to add.
#[derive(Clone)]
pub struct NewApiKey {
    /// The id of the key.
    pub id: Uuid,
    /// The name of the key.
    pub name: String,
    /// The hash of the key.
    pub hash: [u8; 32],
    /// Names of scopes, and wildcards.
    pub scopes: Vec<String>,
    /// Unique keys of the integrations to which the key is limited. `None`: all.
    pub integrations: Option<Vec<String>>,
    /// Time for which the key is accepted. `None`: it does not expire.
    pub expires_in: Option<Duration>,
}

impl std::fmt::Debug for NewApiKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewApiKey").field("id", &self.id).field("name", &self.name).finish_non_exhaustive()
    }
}

/// The API keys of a database.
pub trait ApiKeys {
    /// Adds a key. Returns `None` if a key that is not revoked has the same name.
    fn add_api_key(&self, new: NewApiKey) -> StoreFuture<'_, Option<ApiKey>>;

    /// Returns the key with this hash, also if it is revoked or expired.
    fn api_key_by_hash(&self, hash: [u8; 32]) -> StoreFuture<'_, Option<ApiKey>>;

    /// Returns all keys, including revoked and expired ones, in the order in which they were added.
    fn api_keys(&self) -> StoreFuture<'_, Vec<ApiKey>>;

    /// Revokes a key. Returns the key, or `None` if it does not exist. A key that is revoked already stays unchanged.
    fn revoke_api_key(&self, id: Uuid) -> StoreFuture<'_, Option<ApiKey>>;

    /// Stores that the key was used now. A use within a minute of the stored one is not written.
    fn touch_api_key(&self, id: Uuid) -> StoreFuture<'_, ()>;
}

/// Returns a list of texts as JSON, the form in which both databases store it.
pub(super) fn to_json(texts: &[String]) -> String {
    serde_json::Value::from(texts).to_string()
}

/// Parses a list of [`to_json`]. Returns `None` if the text is not one.
pub(super) fn from_json(json: &str) -> Option<Vec<String>> {
    serde_json::from_str(json).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_is_active_until_it_is_revoked_or_expires() {
        let now = Timestamp::from_seconds(100);
        let mut key = ApiKey {
            id: Uuid::nil(),
            name: "app".to_owned(),
            hash: [0; 32],
            scopes: Vec::new(),
            integrations: None,
            created_at: now,
            expires_at: None,
            revoked_at: None,
            last_used_at: None,
        };
        assert!(key.is_active(now));
        key.expires_at = Some(now);
        assert!(key.is_active(now - Duration::from_micros(1)) && !key.is_active(now));
        key.expires_at = None;
        // Also if the clock that wrote it was ahead.
        key.revoked_at = Some(now + USE_INTERVAL);
        assert!(!key.is_active(now));
        assert_eq!(format!("{key:?}"), format!("ApiKey {{ id: {}, name: \"app\", .. }}", Uuid::nil()));
    }

    #[test]
    fn texts_are_stored_as_json() {
        let texts = vec!["environment:*".to_owned(), "a \"b\"".to_owned()];
        assert_eq!(to_json(&texts), r#"["environment:*","a \"b\""]"#);
        assert_eq!(from_json(&to_json(&texts)), Some(texts));
        for wrong in ["", "null", "{}", "[1]", "[null]"] {
            assert_eq!(from_json(wrong), None, "{wrong}");
        }
    }
}
