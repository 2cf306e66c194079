//! The runtime of product integrations written as annotated async functions.
//!
//! A crate of integrations imports [`prelude`] and annotates functions with [`sync`](macro@sync),
//! [`action`](macro@action) and their kin; its `main` calls [`main`]. Everything else here is the house behind that
//! face, floor by floor (a floor knows only those below it):
//!
//! | floor | what it owns |
//! | --- | --- |
//! | [`mod@model`], [`declare`], [`error`] | what may enter the system, and what the attributes register |
//! | [`provider`] | the catalogue of APIs |
//! | [`store`] | the database: connections, records, checkpoints, runs |
//! | [`http`], [`auth`], [`paginate`], [`config`] | one outbound pipeline; settings |
//! | [`nango`] | the helper that functions get |
//! | [`run`] | executing one run |
//! | [`wire`], [`export`], [`cli`] | Nango's JSON shapes, schemas for clients, the `registry` binary |

// The attributes write `::nango_core::…`, also in the tests of this crate.
#[cfg(test)]
extern crate self as nango_core;

pub mod auth;
pub mod cli;
pub mod config;
pub mod declare;
pub mod error;
pub mod export;
pub mod http;
pub mod model;
pub mod nango;
pub mod paginate;
pub mod prelude;
pub mod provider;
pub mod run;
pub mod store;
pub mod testing;
mod time;
pub mod wire;

pub use cli::{App, main};
pub use declare::{ActionMarker, HasCheckpoint, HasMetadata, HasWebhook, NoModel, Saves, SyncMarker};
pub use error::{ActionError, Error, ErrorKind, HttpFailure, Result};
pub use model::{
    ApiTime, Checkpoint, CheckpointValue, Data, Fits, Mapped, Model, Patch, PatchOf, Record, RecordId, Returns, Stored,
};
pub use nango::{ActionFn, Nango, NangoAction, NangoSync};
pub use nango_macros::{action, checkpoint, model, on_event, on_webhook, patch, sync};
pub use paginate::Pages;
/// Inside a function, events of `tracing` go to the log of its run.
pub use tracing;

#[doc(hidden)]
pub mod __private;
