//! Replay of a recorded run in a test.

use std::{
    future::IntoFuture,
    path::{Path, PathBuf},
    pin::Pin,
    sync::{Arc, Mutex},
};

use super::{mock::Logs, report::Report, rows, run::LogCollector};
use crate::{
    declare::{Entry, Item, Registry},
    error::{Error, Result},
    model::{Checkpoint, Record},
    nango::lock_state,
    provider::Catalogue,
    recording::RecordedRun,
    run,
    store::{FunctionKey, LogLine, SharedStore},
};

/// A run that `registry run --record` recorded, for a test that needs no network.
///
/// ```no_run
/// # mod github {
/// #     use nango_core::prelude::*;
/// #     /// An issue.
/// #     #[model]
/// #     pub struct GithubIssue { pub id: u64 }
/// #     /// Syncs the issues.
/// #     #[sync(model = "GithubIssue", endpoint = "/issues")]
/// #     pub fn repo_issues(issue: GithubIssue) -> GithubIssue { issue }
/// # }
/// # use github::{GithubIssue, repo_issues};
/// use nango_core::{prelude::*, testing::Replay};
///
/// # async fn test() -> Result<()> {
/// let replay = Replay::open("tests/recordings/repo-issues.jsonl")?;
/// let report = replay.run(repo_issues).await?;
/// assert_eq!(report.counts::<GithubIssue>().added, 13);
/// assert_eq!(replay.saved::<GithubIssue>().await.len(), 13);
/// # Ok(()) }
/// ```
///
/// The run starts from the recorded state: configuration and metadata of the connection, checkpoint, records. Each
/// request is answered by the recorded exchange with the same parent, method, URL, headers and body, in the recorded
/// order per request; the order of different requests does not matter. The time is that of the recording.
#[derive(Debug)]
pub struct Replay(Arc<ReplayInner>);

#[derive(Debug)]
struct ReplayInner {
    path: PathBuf,
    recorded: RecordedRun,
    logs: Logs,
    /// Database and function of the last run.
    last: Mutex<Option<(SharedStore, FunctionKey)>>,
}

/// A run of a function against a recording, which starts when it is awaited. See [`Replay::run`].
#[derive(Debug)]
#[must_use = "a run starts when it is awaited: `replay.run(function).await?`"]
pub struct ReplayRun {
    inner: Arc<ReplayInner>,
    item: Item,
}

impl Replay {
    /// Reads a recording. A relative path begins at the directory of the package, where `cargo test` runs tests.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be read or is not a recording.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref().to_owned();
        let recorded =
            RecordedRun::open(&path).map_err(|error| error.into_error().context(path.display().to_string()))?;
        let (logs, last) = (Logs::default(), Mutex::default());
        Ok(Self(Arc::new(ReplayInner { path, recorded, logs, last })))
    }

    /// Runs the recorded function against the recording and returns the report of the run. Each call starts from the
    /// recorded state.
    ///
    /// Awaiting the result fails with a description of the differences if the function asks something that the
    /// recording does not have, or does not ask everything that it has; with the error of the run if it failed; and if
    /// the recording ended early.
    ///
    /// # Panics
    ///
    /// Panics if the recording is of another function, or the function has no attribute.
    #[track_caller]
    pub fn run<F>(&self, function: F) -> ReplayRun {
        drop(function);
        let item = Registry::item_of(std::any::type_name::<F>()).unwrap_or_else(|message| panic!("{message}"));
        let (entry, header) = (Entry::new(item), &self.0.recorded.header);
        assert!(
            entry.kind().name() == header.kind && entry.name() == header.function,
            "{} is of {} `{}`, not of {} `{}`",
            self.0.path.display(),
            header.kind,
            header.function,
            entry.kind().name(),
            entry.name()
        );
        ReplayRun { inner: self.0.clone(), item }
    }

    /// Returns the records of a model that are not deleted after the last run, in the order of their last changes.
    pub async fn saved<M: Record>(&self) -> Vec<M> {
        let (store, key) = self.0.last_run();
        rows::saved(&store, &key.dataset(M::NAME)).await
    }

    /// Returns the ids of the deleted records of a model after the last run.
    pub async fn deleted<M: Record>(&self) -> Vec<String> {
        let (store, key) = self.0.last_run();
        rows::deleted(&store, &key.dataset(M::NAME)).await
    }

    /// Returns the checkpoint after the last run, or `None` if there is none.
    ///
    /// # Panics
    ///
    /// Panics if the stored checkpoint has another type, or nothing was run.
    pub async fn checkpoint<C: Checkpoint>(&self) -> Option<C> {
        let (store, key) = self.0.last_run();
        rows::checkpoint(&store, &key).await
    }

    /// Returns the lines that functions logged, in order.
    pub fn logs(&self) -> Vec<LogLine> {
        lock_state(&self.0.logs).clone()
    }
}

impl ReplayInner {
    fn last_run(&self) -> (SharedStore, FunctionKey) {
        lock_state(&self.last).clone().unwrap_or_else(|| panic!("nothing was run: call `replay.run(function)` first"))
    }
}

impl ReplayRun {
    /// Returns the report of the run, also if it failed or was interrupted. Awaiting the run itself returns the error
    /// of such a run.
    ///
    /// # Errors
    ///
    /// Fails if the function asked something else than the recording has, or the recording ended early.
    pub async fn report(self) -> Result<Report> {
        let Self { inner, item } = self;
        let recorded = &inner.recorded;
        let integration = Entry::new(item).integration().to_owned();
        let registry = Registry::of_integration(&integration, &recorded.header.integration).map_err(|errors| {
            let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
            Error::msg(format!("the functions of `{integration}` cannot be loaded: {}", errors.join("; ")))
        })?;
        let in_file = |error: Error| error.context(inner.path.display().to_string());
        let replay = run::Replay::new(recorded, registry, Catalogue::builtin()).await.map_err(in_file)?;
        let report = replay.run(Arc::new(LogCollector(inner.logs.clone()))).await?;
        *lock_state(&inner.last) = Some((replay.store().clone(), report.key.clone()));
        let differences = replay.differences();
        if differences.is_empty() { Ok(Report(report)) } else { Err(in_file(Error::msg(differences.join("\n")))) }
    }
}

impl IntoFuture for ReplayRun {
    type Output = Result<Report>;
    type IntoFuture = Pin<Box<dyn Future<Output = Result<Report>> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async { self.report().await?.into_result() })
    }
}
