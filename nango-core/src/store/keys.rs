//! Keys of datasets and functions, and the token of a run.

use uuid::Uuid;

use crate::declare::FunctionKind;

/// The default variant of a sync; every other function has only this variant.
pub const BASE_VARIANT: &str = "base";

/// Identifies a dataset: the records of one model and variant of a connection.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DatasetKey {
    /// The integration's unique key.
    pub integration: String,
    /// The connection's id.
    pub connection: String,
    /// The model's name.
    pub model: String,
    /// The variant of the sync; `base` by default.
    pub variant: String,
}

impl DatasetKey {
    /// Returns the four names as bytes that are unique per key: each name is prefixed with its length, so that
    /// different lists of names never produce the same bytes.
    pub(crate) fn length_prefixed(&self) -> Vec<u8> {
        let names = [&self.integration, &self.connection, &self.model, &self.variant];
        let mut bytes = Vec::with_capacity(names.iter().map(|name| name.len() + 8).sum());
        for name in names {
            bytes.extend_from_slice(&(name.len() as u64).to_le_bytes());
            bytes.extend_from_slice(name.as_bytes());
        }
        bytes
    }
}

/// A function of a connection: the owner of a checkpoint, and the key by which runs of a sync exclude each other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FunctionKey {
    /// The type of the function.
    pub kind: FunctionKind,
    /// The integration's unique key.
    pub integration: String,
    /// The connection's id.
    pub connection: String,
    /// The function's name.
    pub function: String,
    /// The variant of a sync; `base` for all other functions.
    pub variant: String,
}

impl FunctionKey {
    /// Creates the key of the base variant of a sync.
    pub fn sync(integration: impl Into<String>, connection: impl Into<String>, sync: impl Into<String>) -> Self {
        Self {
            kind: FunctionKind::Sync,
            integration: integration.into(),
            connection: connection.into(),
            function: sync.into(),
            variant: BASE_VARIANT.to_owned(),
        }
    }

    /// Returns the dataset in which the function stores the records of a model.
    pub(crate) fn dataset(&self, model: &str) -> DatasetKey {
        DatasetKey {
            integration: self.integration.clone(),
            connection: self.connection.clone(),
            model: model.to_owned(),
            variant: self.variant.clone(),
        }
    }
}

/// The right to write for a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RunToken {
    /// The run's public id.
    pub id: Uuid,
    /// The number of the run in the database.
    pub row: i64,
    /// The fence of the lease: a greater one invalidates this token.
    pub fence: i64,
}
