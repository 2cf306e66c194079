//! Models, patches and checkpoints: enums, renamed keys, additional derives, nested patches, conditional fields.
#![allow(clippy::unwrap_used, reason = "tests report failures by panics")]
#![forbid(unsafe_code)]
#![deny(warnings, missing_docs, missing_debug_implementations, unreachable_pub, rust_2018_idioms, clippy::pedantic)]

use nango_core::{Model, PatchOf, Record, prelude::*};

/// State of an issue, as an enum of data.
#[model]
#[derive(Copy, Eq)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Open issues.
    Open,
    /// Closed issues.
    Closed,
}

/// A record whose key field has another name than `id`.
#[model(id = "type", name = "Renamed")]
#[derive(Debug, Default)]
pub struct Issue {
    /// Key of the record.
    pub r#type: String,
    /// Title of the issue.
    pub title: String,
    /// Time at which it was closed.
    pub closed_at: Option<String>,
    /// User who wrote the issue.
    pub author: Author,
    /// User who reviewed the issue.
    pub reviewer: Option<Author>,
    /// State of the issue.
    pub state: Option<State>,
    /// Names of the labels.
    pub labels: Vec<String>,
    /// Any JSON value.
    pub extra: Value,
    /// Removed by its condition.
    #[cfg(any())]
    pub never: NoSuchType,
}

/// Author or reviewer, as a nested model.
#[model]
#[derive(Default)]
pub struct Author {
    /// Name of the author.
    pub name: String,
    /// Address of the author.
    pub mail: Option<String>,
}

/// Changes to an issue.
#[patch(of = Issue, id = "type")]
pub struct IssuePatch {
    /// Key of the record.
    pub r#type: String,
    /// New title of the issue.
    pub title: Option<String>,
    /// Time at which it was closed, or null.
    pub closed_at: Patch<String>,
    /// Changes to the nested model.
    pub author: Option<AuthorPatch>,
    /// Nested model that may be set to null.
    pub reviewer: Patch<Author>,
    /// New state of the issue.
    pub state: std::option::Option<State>,
    /// Field that is renamed for serde.
    #[serde(rename = "labels", skip_serializing_if = "Option::is_none")]
    pub labels: Option<Vec<String>>,
    /// Any JSON value.
    pub extra: Patch<Value>,
    /// Removed by its condition.
    #[cfg(any())]
    pub never: Option<NoSuchType>,
}

/// Changes to the nested model.
#[patch(of = "Author", nested)]
pub struct AuthorPatch {
    /// New name of the author.
    pub name: Option<String>,
    /// New address of the author, or null.
    pub mail: Patch<String>,
}

/// Position in a paginated list.
#[checkpoint]
pub struct Position {
    /// Time of the last change.
    pub since: String,
    /// Page number in the list.
    pub page: Option<u32>,
    /// Removed by its condition.
    #[cfg(any())]
    pub never: NoSuchType,
}

/// Model that is removed by its condition.
#[model]
#[cfg(any())]
pub struct RemovedModel {
    pub id: NoSuchType,
}

/// Checkpoint that is removed by its condition.
#[cfg(any())]
#[checkpoint]
pub struct RemovedCheckpoint {
    pub page: NoSuchType,
}

fn main() {
    assert_eq!((Issue::NAME, Issue::INFO.name), ("Renamed", "Renamed"));
    #[allow(clippy::default_trait_access)]
    let schema = serde_json::to_string(&(Issue::INFO.schema)(&mut Default::default())).unwrap();
    assert!(schema.contains("#/$defs/Renamed"), "{schema}");
    assert_eq!(Issue { r#type: "a".into(), ..Issue::default() }.id(), "a");

    let patch = IssuePatch {
        r#type: "a".into(),
        title: None,
        closed_at: Patch::null(),
        author: Some(AuthorPatch { name: None, mail: Patch::set("m".into()) }),
        reviewer: Patch::Keep,
        state: Some(State::Closed),
        labels: None,
        extra: Patch::Keep,
    };
    assert_eq!(PatchOf::id(&patch), "a");
    let sent = json!({ "type": "a", "closed_at": null, "author": { "mail": "m" }, "state": "closed" });
    assert_eq!(serde_json::to_value(&patch).unwrap(), sent);
    assert_eq!(serde_json::from_value::<IssuePatch>(sent).unwrap(), patch);
}
