//! Limits of the data that a run accepts from an API.

use serde_json::{Map, Value};

use crate::paginate::Bounds;

/// Limits of walks, records and metadata (`[limits]` in `nango.toml`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Limits of a walk over a paginated list.
    pub walk: Bounds,
    /// Maximum size of a stored record, in bytes. Default 16 MiB.
    pub record_bytes: u64,
    /// Maximum size of a connection's metadata, in bytes. Default 1 MiB.
    pub metadata_bytes: u64,
    /// Limits of runs at the same time under `registry serve`.
    pub concurrency: Concurrency,
}

/// Limits of runs at the same time under `registry serve`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Concurrency {
    /// Maximum number of syncs of this process (`runs`). Default 16.
    pub runs: u32,
    /// Maximum number of syncs of a connection, on all processes (`runs_per_connection`). Default 4.
    pub runs_per_connection: u32,
    /// Maximum number of syncs of an integration, on all processes (`runs_per_integration`). Default 12.
    pub runs_per_integration: u32,
    /// Maximum number of actions of this process (`actions`). Default 100.
    pub actions: u32,
}

impl Default for Concurrency {
    fn default() -> Self {
        Self { runs: 16, runs_per_connection: 4, runs_per_integration: 12, actions: 100 }
    }
}

impl Limits {
    /// Checks the size of the metadata that a connection would have after a change.
    ///
    /// # Errors
    ///
    /// Fails if the metadata would exceed `metadata_bytes`; the message names the size and the setting.
    pub(crate) fn check_metadata(
        &self,
        stored: Option<&Map<String, Value>>,
        change: &Map<String, Value>,
    ) -> Result<(), String> {
        let kept = stored.into_iter().flatten().filter(|(key, _)| !change.contains_key(*key));
        let size: usize = kept.chain(change).map(|(key, value)| key.len() + value.to_string().len() + 4).sum();
        if size as u64 <= self.metadata_bytes {
            return Ok(());
        }
        Err(format!(
            "the metadata would have {size} bytes, more than the limit of {}; store less, or raise `metadata_bytes` \
             under `[limits]` in nango.toml",
            self.metadata_bytes
        ))
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            walk: Bounds::default(),
            record_bytes: 16 << 20,
            metadata_bytes: 1 << 20,
            concurrency: Concurrency::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn metadata_limit_includes_stored_keys() {
        let limits = Limits { metadata_bytes: 40, ..Limits::default() };
        let map = |value: Value| value.as_object().cloned().unwrap_or_default();
        let stored = map(json!({ "a": "x".repeat(20) }));
        let check = |stored: Option<&Map<String, Value>>, change: Value| limits.check_metadata(stored, &map(change));
        assert_eq!(check(None, json!({ "b": "y".repeat(20) })), Ok(()));
        assert_eq!(check(Some(&stored), json!({ "a": "z".repeat(20) })), Ok(()), "the key is replaced");
        let error = check(Some(&stored), json!({ "b": "y".repeat(20) })).unwrap_err();
        assert!(error.starts_with("the metadata would have 54 bytes, more than the limit of 40"), "{error}");
    }
}
