//! The runtime of product integrations written as annotated async functions.
//!
//! A crate of integrations imports [`prelude`] and annotates functions with [`sync`](macro@sync),
//! [`action`](macro@action) and the other attributes; its `main` calls [`main`]. The other modules implement these
//! entry points in layers; a layer uses only the layers above it in this table:
//!
//! | layer | responsibility |
//! | --- | --- |
//! | [`mod@model`], [`declare`], [`error`] | types of stored and exchanged data, registered functions, errors |
//! | [`provider`] | the catalogue of APIs |
//! | [`store`] | the database: connections, records, checkpoints, runs |
//! | [`http`], [`auth`], [`paginate`], [`config`] | the outbound HTTP pipeline, and settings |
//! | [`nango`] | the handle that functions receive |
//! | [`run`] | execution of runs |
//! | [`wire`], [`export`], [`cli`] | Nango's JSON shapes, schemas for clients, the `registry` binary |

// The attributes expand to paths that begin with `::nango_core`, also in the tests of this crate.
#[cfg(test)]
extern crate self as nango_core;

pub mod auth;
pub mod cli;
pub mod config;
pub mod declare;
pub mod error;
pub mod export;
mod file_access;
#[cfg(test)]
mod golden;
pub mod http;
mod json;
pub mod model;
pub mod nango;
pub mod paginate;
pub mod prelude;
pub mod provider;
pub mod redact;
#[cfg(test)]
#[path = "../../tests/support/rng.rs"]
#[allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    clippy::expect_used,
    reason = "a helper of the crate `nango-tests`, with more than is needed here"
)]
mod rng;
pub mod run;
pub mod store;
pub mod testing;
mod time;
pub mod wire;

pub use cli::{App, main};
pub use declare::{
    ActionMarker, EndpointPath, HasCheckpoint, HasMetadata, HasWebhook, IntoEndpoint, NoModel, PathValue, Saves,
    SyncMarker,
};
pub use error::{ActionError, Error, ErrorKind, HttpFailure, Result};
pub use model::{
    ApiTime, Checkpoint, CheckpointValue, Data, Fits, Mapped, Model, Patch, PatchOf, Record, RecordId, Returns, Stored,
};
pub use nango::{ActionFn, Nango, NangoAction, NangoSync};
/// Builds the path of a request from values, and percent-encodes each value.
///
/// ```
/// use nango_core::prelude::*;
///
/// let (owner, name) = ("octo", "C#");
/// let path = path!("/repos/{owner}/labels/{name}?q={q}", q = "a&b");
/// assert_eq!(path.into_string()?, "/repos/octo/labels/C%23?q=a%26b");
///
/// let error = path!("/repos/{owner}/labels/{name}", name = "..").into_string().unwrap_err();
/// assert!(error.to_string().starts_with("`name` is \"..\" in the path `/repos/{owner}/labels/{name}`"));
/// # Ok::<(), Error>(())
/// ```
///
/// # Reference
///
pub use nango_macros::path;
/// Declares a sync. A mapper declares where the list ends and when a record that is no longer listed is deleted:
///
/// ```
/// mod jira {
///     use nango_core::prelude::*;
///
///     /// A project.
///     #[model]
///     pub struct Project {
///         /// Id in Jira.
///         pub id: String,
///         /// Display name.
///         pub name: String,
///     }
///
///     /// The site of a connection.
///     #[model]
///     pub struct Site {
///         /// The category whose projects are synced.
///         pub category: String,
///     }
///
///     /// Syncs the projects of a category.
///     #[sync(
///         model = "Project",
///         frequency = "every hour",
///         metadata = Site,
///         endpoint = "/rest/api/3/project/search?categoryId={category}",
///         paginate(
///             offset(name = "startAt"),
///             limit = 50,
///             limit_name = "maxResults",
///             response_path = "values",
///             is_last = "isLast",
///             total = "total"
///         ),
///         track_deletes,
///         confirm_deletes(get = "/rest/api/3/project/{record.id}"),
///         hold = "2h",
///         max_deletes = "20%"
///     )]
///     pub fn projects(project: Project) -> Project {
///         project
///     }
/// }
/// ```
///
/// # Reference
///
pub use nango_macros::sync;
pub use nango_macros::{action, checkpoint, model, on_event, on_webhook, patch};
pub use paginate::Pages;
pub use time::Timestamp;
/// The `tracing` crate. Events inside a function are stored in the log of its run.
pub use tracing;

#[doc(hidden)]
pub mod __private;
