//! Report of a run on a mock.

use serde::de::DeserializeOwned;

use crate::{
    error::{Error, Result},
    model::Record,
    run::RunReport,
    store::{ModelCounts, RunStatus},
};

/// Report of a run on a [`Mock`](super::Mock) or against a recording ([`Replay`](super::Replay)).
#[derive(Debug)]
pub struct Report(pub(super) RunReport);

impl Report {
    /// Returns the report of a successful run, or the error of another one.
    pub(super) fn into_result(mut self) -> Result<Self> {
        self.0.error.take().map_or(Ok(self), Err)
    }

    /// Returns the number of changes to the records of a model.
    pub fn counts<M: Record>(&self) -> ModelCounts {
        self.0.totals.models.get(M::NAME).copied().unwrap_or_default()
    }

    /// Returns the number of pages that were read and committed.
    pub fn pages(&self) -> u64 {
        self.0.totals.pages
    }

    /// Returns the number of records that `on_invalid = "skip"` skipped.
    pub fn skipped_invalid(&self) -> u64 {
        self.0.totals.skipped_invalid
    }

    /// Returns the number of parents whose lists were walked to their ends, of a sync with `each`.
    pub fn parents(&self) -> u64 {
        self.0.findings.parents.map_or(0, |parents| parents.walked)
    }

    /// Returns the number of parents that were skipped because of an error, of a sync with `each`.
    pub fn parents_skipped(&self) -> u64 {
        self.0.findings.parents.map_or(0, |parents| parents.skipped)
    }

    /// Returns the number of records of a model that are missing from the list and are not deleted yet, because the
    /// delete guard or `max_deletes` holds the delete, or another walk must confirm it.
    pub fn deferred_deletes<M: Record>(&self) -> u64 {
        self.0.findings.deferred_deletes.get(M::NAME).map_or(0, |deferred| deferred.held + deferred.unconfirmed)
    }

    /// Returns whether the list was read completely, so that missing records can be deleted.
    pub fn is_complete(&self) -> bool {
        self.0.findings.walk.as_ref().is_some_and(|end| end.outcome.is_complete())
    }

    /// Returns why the walk over the list ended, by its name in the report of `registry run --json`, such as
    /// `no_next_page`. `None` if there was no list.
    pub fn end_of_walk(&self) -> Option<&'static str> {
        self.0.findings.walk.as_ref().map(|end| end.outcome.reason())
    }

    /// Returns the output of an action.
    ///
    /// # Panics
    ///
    /// Panics if the function has no output, or the output has another type.
    #[track_caller]
    pub fn output<T: DeserializeOwned>(&self) -> T {
        let name = &self.0.key.function;
        let Some(output) = &self.0.output else { panic!("`{name}` returned no output: only an action does") };
        match serde_json::from_value(output.clone()) {
            Ok(output) => output,
            Err(error) => panic!("the output {output} of `{name}` is not a `{}`: {error}", std::any::type_name::<T>()),
        }
    }

    /// Returns the error of a run that failed or was interrupted.
    pub fn error(&self) -> Option<&Error> {
        self.0.error.as_ref()
    }

    /// Returns whether the run was interrupted, so that its commits stay and the next run continues.
    pub fn is_interrupted(&self) -> bool {
        self.0.status == RunStatus::Interrupted
    }

    /// Returns whether the next run resumes where this one stopped.
    pub fn is_resumable(&self) -> bool {
        self.0.resumable
    }

    /// Returns the names of the syncs that the function triggered, in order.
    pub fn triggered(&self) -> Vec<&str> {
        self.0.triggered.iter().map(|triggered| triggered.sync.as_str()).collect()
    }
}
