//! Nango's names and JSON shapes.
//!
//! The only room that knows what a thing is called on the wire: `provider_config_key`, `_nango_metadata`,
//! `script_http_error`. The terminal's `--json` and (later) the HTTP API print what is written here, so a client of one
//! can read the other. It turns values of the floors below into JSON and decides nothing.
//!
//! Must stay true: a record's payload passes through as the bytes that the cache holds. It is never read into a tree,
//! so a record costs a copy, and a number keeps all its digits.

mod connections;
mod database;
mod errors;
#[cfg(test)]
mod frozen;
mod functions;
mod providers;
mod records;
mod runs;
mod time;

pub use connections::{
    AddedJson, ConnectionDetail, ConnectionList, ConnectionRow, ConnectionTestJson, MetadataJson, RemovedJson,
};
pub use database::{BackupJson, CheckJson, CopiedJson, PrunedJson, RemovedRowsJson, RetainedJson, VacuumedJson};
pub use errors::WireError;
pub use functions::FunctionRow;
pub use providers::{ProviderCheckJson, ProviderDetail, ProviderRow};
pub use records::{PageWriter, write_page, write_record};
pub use runs::RunJson;
pub(crate) use runs::WaitingDeletesJson;
pub use time::{micros, millis, millis_utc};
