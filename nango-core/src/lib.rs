//! The runtime of product integrations written as annotated async functions.
//!
//! A crate of integrations imports [`prelude`] and annotates functions with [`sync`](macro@sync),
//! [`action`](macro@action) and the other attributes; its `main` calls [`main`]. [`handle`] has the types of the
//! methods that functions call, [`testing`] the tools of their unit tests, and [`cli`] the interface of added commands.
//!
//! The private modules implement these entry points in layers; a layer uses only the layers above it in this table:
//!
//! | layer | responsibility |
//! | --- | --- |
//! | `time`, `error`, `model`, `declare` | time, errors, types of stored and exchanged data, registered functions |
//! | `provider` | the catalogue of APIs |
//! | `store` | the database: connections, records, checkpoints, runs |
//! | `http`, `auth`, `paginate`, `config` | the outbound HTTP pipeline, and settings |
//! | `nango` | the handle that functions receive |
//! | `run` | execution of runs |
//! | `export`, `wire`, `server`, `cli` | schemas for clients, Nango's JSON shapes, the HTTP API, the `registry` binary |

// The attributes expand to paths that begin with `::nango_core`, also in the tests of this crate.
#[cfg(test)]
extern crate self as nango_core;

mod auth;
pub mod cli;
mod config;
mod declare;
mod engine;
mod error;
mod export;
mod file_access;
#[cfg(test)]
mod golden;
pub mod handle;
mod http;
mod json;
mod model;
mod nango;
mod paginate;
pub mod prelude;
mod provider;
mod recording;
mod redact;
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
mod run;
#[cfg(feature = "server")]
mod server;
mod store;
pub mod testing;
mod time;
mod wire;

#[doc(inline)]
pub use cli::{App, main};
#[doc(inline)]
pub use declare::{
    ActionMarker, EndpointPath, HasCheckpoint, HasMetadata, HasWebhook, IntoEndpoint, PathValue, Saves, SyncMarker,
};
#[doc(hidden)]
pub use declare::{NoModel, SavedBy, SavesGiven};
#[doc(hidden)]
pub use error::SourceError;
#[doc(inline)]
pub use error::{ActionError, Context, Error, ErrorInBody, ErrorKind, HttpFailure, Result};
#[doc(inline)]
pub use model::{
    ApiTime, Change, Checkpoint, CheckpointValue, Children, Data, Fits, Mapped, Model, Patch, PatchOf, Record,
    RecordId, Returns, Stored,
};
#[doc(hidden)]
pub use model::{AsRecord, FlatValue, IntegerId, OneModel, ReturnsNothing, TextId};
#[doc(hidden)]
pub use nango::OnlyOfSync;
#[doc(inline)]
pub use nango::{ActionFn, Nango, NangoAction, NangoSync};
/// Declares an operation at the provider:
///
/// ```
/// mod github {
///     use nango_core::prelude::*;
///
///     #[model]
///     pub struct NewIssue {
///         pub owner: String,
///         pub repo: String,
///         pub title: String,
///     }
///
///     #[model]
///     pub struct CreatedIssue {
///         pub number: u64,
///     }
///
///     /// Creates an issue.
///     #[action(scopes("repo"))]
///     pub async fn create_issue(nango: NangoAction, input: NewIssue) -> Result<CreatedIssue> {
///         let path = path!("/repos/{owner}/{repo}/issues", owner = input.owner, repo = input.repo);
///         nango.post(path).body(&input).json().await
///     }
/// }
/// ```
///
/// # Reference
///
pub use nango_macros::action;
/// Declares the position that a function stores between its runs:
///
/// ```
/// mod github {
///     use nango_core::prelude::*;
///
///     #[model]
///     pub struct Event {
///         pub id: String,
///     }
///
///     /// The event up to which the feed was read.
///     #[checkpoint]
///     pub struct Position {
///         pub last_event: String,
///     }
///
///     /// Fetches the events since the last run.
///     #[sync(model = "Event", frequency = "every 5 minutes", checkpoint = Position)]
///     pub async fn events(nango: NangoSync) -> Result<()> {
///         let mut request = nango.get("/events");
///         if let Some(position) = nango.checkpoint().await? {
///             request = request.query("after", position.last_event);
///         }
///         let events: Vec<Event> = request.json().await?;
///         let last_event = events.last().map(|event| event.id.clone());
///         nango.batch_save(events).await?;
///         if let Some(last_event) = last_event {
///             nango.save_checkpoint(Position { last_event }).await?;
///         }
///         Ok(())
///     }
/// }
/// ```
///
/// # Reference
///
pub use nango_macros::checkpoint;
/// Declares data: a struct or an enum with a name and a schema. With an id, it is a record.
///
/// ```
/// mod github {
///     use nango_core::prelude::*;
///
///     /// An issue of a repository.
///     #[model(id = "number", updated = "updated_at")]
///     pub struct GithubIssue {
///         /// Number within the repository.
///         pub number: u64,
///         pub title: String,
///         /// Time of the last change at GitHub, in RFC 3339.
///         pub updated_at: String,
///         pub state: State,
///     }
///
///     /// Whether work is left.
///     #[model]
///     #[serde(rename_all = "lowercase")]
///     pub enum State {
///         Open,
///         Closed,
///     }
/// }
/// ```
///
/// # Reference
///
pub use nango_macros::model;
/// Runs a function on an event of a connection:
///
/// ```
/// mod github {
///     use nango_core::prelude::*;
///
///     #[model]
///     pub struct User {
///         pub login: String,
///     }
///
///     /// Refuses a connection whose credentials are not accepted.
///     #[on_event(validate_connection)]
///     async fn check_credentials(nango: NangoAction) -> Result<()> {
///         let _user: User = nango.get("/user").json().await?;
///         Ok(())
///     }
/// }
/// ```
///
/// # Reference
///
pub use nango_macros::on_event;
/// Makes a function the webhook handler of a sync:
///
/// ```
/// mod github {
///     use nango_core::prelude::*;
///
///     #[model]
///     pub struct Issue {
///         pub id: u64,
///     }
///
///     /// Fetches all issues.
///     #[sync(model = "Issue", frequency = "every day")]
///     pub async fn all_issues(nango: NangoSync) -> Result<()> {
///         let issues: Vec<Issue> = nango.get("/issues").json().await?;
///         nango.batch_save(issues).await?;
///         Ok(())
///     }
///
///     #[model]
///     pub struct IssueEvent {
///         pub issue: Issue,
///     }
///
///     /// Saves an issue that was opened or edited.
///     #[on_webhook(all_issues, "issues.opened", "issues.edited")]
///     async fn issue_changed(nango: NangoSync, event: IssueEvent) -> Result<()> {
///         nango.batch_save([event.issue]).await?;
///         Ok(())
///     }
/// }
/// ```
///
/// # Reference
///
pub use nango_macros::on_webhook;
/// Declares changes to a record. Fields that are `None` or `Patch::Keep` stay as they are stored:
///
/// ```
/// mod github {
///     use nango_core::prelude::*;
///
///     #[model]
///     pub struct Issue {
///         pub id: u64,
///         pub title: String,
///         pub closed_at: Option<String>,
///     }
///
///     #[patch(of = Issue)]
///     pub struct IssuePatch {
///         pub id: u64,
///         pub title: Option<String>,
///         pub closed_at: Patch<String>,
///     }
///
///     /// Reopens an issue in the cache.
///     #[sync(model = "Issue")]
///     pub async fn reopen_issue(nango: NangoSync) -> Result<()> {
///         nango.batch_update([IssuePatch { id: 7, title: None, closed_at: Patch::Null }]).await?;
///         Ok(())
///     }
/// }
/// ```
///
/// # Reference
///
pub use nango_macros::patch;
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
#[doc(inline)]
pub use paginate::Pages;
/// The `serde` crate. A crate without a dependency on it derives its traits with `#[serde(crate =
/// "nango_core::serde")]`.
pub use serde;
#[doc(inline)]
pub use time::Timestamp;
/// The `tracing` crate. Events inside a function are stored in the log of its run.
pub use tracing;
#[doc(inline)]
pub use uuid::Uuid;

#[doc(hidden)]
pub mod __private;
#[doc(hidden)]
pub mod internal;
