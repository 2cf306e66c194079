//! Models, patches and checkpoints: enums, renamed keys, derives of one's own, nested patches, conditions on fields.
#![allow(clippy::unwrap_used, reason = "a panic is how a test reports")]
#![forbid(unsafe_code)]
#![deny(warnings, missing_docs, missing_debug_implementations, unreachable_pub, rust_2018_idioms, clippy::pedantic)]

use nango_core::{Model, PatchOf, Record, prelude::*};

/// An enum is data.
#[model]
#[derive(Copy, Eq)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Open.
    Open,
    /// Closed.
    Closed,
}

/// A record with a key of another name.
#[model(id = "type", name = "Renamed")]
#[derive(Debug, Default)]
pub struct Issue {
    /// The key.
    pub r#type: String,
    /// Its title.
    pub title: String,
    /// When it was closed.
    pub closed_at: Option<String>,
    /// Who wrote it.
    pub author: Author,
    /// Who reviewed it.
    pub reviewer: Option<Author>,
    /// What state.
    pub state: Option<State>,
    /// More.
    pub labels: Vec<String>,
    /// Anything.
    pub extra: Value,
    /// Never.
    #[cfg(any())]
    pub never: NoSuchType,
}

/// A part of it.
#[model]
#[derive(Default)]
pub struct Author {
    /// The name.
    pub name: String,
    /// The address.
    pub mail: Option<String>,
}

/// Changes.
#[patch(of = Issue, id = "type")]
pub struct IssuePatch {
    /// The key.
    pub r#type: String,
    /// A new title.
    pub title: Option<String>,
    /// Closed, or opened again.
    pub closed_at: Patch<String>,
    /// A part of it.
    pub author: Option<AuthorPatch>,
    /// A part of it that may vanish.
    pub reviewer: Patch<Author>,
    /// As a part.
    pub state: std::option::Option<State>,
    /// Renamed for serde.
    #[serde(rename = "labels", skip_serializing_if = "Option::is_none")]
    pub labels: Option<Vec<String>>,
    /// Anything.
    pub extra: Patch<Value>,
    /// Never.
    #[cfg(any())]
    pub never: Option<NoSuchType>,
}

/// A part of the changes.
#[patch(of = "Author", nested)]
pub struct AuthorPatch {
    /// The name.
    pub name: Option<String>,
    /// The address.
    pub mail: Patch<String>,
}

/// A place.
#[checkpoint]
pub struct Position {
    /// A moment.
    pub since: String,
    /// A page.
    pub page: Option<u32>,
    /// Never.
    #[cfg(any())]
    pub never: NoSuchType,
}

/// Not there at all.
#[model]
#[cfg(any())]
pub struct Gone {
    pub id: NoSuchType,
}

/// Not there at all.
#[cfg(any())]
#[checkpoint]
pub struct GonePlace {
    pub at: NoSuchType,
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
