//! Functions of an integration, and their lists.

use std::cmp::Ordering;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    declare::{ActionDef, Entry, EventDef, Frequency, FunctionKind, Item, SyncDef},
    export::{Contract, standalone, type_text},
    time::Timestamp,
    wire::time::millis_utc,
};

/// Number of functions on a page whose limit is not given.
const DEFAULT_LIMIT: u32 = 20;

/// Kind of a function on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum FunctionType {
    /// A sync.
    Sync,
    /// An action.
    Action,
    /// A function on an event of a connection.
    OnEvent,
}

impl FunctionType {
    const fn kind(self) -> FunctionKind {
        match self {
            Self::Sync => FunctionKind::Sync,
            Self::Action => FunctionKind::Action,
            Self::OnEvent => FunctionKind::OnEvent,
        }
    }
}

/// Query of one function.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct FunctionQuery {
    /// Kind of the function.
    #[serde(default)]
    r#type: Option<FunctionType>,
}

/// Query of the list of functions.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct FunctionListQuery {
    /// Kind of the functions.
    #[serde(default)]
    r#type: Option<FunctionType>,
    /// Text that the name or the description contains. Upper and lower case are equal.
    #[serde(default)]
    search: Option<String>,
    /// Number of the page, from 0.
    #[serde(default)]
    page: Option<u32>,
    /// Maximum number of functions, 1 to 100. Default 20.
    #[serde(default)]
    limit: Option<u32>,
}

/// Page of a list of functions.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct FunctionList<'a> {
    data: Vec<DeployedFunction<'a>>,
    pagination: Pagination,
}

/// Position of a page in a list.
#[derive(Debug, Serialize, JsonSchema)]
struct Pagination {
    /// Number of functions on all pages.
    total: usize,
    /// Number of this page, from 0.
    page: u32,
    /// Maximum number of functions on a page.
    limit: u32,
}

impl<'a> FunctionList<'a> {
    /// Creates the page of an integration's functions that a query selects.
    pub(crate) fn new(
        entries: impl Iterator<Item = &'a Entry>,
        query: &FunctionListQuery,
        declared_at: Timestamp,
    ) -> Self {
        let search = query.search.as_ref().map(|text| text.to_lowercase()).unwrap_or_default();
        let is_selected = |entry: &&Entry| {
            query.r#type.is_none_or(|kind| entry.kind() == kind.kind())
                && (entry.name().to_lowercase().contains(&search)
                    || description(entry).to_lowercase().contains(&search))
        };
        let selected = listed(entries.filter(is_selected));
        let (page, limit) = (query.page.unwrap_or(0), query.limit.unwrap_or(DEFAULT_LIMIT));
        let start = usize::try_from(u64::from(page) * u64::from(limit)).unwrap_or(usize::MAX);
        let pagination = Pagination { total: selected.len(), page, limit };
        let data = selected.into_iter().skip(start).take(limit as usize);
        Self { data: data.filter_map(|entry| DeployedFunction::new(entry, declared_at)).collect(), pagination }
    }
}

impl<'a> DeployedFunction<'a> {
    /// Returns the first function with this name, in the order of lists.
    pub(crate) fn find(
        entries: impl Iterator<Item = &'a Entry>,
        name: &str,
        query: &FunctionQuery,
        declared_at: Timestamp,
    ) -> Option<Self> {
        let is_meant =
            |entry: &&Entry| entry.name() == name && query.r#type.is_none_or(|kind| entry.kind() == kind.kind());
        let found = listed(entries.filter(is_meant)).into_iter().next()?;
        Self::new(found, declared_at)
    }
}

/// Returns the functions that exist in Nango, in the order of its lists: by kind and name. A webhook handler belongs to
/// its sync.
fn listed<'a>(entries: impl Iterator<Item = &'a Entry>) -> Vec<&'a Entry> {
    let mut listed: Vec<&Entry> = entries.filter(|entry| entry.kind() != FunctionKind::OnWebhook).collect();
    listed.sort_by(|a, b| order(a, b));
    listed
}

fn order(a: &Entry, b: &Entry) -> Ordering {
    let key = |entry: &Entry| (entry.kind().name(), entry.name());
    key(a).cmp(&key(b))
}

fn description(entry: &Entry) -> &'static str {
    match entry.item() {
        Item::Sync(def) => def.description,
        Item::Action(def) => def.description,
        Item::Event(def) => def.description,
        Item::Webhook(def) => def.description,
    }
}

/// Function of this program.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct DeployedFunction<'a> {
    id: String,
    r#type: &'static str,
    name: &'a str,
    description: &'a str,
    /// Permissions that it needs at the provider.
    scopes: Vec<&'static str>,
    enabled: bool,
    /// Time since which this program declares it.
    last_deployed: String,
    /// Origin of the function. All functions are part of the program.
    source: &'static str,
    #[serde(flatten)]
    detail: Detail,
}

/// Part of a function that depends on its kind.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
enum Detail {
    Sync(SyncDetail),
    Action(ActionDetail),
    Event(EventDetail),
}

#[derive(Debug, Serialize, JsonSchema)]
struct SyncDetail {
    /// Type of the metadata that it reads.
    #[serde(skip_serializing_if = "Option::is_none")]
    input: Option<String>,
    /// Names of its models.
    returns: Vec<&'static str>,
    /// Schemas of its models.
    json_schema: Option<Map<String, Value>>,
    /// Frequency of its runs; `null` if it runs only when triggered.
    runs: Option<String>,
    auto_start: bool,
    track_deletes: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
struct ActionDetail {
    /// Type of the input.
    #[serde(skip_serializing_if = "Option::is_none")]
    input: Option<String>,
    /// Type of the output.
    returns: Vec<String>,
    /// Schemas of input and output.
    json_schema: Option<Map<String, Value>>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct EventDetail {
    event: &'static str,
}

impl<'a> DeployedFunction<'a> {
    fn new(entry: &'a Entry, declared_at: Timestamp) -> Option<Self> {
        let (scopes, detail) = match entry.item() {
            Item::Sync(def) => (def.scopes, Detail::Sync(SyncDetail::new(def))),
            Item::Action(def) => (def.scopes, Detail::Action(ActionDetail::new(def))),
            Item::Event(def) => (&[][..], Detail::Event(EventDetail::new(def))),
            Item::Webhook(_) => return None,
        };
        Some(Self {
            id: function_id(entry),
            r#type: entry.kind().name(),
            name: entry.name(),
            description: description(entry),
            scopes: scopes.to_vec(),
            enabled: true,
            last_deployed: millis_utc(declared_at),
            source: "repo",
            detail,
        })
    }
}

/// Returns the id of a function: it follows from its names, so that it does not change.
pub(super) fn function_id(entry: &Entry) -> String {
    format!("{}:{}:{}", entry.integration(), entry.kind().name(), entry.name())
}

impl SyncDetail {
    fn new(def: &SyncDef) -> Self {
        Self {
            input: def.metadata.and_then(|of| type_text(of.schema, Contract::Deserialize)),
            returns: def.models.iter().map(|model| model.name).collect(),
            json_schema: Some(sync_schemas(def)),
            runs: def.frequency.as_ref().map(|frequency| Frequency::text(frequency).to_owned()),
            auto_start: def.auto_start,
            track_deletes: def.track_deletes,
        }
    }
}

/// Returns the schemas of a sync's models in `definitions`.
pub(super) fn sync_schemas(def: &SyncDef) -> Map<String, Value> {
    let models = def.models.iter().map(|model| (model.name.to_owned(), standalone(model.schema, Contract::Serialize)));
    definitions(models)
}

/// Returns the schemas of an action's input and output in `definitions`.
pub(super) fn action_schemas(def: &ActionDef) -> Map<String, Value> {
    let input = def.input.map(|of| ("input".to_owned(), standalone(of.schema, Contract::Deserialize)));
    let output = ("output".to_owned(), standalone(def.output, Contract::Serialize));
    definitions(input.into_iter().chain([output]))
}

fn definitions(schemas: impl Iterator<Item = (String, Value)>) -> Map<String, Value> {
    let schemas: Map<String, Value> = schemas.collect();
    Map::from_iter([("definitions".to_owned(), Value::Object(schemas))])
}

impl ActionDetail {
    fn new(def: &ActionDef) -> Self {
        Self {
            input: def.input.and_then(|of| type_text(of.schema, Contract::Deserialize)),
            returns: type_text(def.output, Contract::Serialize).into_iter().collect(),
            json_schema: Some(action_schemas(def)),
        }
    }
}

impl EventDetail {
    fn new(def: &EventDef) -> Self {
        Self { event: def.event.name() }
    }
}
