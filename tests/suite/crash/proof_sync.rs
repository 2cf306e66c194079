//! The syncs of the registry in `tests/proof` that crash tests run.

use nango_core::internal::{
    declare,
    store::{DatasetKey, FunctionKey},
};

/// One of the syncs that crash tests run and kill. Each reads the same items from the API, and stores them as records
/// of a model of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ProofSync {
    /// The mapper `items`, which also saves a part of each item. A killed run continues after the last committed page,
    /// at its resume state.
    Mapped,
    /// The hand-written loop `notes`. A killed run continues after the last saved checkpoint.
    ByHand,
    /// The mapper `replies`, which reads one list for each of several parents. A killed run continues after the parents
    /// that are done, in the lists that are open.
    ByParent,
    /// The mapper `orders`, which also saves a line of each order. Orders and lines are deleted by the ends of their
    /// scans.
    Tuple,
    /// The mapper `entries`, which reads a feed of changes. A complete run stores the position of the feed.
    Feed,
}

/// Number of the lists that are read by parent.
const LISTS: usize = 7;

impl ProofSync {
    pub(super) const ALL: [Self; 5] = [Self::Mapped, Self::ByHand, Self::ByParent, Self::Tuple, Self::Feed];

    /// Returns the names of the API's lists.
    pub(super) fn lists(self) -> Vec<String> {
        match self {
            Self::Mapped | Self::ByHand | Self::Tuple | Self::Feed => vec![self.name().to_owned()],
            Self::ByParent => (0..LISTS).map(|list| format!("replies-{list}")).collect(),
        }
    }

    /// Returns the list of a record. A record with another text may move to another list.
    pub(super) fn list_of(self, text: &str) -> String {
        match self {
            Self::Mapped | Self::ByHand | Self::Tuple | Self::Feed => self.name().to_owned(),
            Self::ByParent => format!("replies-{}", text.len() % LISTS),
        }
    }

    /// Returns the name of the sync.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Mapped => "items",
            Self::ByHand => "notes",
            Self::ByParent => "replies",
            Self::Tuple => "orders",
            Self::Feed => "entries",
        }
    }

    /// Returns the model of its records.
    pub(super) fn model(self) -> &'static str {
        match self {
            Self::Mapped => "Item",
            Self::ByHand => "Note",
            Self::ByParent => "Reply",
            Self::Tuple => "Order",
            Self::Feed => "Entry",
        }
    }

    /// Returns whether a complete run stores a position for the next one.
    pub(super) fn stores_position(self) -> bool {
        self == Self::Feed
    }

    /// Returns the key of its runs.
    pub(super) fn function(self) -> FunctionKey {
        let [integration, connection, function, variant] = ["proof", "acme", self.name(), "base"].map(str::to_owned);
        FunctionKey { kind: declare::FunctionKind::Sync, integration, connection, function, variant }
    }

    /// Returns the key of the runs of the mapper's webhook handler, which writes the same records.
    pub(super) fn handler(self) -> FunctionKey {
        FunctionKey {
            kind: declare::FunctionKind::OnWebhook,
            function: "apply-item-event".to_owned(),
            ..self.function()
        }
    }

    /// Returns the key of its records.
    pub(super) fn dataset(self) -> DatasetKey {
        Self::dataset_of(self.model())
    }

    /// Returns the key of the parts of its records, its second model, if it has one.
    pub(super) fn parts(self) -> Option<DatasetKey> {
        match self {
            Self::Mapped => Some(Self::dataset_of("ItemPart")),
            Self::Tuple => Some(Self::dataset_of("Line")),
            Self::ByHand | Self::ByParent | Self::Feed => None,
        }
    }

    fn dataset_of(model: &str) -> DatasetKey {
        let [integration, connection, model, variant] = ["proof", "acme", model, "base"].map(str::to_owned);
        DatasetKey { integration, connection, model, variant }
    }
}
