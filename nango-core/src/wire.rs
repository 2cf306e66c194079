//! JSON output with Nango's names.
//!
//! Only this module contains names of the wire format, such as `provider_config_key`, `_nango_metadata` and
//! `script_http_error`. The output of `--json` and of the HTTP API is built here, so that a client of one can
//! read the other. The module converts values of the layers below to JSON and makes no decisions.
//!
//! Invariant: the payload of a record is copied as the bytes that the cache stores. It is never parsed into a tree, so
//! a record costs one copy, and a number keeps all its digits.

#[cfg(feature = "server")]
pub(crate) mod api;
#[cfg(feature = "server")]
mod api_errors;
mod api_keys;
#[cfg(feature = "server")]
mod api_providers;
mod connections;
mod database;
mod errors;
#[cfg(test)]
mod frozen;
mod functions;
#[cfg(feature = "server")]
mod imported;
#[cfg(feature = "server")]
mod names;
mod providers;
mod recordings;
mod records;
#[cfg(feature = "server")]
mod registry_types;
mod run_key;
mod runs;
mod schedules;
#[cfg(feature = "server")]
mod source;
mod stored_runs;
#[cfg(feature = "server")]
mod text_rules;
mod time;

#[cfg(feature = "server")]
pub(crate) use api_errors::{ApiError, ErrorBody, ValidationError};
pub(crate) use api_keys::{ApiKeyRow, CreatedApiKeyJson, SigningKeyJson};
#[cfg(feature = "server")]
pub(crate) use api_providers::{ProviderJson, provider_logo};
pub(crate) use connections::{
    AddedJson, ConnectionDetail, ConnectionList, ConnectionRow, ConnectionTestJson, MetadataJson, RemovedJson,
};
pub(crate) use database::{BackupJson, CheckJson, CopiedJson, PrunedJson, RemovedRowsJson, RetainedJson, VacuumedJson};
pub(crate) use errors::WireError;
pub(crate) use functions::FunctionRow;
#[cfg(feature = "server")]
pub(crate) use imported::{ImportJson, ImportStatus, ImportSummary, ImportedConnection, ImportedIntegration};
#[cfg(feature = "server")]
pub(crate) use names::{CONNECTION_ID, PROVIDER_CONFIG_KEY};
pub(crate) use providers::{ProviderCheckJson, ProviderDetail, ProviderRow};
pub(crate) use recordings::{NewTestJson, ReplayJson, comparable_report};
pub use records::write_page;
pub(crate) use records::{PageWriter, write_record};
#[cfg(feature = "server")]
pub(crate) use registry_types::{RegistryInput, RegistryOutput, RegistryRecord};
pub(crate) use runs::RunJson;
pub(crate) use runs::WaitingDeletesJson;
pub(crate) use schedules::{ScheduleRow, TriggeredRun};
#[cfg(feature = "server")]
pub(crate) use source::{
    SOURCE_PAGE, SourceApp, SourceConnection, SourceData, SourceIntegration, SourcePage, SourceRow, source_connection,
    source_connections, source_error_code, source_integration, source_integrations,
};
pub(crate) use stored_runs::{DueRunJson, RunDetail, RunRow};
#[cfg(feature = "server")]
pub(crate) use text_rules::TextRule;
pub(crate) use time::micros;
