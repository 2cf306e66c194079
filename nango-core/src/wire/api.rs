//! Requests and responses of the HTTP API, with Nango's names.
//!
//! Values of paths, queries and headers are checked by the rules of the route before these types are decoded. Types of
//! bodies check their values while they are decoded, so that a handler receives valid ones and the error has their
//! path; //! the same types are the schemas of the OpenAPI document.

mod actions;
mod connections;
mod data;
mod environment;
mod failures;
mod functions;
mod import;
mod integrations;
mod metadata;
mod profile;
mod records;
mod scripts;
mod syncs;
mod text;

pub(crate) use actions::{ActionBody, action_error, invalid_input};
pub(crate) use connections::{ConnectionListQuery, ConnectionReadQuery, IntegrationOfConnection, Success};
pub(crate) use data::{AnyObject, Data};
pub(crate) use environment::EnvironmentVariable;
pub(crate) use failures::{import_error, invalid_credentials};
pub(crate) use functions::{DeployedFunction, FunctionList, FunctionListQuery, FunctionQuery};
pub(crate) use import::ImportBody;
pub(crate) use integrations::{IntegrationJson, IntegrationQuery};
pub(crate) use metadata::MetadataBody;
pub(crate) use profile::ConnectionPatch;
pub(crate) use records::{PruneBody, PruneJson, RecordsPage, RecordsQuery};
pub(crate) use scripts::{OpenAiTools, ScriptsConfig, ScriptsQuery, is_incremental, scripts_config};
pub(crate) use syncs::{
    FrequencyBody, FrequencyJson, ScheduleBody, StatusQuery, SyncName, SyncStatus, SyncStatuses, TriggerBody,
    VariantBody, VariantJson,
};
