//! Routes of syncs: triggers, schedules, states, frequencies and variants.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::{Method, StatusCode};

use crate::{
    auth::Scope,
    declare::{FunctionKind, SyncDef},
    engine::{EngineError, SyncState, TriggerOptions},
    server::{
        call::Call,
        reply::Reply,
        route::{Access, Body, ErrorDoc, Parameter, ReplyDoc, Route, Rule, schema_of},
    },
    store::{BASE_VARIANT, FunctionKey, ScheduleFilter},
    wire::{
        ApiError, TextRule,
        api::{
            FrequencyBody, FrequencyJson, ScheduleBody, StatusQuery, Success, SyncName, SyncStatus, SyncStatuses,
            TriggerBody, VariantBody, VariantJson, is_incremental,
        },
    },
};

const COMMAND_ERRORS: &[ErrorDoc] = &[
    ErrorDoc {
        status: StatusCode::BAD_REQUEST,
        codes: &[
            ("missing_provider_config_key", "the request names no integration"),
            ("unknown_provider_config", "the integration does not exist"),
            ("no_syncs_found", "one of the syncs, or its variant, does not exist"),
        ],
    },
    ErrorDoc { status: StatusCode::NOT_FOUND, codes: &[("unknown_connection", "the connection does not exist")] },
];
const SUCCESS: &[ReplyDoc] = &[ReplyDoc::ok(schema_of::<Success>, "The request was accepted.")];
const NAME: Parameter = Parameter::path("name", TextRule::NAME, "Name of the sync");
const VARIANT: Parameter = Parameter::path("variant", TextRule::NAME, "Name of the variant");

pub(super) const ROUTES: &[Route] = &[
    Route {
        method: Method::POST,
        path: "/sync/trigger",
        id: "triggerSyncs",
        summary: "Makes syncs due at once. A sync that is due already runs once.",
        access: Access::Key(&[Scope::SyncsExecute]),
        parameters: &[
            Parameter::header("Provider-Config-Key", TextRule::UNIQUE_KEY, "Unique key of the integration").optional(),
            Parameter::header("Connection-Id", TextRule::CONNECTION_ID, "Id of the connection").optional(),
        ],
        body: Some(Body { schema: schema_of::<TriggerBody>, description: "Syncs and options." }),
        replies: SUCCESS,
        errors: COMMAND_ERRORS,
        handler: |call| Box::pin(trigger(call)),
    },
    Route {
        method: Method::POST,
        path: "/sync/start",
        id: "startSyncs",
        summary: "Starts the schedules of syncs.",
        access: Access::Key(&[Scope::SyncsExecute]),
        parameters: &[],
        body: Some(Body { schema: schema_of::<ScheduleBody>, description: "Syncs." }),
        replies: SUCCESS,
        errors: COMMAND_ERRORS,
        handler: |call| Box::pin(schedule(call, Command::Start)),
    },
    Route {
        method: Method::POST,
        path: "/sync/pause",
        id: "pauseSyncs",
        summary: "Pauses the schedules of syncs, and cancels their runs.",
        access: Access::Key(&[Scope::SyncsExecute]),
        parameters: &[],
        body: Some(Body { schema: schema_of::<ScheduleBody>, description: "Syncs." }),
        replies: SUCCESS,
        errors: COMMAND_ERRORS,
        handler: |call| Box::pin(schedule(call, Command::Pause)),
    },
    Route {
        method: Method::GET,
        path: "/sync/status",
        id: "getSyncStatus",
        summary: "Returns the states of syncs.",
        access: Access::Key(&[Scope::SyncsRead]),
        parameters: &[
            Parameter::query(
                "syncs",
                Rule::Text(TextRule::SYNCS),
                "Names of syncs, separated by commas, or `*` for all",
            )
            .required(),
            Parameter::query(
                crate::wire::PROVIDER_CONFIG_KEY,
                Rule::Text(TextRule::UNIQUE_KEY),
                "Unique key of the integration",
            )
            .required(),
            Parameter::query(
                crate::wire::CONNECTION_ID,
                Rule::Text(TextRule::CONNECTION_ID),
                "Id of the connection; all without it",
            ),
        ],
        body: None,
        replies: &[ReplyDoc::ok(schema_of::<SyncStatuses>, "The states.")],
        errors: &[ErrorDoc {
            status: StatusCode::BAD_REQUEST,
            codes: &[
                ("invalid_body", "the connection does not exist"),
                ("unknown_provider_config", "the integration does not exist"),
                ("no_syncs_found", "one of the syncs does not exist"),
            ],
        }],
        handler: |call| Box::pin(status(call)),
    },
    Route {
        method: Method::PUT,
        path: "/sync/update-connection-frequency",
        id: "updateSyncFrequency",
        summary: "Overrides the frequency of a sync of a connection.",
        access: Access::Key(&[Scope::SyncsUpdate]),
        parameters: &[],
        body: Some(Body { schema: schema_of::<FrequencyBody>, description: "Sync and frequency." }),
        replies: &[ReplyDoc::ok(schema_of::<FrequencyJson>, "The frequency that applies.")],
        errors: &[ErrorDoc {
            status: StatusCode::BAD_REQUEST,
            codes: &[
                ("unknown_connection", "the connection does not exist"),
                ("unknown_sync", "the sync, or its variant, does not exist"),
            ],
        }],
        handler: |call| Box::pin(set_frequency(call)),
    },
    Route {
        method: Method::POST,
        path: "/sync/{name}/variant/{variant}",
        id: "createSyncVariant",
        summary: "Creates a variant of a sync of a connection.",
        access: Access::Key(&[Scope::SyncsVariantCreate]),
        parameters: &[NAME, VARIANT],
        body: Some(Body { schema: schema_of::<VariantBody>, description: "Connection." }),
        replies: &[ReplyDoc::ok(schema_of::<VariantJson<'_>>, "The variant.")],
        errors: &[ErrorDoc {
            status: StatusCode::BAD_REQUEST,
            codes: &[
                ("invalid_variant", "the name is reserved"),
                ("unknown_provider_config", "the integration does not exist"),
                ("unknown_connection", "the connection does not exist"),
                ("unknown_sync", "the sync does not exist"),
                ("sync_variant_already_exists", "the variant exists"),
                ("resource_capped", "the sync has as many variants as it may have"),
            ],
        }],
        handler: |call| Box::pin(create_variant(call)),
    },
    Route {
        method: Method::DELETE,
        path: "/sync/{name}/variant/{variant}",
        id: "deleteSyncVariant",
        summary: "Deletes a variant of a sync of a connection, with its records.",
        access: Access::Key(&[Scope::SyncsVariantDelete]),
        parameters: &[NAME, VARIANT],
        body: Some(Body { schema: schema_of::<VariantBody>, description: "Connection." }),
        replies: SUCCESS,
        errors: &[
            ErrorDoc { status: StatusCode::BAD_REQUEST, codes: &[("invalid_variant", "the name is reserved")] },
            ErrorDoc {
                status: StatusCode::NOT_FOUND,
                codes: &[("not_found", "the connection, the sync or the variant does not exist")],
            },
        ],
        handler: |call| Box::pin(delete_variant(call)),
    },
];

/// Change of a schedule.
#[derive(Debug, Clone, Copy)]
enum Command {
    Start,
    Pause,
    Trigger(TriggerOptions),
}

fn bad_request(code: &'static str, message: impl Into<String>) -> ApiError {
    ApiError::new(StatusCode::BAD_REQUEST, code).message(message)
}

fn key(integration: &str, connection: &str, sync: &SyncName) -> FunctionKey {
    FunctionKey {
        kind: FunctionKind::Sync,
        integration: integration.to_owned(),
        connection: connection.to_owned(),
        function: sync.name.clone(),
        variant: sync.variant.clone(),
    }
}

async fn trigger(call: Call) -> Result<Reply, ApiError> {
    let body: TriggerBody = call.body()?;
    let options = body.options().map_err(|error| ApiError::invalid_body(vec![error]))?;
    let given = |field: Option<String>, header| field.or_else(|| call.header(header).map(str::to_owned));
    let integration = given(body.provider_config_key.map(String::from), "provider-config-key");
    let Some(integration) = integration else {
        return Err(bad_request("missing_provider_config_key", "the request has no `provider_config_key`"));
    };
    let connection = given(body.connection_id.map(String::from), "connection-id");
    command(&call, &integration, connection.as_deref(), &body.syncs.0, Command::Trigger(options)).await
}

async fn schedule(call: Call, kind: Command) -> Result<Reply, ApiError> {
    let body: ScheduleBody = call.body()?;
    let (integration, connection) = (String::from(body.provider_config_key), body.connection_id.map(String::from));
    command(&call, &integration, connection.as_deref(), &body.syncs.0, kind).await
}

/// Applies a command to the selected syncs. A sync whose command fails does not prevent the others.
async fn command(
    call: &Call,
    integration: &str,
    connection: Option<&str>,
    syncs: &[SyncName],
    kind: Command,
) -> Result<Reply, ApiError> {
    let engine = &call.state.engine;
    for key in selected(call, integration, connection, syncs).await? {
        let applied = match kind {
            Command::Start => engine.resume(&key).await,
            Command::Pause => engine.pause(&key).await,
            Command::Trigger(options) => engine.trigger(&key, options).await.map(drop),
        };
        // Other errors mean that the connection or the variant was removed meanwhile.
        if let Err(EngineError::Store(error)) = applied {
            return Err(error.into());
        }
    }
    Reply::ok(&Success::new())
}

/// Returns the keys of the selected syncs.
async fn selected(
    call: &Call,
    integration: &str,
    connection: Option<&str>,
    syncs: &[SyncName],
) -> Result<Vec<FunctionKey>, ApiError> {
    if !call.has_integration(integration) {
        let message = format!("the integration `{integration}` does not exist");
        return Err(bad_request("unknown_provider_config", message));
    }
    let runtime = &call.state.runtime;
    let connections: Vec<String> = match connection {
        Some(id) if runtime.store.connection(integration, id).await?.is_some() => vec![id.to_owned()],
        Some(id) => return Err(ApiError::unknown_connection(StatusCode::NOT_FOUND, integration, id)),
        None => runtime.store.connections(Some(integration)).await?.into_iter().map(|one| one.id).collect(),
    };
    for sync in syncs {
        if runtime.registry.sync(integration, &sync.name).is_none() {
            let message = format!("the integration `{integration}` has no sync `{}`", sync.name);
            return Err(bad_request("no_syncs_found", message));
        }
    }
    let filter = ScheduleFilter {
        integration: Some(integration.to_owned()),
        connection: connection.map(str::to_owned),
        sync: None,
    };
    let existing: BTreeSet<FunctionKey> =
        runtime.store.schedules(filter).await?.into_iter().map(|schedule| schedule.key).collect();
    let declared = || declared(call, integration).map(|def| SyncName::base(def.name));
    let mut keys = BTreeSet::new();
    if syncs.is_empty() {
        // Base variants whose schedules were not added yet, and all variants that exist.
        let of_connection = |id: &String| declared().map(|sync| key(integration, id, &sync)).collect::<Vec<_>>();
        keys.extend(connections.iter().flat_map(of_connection));
        keys.extend(existing.into_iter().filter(|key| runtime.registry.sync(integration, &key.function).is_some()));
    } else {
        for sync in syncs {
            let of_sync = connections.iter().map(|id| key(integration, id, sync));
            let found: Vec<_> = of_sync.filter(|key| key.variant == BASE_VARIANT || existing.contains(key)).collect();
            if found.is_empty() {
                let message =
                    format!("no connection of `{integration}` has the sync `{}::{}`", sync.name, sync.variant);
                return Err(bad_request("no_syncs_found", message));
            }
            keys.extend(found);
        }
    }
    Ok(keys.into_iter().collect())
}

/// Returns the syncs that an integration declares.
fn declared(call: &Call, integration: &str) -> impl Iterator<Item = &'static SyncDef> {
    let syncs = call.state.runtime.registry.syncs();
    let of_integration: Vec<_> =
        syncs.filter(|(entry, _)| entry.integration() == integration).map(|(_, def)| def).collect();
    of_integration.into_iter()
}

async fn status(call: Call) -> Result<Reply, ApiError> {
    let query: StatusQuery = call.query()?;
    let names = query.syncs().map_err(|error| ApiError::invalid_query_params(vec![error]))?;
    let (integration, connection) = (query.provider_config_key.as_str(), query.connection_id.as_deref());
    if !call.has_integration(integration) {
        let message = format!("the integration `{integration}` does not exist");
        return Err(bad_request("unknown_provider_config", message));
    }
    let store = &call.state.runtime.store;
    if let Some(id) = connection
        && store.connection(integration, id).await?.is_none()
    {
        let message = format!("the connection `{id}` of `{integration}` does not exist");
        return Err(bad_request("invalid_body", message));
    }
    let selection: Vec<(String, Option<String>)> = match (names.is_empty(), connection) {
        // Of one connection, also the syncs whose schedules were not added yet.
        (true, Some(_)) => declared(&call, integration).map(|def| (def.name.to_owned(), None)).collect(),
        (true, None) => Vec::new(),
        (false, _) => names.into_iter().map(|sync| (sync.name, Some(sync.variant))).collect(),
    };
    let states =
        call.state.engine.statuses(integration, connection, &selection).await.map_err(|error| match error {
            EngineError::Store(error) => error.into(),
            error => bad_request("no_syncs_found", error.to_string()),
        })?;
    let mut records: BTreeMap<(String, String), BTreeMap<String, u64>> = BTreeMap::new();
    for stats in store.datasets(Some(integration), connection).await? {
        let dataset = stats.dataset;
        records.entry((dataset.connection, dataset.variant)).or_default().insert(dataset.model, stats.live);
    }
    let to_json = |state: &SyncState| {
        let key = &state.schedule.key;
        let def = call.state.runtime.registry.sync(integration, &key.function);
        let counts = records.get(&(key.connection.clone(), key.variant.clone()));
        let count = |model: &str| counts.and_then(|counts| counts.get(model)).copied().unwrap_or(0);
        let models = def.iter().flat_map(|def| def.models).map(|model| (model.name.to_owned(), count(model.name)));
        SyncStatus::new(state, def.is_some_and(is_incremental), models.collect())
    };
    Reply::ok(&SyncStatuses { syncs: states.iter().map(to_json).collect() })
}

async fn set_frequency(call: Call) -> Result<Reply, ApiError> {
    let body: FrequencyBody = call.body()?;
    let frequency = body.frequency().map_err(|error| ApiError::invalid_body(vec![error]))?;
    let is_override = frequency.is_some();
    let variant = body.sync_variant.map_or_else(|| BASE_VARIANT.to_owned(), String::from);
    let sync = SyncName { name: body.sync_name.into(), variant };
    let (integration, connection) = (String::from(body.provider_config_key), String::from(body.connection_id));
    let unknown = || ApiError::unknown_connection(StatusCode::BAD_REQUEST, &integration, &connection);
    if !call.has_integration(&integration) {
        return Err(unknown());
    }
    let key = key(&integration, &connection, &sync);
    let applied = call.state.engine.set_frequency(&key, frequency).await.map_err(|error| match error {
        EngineError::Store(error) => error.into(),
        EngineError::UnknownConnection { .. } => unknown(),
        error => bad_request("unknown_sync", error.to_string()),
    })?;
    Reply::ok(&FrequencyJson::new(applied.as_ref(), is_override))
}

/// Returns the key of the variant in the path, and whether the key of the request may use its integration.
fn variant_of(call: &Call) -> Result<(FunctionKey, bool), ApiError> {
    let body: VariantBody = call.body()?;
    let (integration, connection) = (String::from(body.provider_config_key), String::from(body.connection_id));
    let sync = SyncName { name: call.path("name").to_owned(), variant: call.path("variant").to_owned() };
    Ok((key(&integration, &connection, &sync), call.has_integration(&integration)))
}

async fn create_variant(call: Call) -> Result<Reply, ApiError> {
    let (key, is_known) = variant_of(&call)?;
    if !is_known {
        let message = format!("the integration `{}` does not exist", key.integration);
        return Err(bad_request("unknown_provider_config", message));
    }
    call.state.engine.create_variant(&key).await.map_err(|error| {
        let code = match error {
            EngineError::Store(error) => return error.into(),
            EngineError::VariantName { .. } => "invalid_variant",
            EngineError::UnknownConnection { .. } => "unknown_connection",
            EngineError::VariantExists { .. } => "sync_variant_already_exists",
            EngineError::TooManyVariants { .. } => "resource_capped",
            _ => "unknown_sync",
        };
        bad_request(code, error.to_string())
    })?;
    Reply::ok(&VariantJson::new(&key))
}

async fn delete_variant(call: Call) -> Result<Reply, ApiError> {
    let (key, is_known) = variant_of(&call)?;
    if !is_known {
        return Err(ApiError::not_found(format!("the integration `{}` does not exist", key.integration)));
    }
    call.state.engine.delete_variant(&key).await.map_err(|error| match error {
        EngineError::Store(error) => error.into(),
        EngineError::VariantName { .. } => bad_request("invalid_variant", error.to_string()),
        error => ApiError::not_found(error.to_string()),
    })?;
    call.state.clear_removed();
    Reply::ok(&Success::new())
}
