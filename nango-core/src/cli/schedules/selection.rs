//! Arguments that name one sync of one connection.

use std::sync::Arc;

use clap::Args;

use crate::{
    cli::{CommandError, Context, lookup},
    declare::FunctionKind,
    engine::EngineError,
    run::Runtime,
    store::{BASE_VARIANT, FunctionKey},
};

// Sync of a connection. This is not a doc comment because clap would use it as the description of the command.
#[derive(Debug, Args)]
pub(super) struct Selection {
    /// Name of the integration
    integration: String,
    /// Name of the sync
    sync: String,
    /// Connection of the sync
    #[arg(long, value_name = "ID")]
    connection: String,
    /// Variant of the sync
    #[arg(long, value_name = "NAME", default_value = BASE_VARIANT)]
    variant: String,
}

impl Selection {
    /// Opens the database, and returns the key of the sync. An unknown name is an error with the available ones.
    pub(super) fn open(self, context: &mut Context) -> Result<(Arc<Runtime>, FunctionKey), CommandError> {
        let entry = lookup::function(context.registry(), &self.integration, &self.sync, &[FunctionKind::Sync])?;
        let key = FunctionKey {
            kind: FunctionKind::Sync,
            integration: entry.integration().to_owned(),
            connection: self.connection,
            function: entry.name().to_owned(),
            variant: self.variant,
        };
        let runtime = context.open_existing()?;
        context.block_on(lookup::connection(&runtime, &key.integration, &key.connection))?;
        Ok((runtime, key))
    }
}

/// Returns the name of a sync in messages.
pub(super) fn label(key: &FunctionKey) -> String {
    let variant = if key.variant == BASE_VARIANT { String::new() } else { format!(", variant `{}`", key.variant) };
    format!("`{}` of connection `{}`{variant}", key.function, key.connection)
}

/// Converts an error of the dispatcher.
pub(super) fn engine_error(error: EngineError) -> CommandError {
    match error {
        EngineError::UnknownVariant { .. } => CommandError::not_found(error.to_string()),
        error => error.into_error().into(),
    }
}
