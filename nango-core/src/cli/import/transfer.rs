//! Import of one connection: it is read, compared with the one here, and written.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    plan,
    source::{ReadFailure, Source},
};
use crate::{
    cli::remedy,
    run::{self, AddFailure, ImportEffect, Observer, Runtime},
    wire::{ImportStatus, ImportedConnection, SourceRow},
};

/// Importer of the connections of a source.
pub(super) struct Transfer {
    pub(super) runtime: Arc<Runtime>,
    pub(super) source: Source,
    /// Provider of each integration of the source.
    pub(super) providers: BTreeMap<String, String>,
    /// Whether nothing is written.
    pub(super) dry_run: bool,
    /// Whether connections that are newer here are overwritten.
    pub(super) overwrite: bool,
    pub(super) observer: Arc<dyn Observer>,
}

/// Result of the import of one connection.
#[derive(Debug)]
pub(super) struct Transferred {
    pub(super) entry: ImportedConnection,
    /// Whether the connection has a refresh token, which only one server may renew.
    pub(super) has_refresh_token: bool,
    /// Warnings of event functions that failed after the connection was added.
    pub(super) warnings: Vec<String>,
}

impl Transferred {
    fn skipped(row: &SourceRow, reason: String) -> Self {
        let mut skipped = Self::of(row, ImportStatus::Skipped);
        skipped.entry.reason = Some(reason);
        skipped
    }

    fn of(row: &SourceRow, status: ImportStatus) -> Self {
        let entry = ImportedConnection::new(&row.integration, &row.id, status);
        Self { entry, has_refresh_token: false, warnings: Vec::new() }
    }
}

impl Transfer {
    /// Imports a connection of the source, unless it is the same or newer here.
    ///
    /// # Errors
    ///
    /// Fails with the reason if the source returns nothing more.
    pub(super) async fn connection(&self, row: &SourceRow) -> Result<Transferred, String> {
        match Box::pin(self.try_connection(row)).await {
            Ok(transferred) => Ok(transferred),
            Err(ReadFailure::Skip(reason)) => Ok(Transferred::skipped(row, reason)),
            Err(ReadFailure::Stop(reason)) => Err(reason),
        }
    }

    async fn try_connection(&self, row: &SourceRow) -> Result<Transferred, ReadFailure> {
        let skip = |reason: String| ReadFailure::Skip(reason);
        let key = row.integration.as_str();
        if row.has_failed_credentials() {
            let reason = "its credentials fail at the source: reconnect it there, or add it here";
            return Err(skip(reason.to_owned()));
        }
        let Some(name) = self.providers.get(key) else {
            return Err(skip(format!("the source does not list its integration `{key}`")));
        };
        if let Some(problem) = plan::provider_problem(&self.runtime, key, name) {
            return Err(skip(problem));
        }
        let provider = run::provider_of(&self.runtime, key).map_err(|error| skip(error.to_string()))?;
        let read = self.source.connection(row).await?;
        let changed_at = read.changed_at();
        let (new, ignored) = read.into_new(row, &provider, self.runtime.clock.now()).map_err(skip)?;
        let effect = run::import_effect(&self.runtime, &new, changed_at).await;
        let status = match effect.map_err(|error| skip(remedy::message(&error)))? {
            ImportEffect::Create => ImportStatus::Created,
            ImportEffect::Update => ImportStatus::Updated,
            ImportEffect::NewerHere if self.overwrite => ImportStatus::Updated,
            ImportEffect::NewerHere => ImportStatus::Newer,
            ImportEffect::Unchanged => ImportStatus::Unchanged,
        };
        let mut transferred = Transferred::of(row, status);
        transferred.entry.ignored = ignored;
        transferred.has_refresh_token = new.credentials.refresh_token().is_some();
        let is_written = matches!(status, ImportStatus::Created | ImportStatus::Updated) && !self.dry_run;
        if is_written {
            let added = run::try_add_connection(&self.runtime, new, self.observer.clone()).await;
            let added = added.map_err(|failure| {
                let (AddFailure::Refused(error) | AddFailure::Other(error)) = failure;
                skip(remedy::message(&error))
            })?;
            for event in added.events {
                if let Some(error) = event.error {
                    let text = format!("`{}` failed: {}", event.key.function, remedy::message(&error));
                    transferred.warnings.push(text);
                }
            }
        }
        Ok(transferred)
    }
}

#[cfg(test)]
pub(super) mod tests;
