//! Queries of records, and the removal of their payloads.

use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::text::{CursorText, ModelName, ScriptName};
use crate::{
    store::{BASE_VARIANT, Filter, Prune, PruneUntil, Pruned, ReadQuery},
    time::Timestamp,
    wire::{RegistryRecord, ValidationError},
};

/// Maximum age of `modified_after`.
const MAX_AGE: Duration = Duration::from_hours(365 * 24);
/// Number of records that are pruned unless the request states another.
const DEFAULT_PRUNE: u32 = 1_000;

/// Query of a feed of records.
#[derive(Debug, Deserialize)]
pub(crate) struct RecordsQuery {
    /// Name of the model.
    pub model: String,
    /// Variant of the sync. Default `base`.
    #[serde(default)]
    variant: Option<String>,
    #[serde(default)]
    modified_after: Option<String>,
    /// Deprecated name of `modified_after`; it wins if both are given.
    #[serde(default)]
    delta: Option<String>,
    #[serde(default)]
    limit: Option<u32>,
    #[serde(default)]
    filter: Option<String>,
    #[serde(default)]
    cursor: Option<String>,
    #[serde(default)]
    ids: Vec<String>,
}

impl RecordsQuery {
    /// Returns the name of the variant.
    pub(crate) fn variant(&self) -> &str {
        self.variant.as_deref().unwrap_or(BASE_VARIANT)
    }

    /// Returns the query of the feed. `max_bytes` limits the size of a page.
    ///
    /// # Errors
    ///
    /// Fails if the filter is unknown, or `modified_after` is no time or too old: a reader continues at its cursor.
    pub(crate) fn into_query(self, now: Timestamp, max_bytes: usize) -> Result<ReadQuery, ValidationError> {
        let (name, text) = match (self.delta, self.modified_after) {
            (Some(text), _) => ("delta", Some(text)),
            (None, text) => ("modified_after", text),
        };
        let modified_after = text.map(|text| modified_after(name, &text, now)).transpose()?;
        Ok(ReadQuery {
            cursor: self.cursor,
            limit: self.limit.unwrap_or(ReadQuery::default().limit),
            filter: self.filter.as_deref().map(filter).transpose()?.unwrap_or_default(),
            modified_after,
            ids: self.ids,
            max_bytes,
        })
    }
}

fn modified_after(name: &str, text: &str, now: Timestamp) -> Result<Timestamp, ValidationError> {
    let time = Timestamp::parse_rfc3339(text).ok_or_else(|| {
        let message = "Invalid time: expected RFC 3339, such as `2026-11-22T12:00:00Z`";
        ValidationError::new("invalid_format", message, &[name])
    })?;
    if time < now && now.saturating_duration_since(time) > MAX_AGE {
        let message = "Invalid time: it is more than 365 days ago; read the feed with a cursor instead";
        return Err(ValidationError::new("custom", message, &[name]));
    }
    Ok(time)
}

fn filter(text: &str) -> Result<Filter, ValidationError> {
    let mut filter = Filter::default();
    for action in text.split(',') {
        match action {
            "added" | "ADDED" => filter.added = true,
            "updated" | "UPDATED" => filter.updated = true,
            "deleted" | "DELETED" => filter.deleted = true,
            _ => {
                let message = "Invalid option: expected `added`, `updated` and `deleted`, separated by commas";
                return Err(ValidationError::new("invalid_value", message, &["filter"]));
            }
        }
    }
    Ok(filter)
}

/// Body of a request that removes the payloads of records.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PruneBody {
    /// Name of the model.
    pub model: ModelName,
    /// Variant of the sync. Default `base`.
    #[serde(default)]
    variant: Option<ScriptName>,
    /// Cursor of the last record to prune.
    until_cursor: CursorText,
    /// Maximum number of records, 1 to 10000. Default 1000.
    #[serde(default)]
    #[schemars(range(min = 1, max = 10_000))]
    limit: Option<u32>,
}

impl PruneBody {
    /// Returns the name of the variant.
    pub(crate) fn variant(&self) -> &str {
        self.variant.as_ref().map_or(BASE_VARIANT, AsRef::as_ref)
    }

    /// Returns the request to the database.
    ///
    /// # Errors
    ///
    /// Fails if the limit is out of range.
    pub(crate) fn into_prune(self) -> Result<Prune, ValidationError> {
        let limit = self.limit.unwrap_or(DEFAULT_PRUNE);
        if !(1..=10_000).contains(&limit) {
            return Err(ValidationError::new(
                "custom",
                "Invalid input: expected an integer from 1 to 10000",
                &["limit"],
            ));
        }
        Ok(Prune { until: PruneUntil::Cursor(self.until_cursor.into()), after: None, limit })
    }
}

/// Result of the removal of payloads.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct PruneJson {
    /// Number of records that lost their payload.
    count: u64,
    /// Whether more records up to the cursor have a payload.
    has_more: bool,
}

impl PruneJson {
    /// Creates the JSON of a result.
    pub(crate) fn new(pruned: &Pruned) -> Self {
        Self { count: pruned.count, has_more: pruned.next.is_some() }
    }
}

/// Page of a feed, as the cache writes it. It is only a schema: the bytes of records are never parsed.
pub(crate) struct RecordsPage;

impl JsonSchema for RecordsPage {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Records".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let record = generator.subschema_for::<RegistryRecord>();
        let time = json_schema!({ "type": "string", "format": "date-time" });
        let optional_time = json_schema!({ "type": ["string", "null"], "format": "date-time" });
        json_schema!({
            "description": "Page of records, in the order of their last change.",
            "type": "object",
            "properties": {
                "records": {
                    "type": "array",
                    "items": {
                        "description": "Record: the fields of its model, with `id` as text. A pruned one has its id.",
                        "allOf": [record],
                        "type": "object",
                        "properties": {
                            "id": { "type": "string" },
                            "_nango_metadata": {
                                "type": "object",
                                "properties": {
                                    "first_seen_at": time,
                                    "last_modified_at": time,
                                    "last_action": { "enum": ["ADDED", "UPDATED", "DELETED"] },
                                    "deleted_at": optional_time,
                                    "pruned_at": optional_time,
                                    "cursor": { "type": "string" },
                                },
                                "required": [
                                    "first_seen_at", "last_modified_at", "last_action", "deleted_at", "pruned_at",
                                    "cursor",
                                ],
                                "additionalProperties": false,
                            },
                        },
                        "required": ["id", "_nango_metadata"],
                    },
                },
                "next_cursor": {
                    "description": "Cursor of the next page; `null` if there are no more records now.",
                    "type": ["string", "null"],
                },
            },
            "required": ["records", "next_cursor"],
            "additionalProperties": false,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_795_348_800_000_000);

    fn query(mut value: Value) -> Result<ReadQuery, ValidationError> {
        value["model"] = json!("Issue");
        serde_json::from_value::<RecordsQuery>(value).unwrap().into_query(NOW, 0)
    }

    #[test]
    fn filter_selects_every_named_action() {
        let of = |text: &str| query(json!({ "filter": text })).map(|query| query.filter);
        assert_eq!(of("added"), Ok(Filter { added: true, ..Filter::default() }));
        assert_eq!(of("UPDATED,deleted"), Ok(Filter { updated: true, deleted: true, added: false }));
        for wrong in ["", "Added", "added,", "added, deleted", "other"] {
            assert_eq!(of(wrong).unwrap_err().path, ["filter"], "{wrong}");
        }
    }

    #[test]
    fn modified_after_is_a_time_of_the_last_365_days() {
        let of = |value: Value| query(value).map(|query| query.modified_after.map(|time| time.to_string()));
        assert_eq!(of(json!({})), Ok(None));
        let recent = json!({ "modified_after": "2026-11-22T11:00:00Z" });
        assert!(of(recent.clone()).unwrap().unwrap().starts_with("2026-11-22T11"));
        let both = json!({ "modified_after": "2026-11-22T11:00:00Z", "delta": "2026-11-22T10:00:00+01:00" });
        assert!(of(both).unwrap().unwrap().starts_with("2026-11-22T09"));
        assert!(of(json!({ "modified_after": "2027-01-01T00:00:00Z" })).is_ok());
        for wrong in ["yesterday", "2025-11-22T11:59:59Z", ""] {
            assert_eq!(of(json!({ "modified_after": wrong })).unwrap_err().path, ["modified_after"], "{wrong}");
        }
    }

    #[test]
    fn prune_has_a_limit() {
        let of = |limit: Value| {
            let body = json!({ "model": "Issue", "until_cursor": "c", "limit": limit });
            serde_json::from_value::<PruneBody>(body).unwrap().into_prune().map(|prune| prune.limit)
        };
        assert_eq!((of(Value::Null), of(json!(10_000))), (Ok(1_000), Ok(10_000)));
        assert!(of(json!(0)).is_err() && of(json!(10_001)).is_err());
    }
}
