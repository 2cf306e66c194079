//! Unit tests of integrations: a connection with scripted or recorded answers of the provider, and a database in
//! memory.
//!
//! [`Mock::run`] runs an annotated function by the engine that runs it in the program: endpoint and pages of a mapper,
//! `since`, deletes, resume, `on_invalid`, the input of an action, and the type of a webhook are part of the test:
//!
//! ```
//! use nango_core::{prelude::*, testing::Mock};
//!
//! mod github {
//!     use nango_core::prelude::*;
//!
//!     /// A label of a repository.
//!     #[model]
//!     pub struct Label {
//!         /// Name of the label, unique in the repository.
//!         #[serde(rename = "name")]
//!         pub id: String,
//!     }
//!
//!     /// Syncs the labels.
//!     #[sync(
//!         model = "Label",
//!         endpoint = "/labels",
//!         paginate(link(rel = "next"), limit = 2, limit_name = "per_page"),
//!         track_deletes
//!     )]
//!     pub fn labels(label: Label) -> Label {
//!         label
//!     }
//!
//!     /// Creates a label.
//!     #[action]
//!     pub async fn create_label(nango: NangoAction, label: Label) -> Result<Label> {
//!         nango.post("/labels").body(&label).json().await
//!     }
//! }
//! use github::{Label, create_label, labels};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let mock = Mock::new()
//!     .on("GET", "/labels?per_page=2").page("?page=2", json!([{ "name": "bug" }, { "name": "idea" }]))
//!     .on("GET", "/labels?page=2").reply(json!([{ "name": "later" }]))
//!     // The answers for the second run: a label is gone.
//!     .on("GET", "/labels").reply(json!([{ "name": "bug" }, { "name": "idea" }]));
//!
//! assert_eq!(mock.run(labels).await?.counts::<Label>().added, 3);
//! assert_eq!(mock.run(labels).await?.counts::<Label>().deleted, 1);
//! assert_eq!(mock.deleted::<Label>().await, ["later"]);
//!
//! let mock = mock.on("POST", "/labels").body(json!({ "name": "new" })).reply(json!({ "name": "new" }));
//! let created: Label = mock.run(create_label).input(json!({ "name": "new" })).await?.output();
//! assert_eq!(created.id, "new");
//! # Ok::<(), Error>(()) }).unwrap();
//! ```
//!
//! An annotated function also remains an ordinary function, which can be called with a handle:
//! `create_label(mock.nango(), label).await?`.
//!
//! Each answer is used once, unless it is followed by [`always`](Mock::always). A request without an answer fails, with
//! an error that says which answers are left and why the nearest one is for another request. An answer that was not
//! used fails the test when the mock is dropped, or at [`Mock::finish`]. To test with the provider's own answers,
//! record a run (`registry run … --record FILE`) and run the function against the recording with [`Replay`].

mod answer;
mod clock;
mod database;
mod direct;
mod expected_request;
mod mock;
pub(crate) mod mock_api;
mod received_request;
mod replay;
mod report;
mod rows;
mod run;
mod script;
mod setup;
mod stored;
#[cfg(test)]
mod tests;

pub use crate::store::{LogLine, ModelCounts};
pub use mock::Mock;
pub use received_request::ReceivedRequest;
pub use replay::{Replay, ReplayRun};
pub use report::Report;
pub use run::Run;
pub use script::On;
