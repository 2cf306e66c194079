//! One registered function: its descriptor, and the name of its integration.

use crate::declare::{Item, Location};

/// Kind of a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FunctionKind {
    /// A `#[sync]` function.
    Sync,
    /// An `#[action]` function.
    Action,
    /// An `#[on_event]` function.
    OnEvent,
    /// An `#[on_webhook]` function.
    OnWebhook,
}

impl FunctionKind {
    /// Every type, in the order of the documentation.
    pub(crate) const ALL: [Self; 4] = [Self::Sync, Self::Action, Self::OnEvent, Self::OnWebhook];

    /// Returns the name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::Action => "action",
            Self::OnEvent => "on-event",
            Self::OnWebhook => "on-webhook",
        }
    }

    /// Parses the result of [`Self::name`].
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// A registered function with the name of its integration.
#[derive(Debug, Clone)]
pub struct Entry {
    item: Item,
    pub(super) integration: String,
}

impl Entry {
    /// Creates the entry of a descriptor.
    pub(crate) fn new(item: Item) -> Self {
        let declared = match item {
            Item::Sync(def) => def.integration,
            Item::Action(def) => def.integration,
            Item::Event(def) => def.integration,
            Item::Webhook(def) => def.sync.integration,
        };
        Self { item, integration: integration_key(declared) }
    }

    /// Returns the descriptor of the function.
    pub fn item(&self) -> Item {
        self.item
    }

    /// Returns the name of the integration: the declared one, with `-` for `_` (a module cannot be named
    /// `google-drive`).
    pub fn integration(&self) -> &str {
        &self.integration
    }

    /// Returns the kind of the function.
    pub fn kind(&self) -> FunctionKind {
        match self.item {
            Item::Sync(_) => FunctionKind::Sync,
            Item::Action(_) => FunctionKind::Action,
            Item::Event(_) => FunctionKind::OnEvent,
            Item::Webhook(_) => FunctionKind::OnWebhook,
        }
    }

    /// Returns the name of the function.
    pub fn name(&self) -> &'static str {
        match self.item {
            Item::Sync(def) => def.name,
            Item::Action(def) => def.name,
            Item::Event(def) => def.name,
            Item::Webhook(def) => def.name,
        }
    }

    /// Returns the location of the function's attribute.
    pub fn at(&self) -> Location {
        match self.item {
            Item::Sync(def) => def.at,
            Item::Action(def) => def.at,
            Item::Event(def) => def.at,
            Item::Webhook(def) => def.at,
        }
    }
}

/// Converts the declared integration of a descriptor to its name in the registry.
pub(crate) fn integration_key(declared: &str) -> String {
    declared.replace('_', "-")
}
