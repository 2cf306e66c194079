//! The dataset that a command names.

use clap::Args;

use crate::{
    cli::{CommandError, Context, lookup},
    store::{BASE_VARIANT, DatasetKey},
};

// The dataset of a command. This is not a doc comment because clap would use it as the description of the command.
#[derive(Debug, Args)]
pub(super) struct DatasetArguments {
    /// Name of the integration
    pub(super) integration: String,
    /// Name of the model
    pub(super) model: String,
    /// Connection that owns the records
    #[arg(long, value_name = "ID")]
    pub(super) connection: String,
    /// Variant of the sync that wrote the records
    #[arg(long, value_name = "NAME", default_value = BASE_VARIANT)]
    pub(super) variant: String,
}

impl DatasetArguments {
    /// Returns the dataset key, without checking whether the names exist.
    pub(super) fn key(&self) -> DatasetKey {
        DatasetKey {
            integration: self.integration.clone(),
            connection: self.connection.clone(),
            model: self.model.clone(),
            variant: self.variant.clone(),
        }
    }

    /// Returns the dataset key. A model that no sync writes any more may still have records, so only the connection
    /// must exist.
    pub(super) fn resolve(&self, context: &mut Context) -> Result<DatasetKey, CommandError> {
        let runtime = context.open_existing()?;
        context.block_on(lookup::connection(&runtime, &self.integration, &self.connection))?;
        let key = self.key();
        let known = context.block_on(runtime.store.datasets(Some(&self.integration), Some(&self.connection)))?;
        if !known.iter().any(|one| one.dataset == key) {
            lookup::model(context.registry(), &self.integration, &self.model)?;
        }
        Ok(key)
    }
}

/// Returns the name of a dataset in tables and messages: `github acme Issue`.
pub(super) fn dataset_label(dataset: &DatasetKey) -> String {
    let DatasetKey { integration, connection, model, variant } = dataset;
    let variant = if variant == BASE_VARIANT { String::new() } else { format!(" ({variant})") };
    format!("{integration} {connection} {model}{variant}")
}
