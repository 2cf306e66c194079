//! Requests about syncs: triggers, schedules, states and variants.

use std::{collections::BTreeMap, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{self, MapAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::Value;
use uuid::Uuid;

use super::text::{ConnectionId, ScriptName, UniqueKey};
use crate::{
    declare::Frequency,
    engine::{SyncState, TriggerOptions},
    store::{BASE_VARIANT, FunctionKey, Run, RunStatus},
    wire::{TextRule, ValidationError, time::millis_utc},
};

/// Maximum number of syncs in one request.
const MAX_SYNCS: usize = 256;

/// Sync of a request: its name, with a variant or without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SyncName {
    /// Name of the sync.
    pub name: String,
    /// Variant, `base` unless it is given.
    pub variant: String,
}

impl SyncName {
    /// Parses `name` or `name::variant`.
    ///
    /// # Errors
    ///
    /// Fails if one of the names has other characters than names may have.
    pub(crate) fn parse(text: &str) -> Result<Self, ValidationError> {
        let (name, variant) = text.split_once("::").unwrap_or((text, BASE_VARIANT));
        for part in [name, variant] {
            TextRule::NAME.check(part, &["syncs"])?;
        }
        Ok(Self { name: name.to_owned(), variant: variant.to_owned() })
    }
}

impl SyncName {
    /// Returns the base variant of a sync.
    pub(crate) fn base(name: &str) -> Self {
        Self { name: name.to_owned(), variant: BASE_VARIANT.to_owned() }
    }
}

impl<'de> Deserialize<'de> for SyncName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Parts {
            name: ScriptName,
            #[serde(default)]
            variant: Option<ScriptName>,
        }
        struct NameVisitor;
        impl<'de> Visitor<'de> for NameVisitor {
            type Value = SyncName;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a sync, `name::variant`, or an object with `name` and `variant`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<SyncName, E> {
                SyncName::parse(text).map_err(|error| E::custom(error.message))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<SyncName, A::Error> {
                let Parts { name, variant } = Parts::deserialize(MapAccessDeserializer::new(map))?;
                let variant = variant.map_or_else(|| BASE_VARIANT.to_owned(), String::from);
                Ok(SyncName { name: name.into(), variant })
            }
        }
        deserializer.deserialize_any(NameVisitor)
    }
}

impl JsonSchema for SyncName {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SyncName".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let name = ScriptName::json_schema(generator);
        json_schema!({
            "anyOf": [
                { "type": "string", "pattern": "^[a-zA-Z0-9_-]{1,255}(::[a-zA-Z0-9_-]{1,255})?$" },
                {
                    "type": "object",
                    "properties": { "name": name, "variant": name },
                    "required": ["name"],
                    "additionalProperties": false,
                },
            ],
        })
    }
}

/// Syncs of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SyncNames(pub(crate) Vec<SyncName>);

impl<'de> Deserialize<'de> for SyncNames {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let names = Vec::<SyncName>::deserialize(deserializer)?;
        if names.len() > MAX_SYNCS {
            return Err(de::Error::custom(format!("expected at most {MAX_SYNCS} syncs")));
        }
        Ok(Self(names))
    }
}

impl JsonSchema for SyncNames {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SyncNames".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let name = SyncName::json_schema(generator);
        json_schema!({ "type": "array", "items": name, "maxItems": MAX_SYNCS })
    }
}

/// Body of a request that triggers syncs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TriggerBody {
    /// Syncs; an empty list stands for all.
    pub syncs: SyncNames,
    /// Unique key of the integration, unless the header has it.
    #[serde(default)]
    pub provider_config_key: Option<UniqueKey>,
    /// Id of the connection, unless the header has it. Without one, all connections of the integration.
    #[serde(default)]
    pub connection_id: Option<ConnectionId>,
    /// Options of the run.
    #[serde(default)]
    opts: Option<TriggerOpts>,
    /// Deprecated form of `opts`.
    #[serde(default)]
    sync_mode: Option<SyncMode>,
    /// Deprecated form of `opts`.
    #[serde(default)]
    full_resync: Option<bool>,
}

/// Options of a triggered run.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct TriggerOpts {
    /// Whether the sync starts from the beginning, without its checkpoint.
    #[serde(default)]
    reset: bool,
    /// Whether the records of its models are removed first. It has no effect without `reset`.
    #[serde(default, rename = "emptyCache")]
    empty_cache: bool,
}

/// Deprecated options of a triggered run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum SyncMode {
    Incremental,
    FullRefresh,
    FullRefreshAndClearCache,
}

impl TriggerBody {
    /// Returns the options of the run.
    ///
    /// # Errors
    ///
    /// Fails if options are given in both forms.
    pub(crate) fn options(&self) -> Result<TriggerOptions, ValidationError> {
        if self.opts.is_some() && (self.sync_mode.is_some() || self.full_resync.is_some()) {
            let message = "Invalid input: `opts` replaces `sync_mode` and `full_resync`; send only `opts`";
            return Err(ValidationError::new("custom", message, &["opts"]));
        }
        let (reset, empty_cache) = match (self.opts, self.sync_mode) {
            (Some(opts), _) => (opts.reset, opts.reset && opts.empty_cache),
            (None, Some(SyncMode::FullRefreshAndClearCache)) => (true, true),
            (None, Some(SyncMode::FullRefresh)) => (true, false),
            (None, Some(SyncMode::Incremental) | None) => (self.full_resync == Some(true), false),
        };
        Ok(TriggerOptions { reset, empty_cache, full: false, allow_deletes: false })
    }
}

/// Body of a request that starts or pauses schedules.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScheduleBody {
    /// Syncs; an empty list stands for all.
    pub syncs: SyncNames,
    /// Unique key of the integration.
    pub provider_config_key: UniqueKey,
    /// Id of the connection. Without one, all connections of the integration.
    #[serde(default)]
    pub connection_id: Option<ConnectionId>,
}

/// Query of the states of syncs.
#[derive(Debug, Deserialize)]
pub(crate) struct StatusQuery {
    syncs: String,
    /// Unique key of the integration.
    pub provider_config_key: String,
    /// Id of the connection. Without one, all connections of the integration.
    #[serde(default)]
    pub connection_id: Option<String>,
}

impl StatusQuery {
    /// Returns the names of the syncs; an empty list stands for all.
    ///
    /// # Errors
    ///
    /// Fails if one of the names has other characters than names may have.
    pub(crate) fn syncs(&self) -> Result<Vec<SyncName>, ValidationError> {
        if self.syncs == "*" {
            return Ok(Vec::new());
        }
        self.syncs.split(',').map(SyncName::parse).collect()
    }
}

/// States of the requested syncs.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct SyncStatuses {
    /// One element for each sync, connection and variant.
    pub syncs: Vec<SyncStatus>,
}

/// State of a sync of a connection.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct SyncStatus {
    id: Uuid,
    connection_id: String,
    /// `INCREMENTAL` for a sync that reads only changes, else `INITIAL`.
    r#type: &'static str,
    /// End of the last run.
    #[serde(rename = "finishedAt", skip_serializing_if = "Option::is_none")]
    finished_at: Option<String>,
    /// Next due time; `null` if the sync is paused or runs only when triggered.
    #[serde(rename = "nextScheduledSyncAt")]
    next_scheduled_sync_at: Option<String>,
    name: String,
    variant: String,
    status: StatusName,
    frequency: Option<String>,
    /// Counts of the last run by model.
    #[serde(rename = "latestResult", skip_serializing_if = "Option::is_none")]
    latest_result: Option<BTreeMap<String, ResultCounts>>,
    #[serde(rename = "latestExecutionStatus", skip_serializing_if = "Option::is_none")]
    latest_execution_status: Option<StatusName>,
    /// Number of active records by model, of this variant.
    #[serde(rename = "recordCount")]
    record_count: BTreeMap<String, u64>,
    checkpoint: Option<Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
#[schemars(inline)]
enum StatusName {
    Running,
    Paused,
    Stopped,
    Success,
    Error,
}

#[derive(Debug, Serialize, JsonSchema)]
struct ResultCounts {
    added: u64,
    updated: u64,
    deleted: u64,
}

impl SyncStatus {
    /// Creates the JSON of a state. `records` are the numbers of active records by model.
    pub(crate) fn new(state: &SyncState, is_incremental: bool, records: BTreeMap<String, u64>) -> Self {
        let key = &state.schedule.key;
        let latest = state.active.as_ref().or(state.last.as_ref());
        let next = if state.schedule.paused { None } else { state.schedule.next_at };
        let counts = |run: &Run| {
            let models = run.totals.models.iter().map(|(model, counts)| {
                let counts = ResultCounts { added: counts.added, updated: counts.updated, deleted: counts.deleted };
                (model.clone(), counts)
            });
            models.collect()
        };
        Self {
            id: sync_id(key),
            connection_id: key.connection.clone(),
            r#type: if is_incremental { "INCREMENTAL" } else { "INITIAL" },
            finished_at: state.last.as_ref().and_then(|run| run.finished_at).map(millis_utc),
            next_scheduled_sync_at: next.map(millis_utc),
            name: key.function.clone(),
            variant: key.variant.clone(),
            status: status(state),
            frequency: state.frequency.as_ref().map(|frequency| frequency.text().to_owned()),
            latest_result: state.last.as_ref().map(counts),
            latest_execution_status: latest.map(|run| run_status(run.status)),
            record_count: records,
            checkpoint: state.checkpoint.value.clone(),
        }
    }
}

fn status(state: &SyncState) -> StatusName {
    match &state.last {
        _ if state.active.is_some() => StatusName::Running,
        _ if !state.is_declared => StatusName::Stopped,
        _ if state.schedule.paused => StatusName::Paused,
        Some(run) => run_status(run.status),
        None => StatusName::Success,
    }
}

fn run_status(status: RunStatus) -> StatusName {
    match status {
        RunStatus::Running => StatusName::Running,
        RunStatus::Success => StatusName::Success,
        RunStatus::Error => StatusName::Error,
        RunStatus::Interrupted | RunStatus::Cancelled => StatusName::Stopped,
    }
}

/// Returns the id of a sync of a connection. It follows from the names, so that it does not change.
pub(crate) fn sync_id(key: &FunctionKey) -> Uuid {
    let FunctionKey { integration, connection, function, variant, .. } = key;
    let hash = blake3::hash(format!("{integration}\0{connection}\0{function}\0{variant}").as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.as_bytes()[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

/// Body of a change of a frequency.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FrequencyBody {
    /// Name of the sync.
    pub sync_name: ScriptName,
    /// Variant of the sync. Default `base`.
    #[serde(default)]
    pub sync_variant: Option<ScriptName>,
    /// Unique key of the integration.
    pub provider_config_key: UniqueKey,
    /// Id of the connection.
    pub connection_id: ConnectionId,
    /// Frequency, such as `every hour`; `null` returns to the declared one.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schemars(required)]
    frequency: Option<String>,
}

impl FrequencyBody {
    /// Returns the new frequency.
    ///
    /// # Errors
    ///
    /// Fails if the text is not a frequency.
    pub(crate) fn frequency(&self) -> Result<Option<Frequency>, ValidationError> {
        let parsed = self.frequency.as_deref().map(Frequency::parse).transpose();
        parsed.map_err(|error| ValidationError::new("custom", error.to_string(), &["frequency"]))
    }
}

/// Frequency that applies after a change.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct FrequencyJson {
    /// Short form, such as `1h`; the declared text if the frequency is not overridden; `null` without one.
    frequency: Option<String>,
}

impl FrequencyJson {
    /// Creates the JSON of the applied frequency. The text of an override is short.
    pub(crate) fn new(applied: Option<&Frequency>, is_override: bool) -> Self {
        let text = |frequency: &Frequency| {
            if is_override { short(frequency.seconds()) } else { frequency.text().to_owned() }
        };
        Self { frequency: applied.map(text) }
    }
}

/// Returns the short form of an interval, in its largest unit.
fn short(seconds: u32) -> String {
    let units = [(86_400, "d"), (3_600, "h"), (60, "m")];
    let fitting = units.into_iter().find(|(length, _)| seconds.is_multiple_of(*length));
    fitting.map_or_else(|| format!("{seconds}s"), |(length, unit)| format!("{}{unit}", seconds / length))
}

/// Body of a request about a variant of a sync.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct VariantBody {
    /// Unique key of the integration.
    pub provider_config_key: UniqueKey,
    /// Id of the connection.
    pub connection_id: ConnectionId,
}

/// Variant that was created.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct VariantJson<'a> {
    id: Uuid,
    name: &'a str,
    variant: &'a str,
}

impl<'a> VariantJson<'a> {
    /// Creates the JSON of a variant.
    pub(crate) fn new(key: &'a FunctionKey) -> Self {
        Self { id: sync_id(key), name: &key.function, variant: &key.variant }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn sync_is_named_in_three_forms() {
        let read = |value: Value| serde_json::from_value::<SyncNames>(value).map(|names| names.0);
        let name = |name: &str, variant: &str| SyncName { name: name.into(), variant: variant.into() };
        let names = json!(["a", "a::v", { "name": "b" }, { "name": "b", "variant": "w" }]);
        assert_eq!(read(names).unwrap(), [name("a", "base"), name("a", "v"), name("b", "base"), name("b", "w")]);
        for wrong in [json!("a"), json!([1]), json!(["a b"]), json!(["::v"]), json!([{ "name": "a", "x": 1 }])] {
            assert!(read(wrong.clone()).is_err(), "{wrong}");
        }
        assert!(read(json!(vec!["a"; 257])).is_err());
    }

    #[test]
    fn options_have_one_form() {
        let of = |value: Value| {
            let mut body = json!({ "syncs": [] });
            body.as_object_mut().unwrap().extend(value.as_object().unwrap().clone());
            let body: TriggerBody = serde_json::from_value(body).unwrap();
            body.options().map(|options| (options.reset, options.empty_cache))
        };
        for (value, expect) in [
            (json!({}), (false, false)),
            (json!({ "opts": { "reset": true } }), (true, false)),
            (json!({ "opts": { "reset": true, "emptyCache": true } }), (true, true)),
            (json!({ "opts": { "emptyCache": true } }), (false, false)),
            (json!({ "sync_mode": "incremental" }), (false, false)),
            (json!({ "sync_mode": "full_refresh" }), (true, false)),
            (json!({ "sync_mode": "full_refresh_and_clear_cache" }), (true, true)),
            (json!({ "full_resync": true }), (true, false)),
        ] {
            assert_eq!(of(value.clone()), Ok(expect), "{value}");
        }
        assert!(of(json!({ "opts": {}, "sync_mode": "incremental" })).is_err());
    }

    #[test]
    fn overridden_frequency_is_short_and_declared_one_is_not() {
        let of = |text: &str, is_override| {
            FrequencyJson::new(Some(&Frequency::parse(text).unwrap()), is_override).frequency.unwrap()
        };
        assert_eq!(of("every hour", true), "1h");
        assert_eq!(of("every 90 minutes", true), "90m");
        assert_eq!(of("every 2 days", true), "2d");
        assert_eq!(of("every 45s", true), "45s");
        assert_eq!(of("every hour", false), "every hour");
        let body = |frequency: Value| {
            let body = json!({
                "sync_name": "a", "provider_config_key": "b", "connection_id": "c", "frequency": frequency,
            });
            serde_json::from_value::<FrequencyBody>(body).unwrap().frequency()
        };
        assert_eq!(body(Value::Null), Ok(None));
        assert_eq!(body(json!("often")).unwrap_err().path, ["frequency"]);
        let missing = json!({ "sync_name": "a", "provider_config_key": "b", "connection_id": "c" });
        assert!(serde_json::from_value::<FrequencyBody>(missing).is_err());
    }
}
