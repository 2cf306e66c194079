//! The syncs of the registry in `tests/proof` that crash tests run.

use nango_core::internal::{
    declare,
    store::{DatasetKey, FunctionKey},
};

/// One of the two syncs that crash tests run and kill. Each reads a list of the same items from the API, and stores it
/// as records of a model of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ProofSync {
    /// The mapper `items`, which also saves a part of each item. A killed run continues after the last committed page,
    /// at its resume state.
    Mapped,
    /// The hand-written loop `notes`. A killed run continues after the last saved checkpoint.
    ByHand,
}

impl ProofSync {
    pub(super) const BOTH: [Self; 2] = [Self::Mapped, Self::ByHand];

    /// Returns the name of the sync, which is also the name of the API's list.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Mapped => "items",
            Self::ByHand => "notes",
        }
    }

    /// Returns the model of its records.
    pub(super) fn model(self) -> &'static str {
        match self {
            Self::Mapped => "Item",
            Self::ByHand => "Note",
        }
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

    /// Returns the key of the parts of its records, if it saves them.
    pub(super) fn parts(self) -> Option<DatasetKey> {
        match self {
            Self::Mapped => Some(Self::dataset_of("ItemPart")),
            Self::ByHand => None,
        }
    }

    fn dataset_of(model: &str) -> DatasetKey {
        let [integration, connection, model, variant] = ["proof", "acme", model, "base"].map(str::to_owned);
        DatasetKey { integration, connection, model, variant }
    }
}
