//! JSON output with Nango's names.
//!
//! Only this module contains names of the wire format, such as `provider_config_key`, `_nango_metadata` and
//! `script_http_error`. The output of `--json` and (later) of the HTTP API is built here, so that a client of one can
//! read the other. The module converts values of the layers below to JSON and makes no decisions.
//!
//! Invariant: the payload of a record is copied as the bytes that the cache stores. It is never parsed into a tree, so
//! a record costs one copy, and a number keeps all its digits.

mod connections;
mod database;
mod errors;
#[cfg(test)]
mod frozen;
mod functions;
mod providers;
mod recordings;
mod records;
mod runs;
mod time;

pub(crate) use connections::{
    AddedJson, ConnectionDetail, ConnectionList, ConnectionRow, ConnectionTestJson, MetadataJson, RemovedJson,
};
pub(crate) use database::{BackupJson, CheckJson, CopiedJson, PrunedJson, RemovedRowsJson, RetainedJson, VacuumedJson};
pub(crate) use errors::WireError;
pub(crate) use functions::FunctionRow;
pub(crate) use providers::{ProviderCheckJson, ProviderDetail, ProviderRow};
pub(crate) use recordings::{NewTestJson, ReplayJson, comparable_report};
pub use records::write_page;
pub(crate) use records::{PageWriter, write_record};
pub(crate) use runs::RunJson;
pub(crate) use runs::WaitingDeletesJson;
pub(crate) use time::micros;
