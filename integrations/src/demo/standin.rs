//! A stand-in of the GitHub REST API on loopback: what the `demo` command and the tests talk to, offline.
//!
//! It keeps issues and changes them like the original does for the endpoints that the `github` integration uses: lists
//! with filters and `Link` headers, creation, edits, and the errors around them. What must stay true:
//!
//! - **Deterministic.** Seeds, numbers, ids and stamps are the same in every process. Time is the stand-in's own: a
//!   second passes with each request and each change, and the `Date` header tells it.
//! - **Strict where GitHub is.** A request without `User-Agent` and a write without `Authorization` are refused, and a
//!   page link leads to `/repositories/{id}/…`, not to the path that was asked.
//! - **Nothing points at the real world.** Links of records lie under `github.example`; only page links carry the
//!   loopback address, so that what is stored does not depend on the port.
//!
//! It checks no credential, knows no secret and keeps none: of an `Authorization` header it notes that there was one.

mod data;
mod issue;
mod listing;
mod routes;
mod seed;

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use data::GithubData;
pub use data::ReceivedRequest;
pub use seed::{DEMO_REPOSITORY, PAGED_REPOSITORY};

/// A running stand-in. It serves until it is dropped or [stopped](Self::stop).
///
/// The methods that change issues are doors for what happens upstream without the integration: somebody edits or
/// deletes an issue on the website. They name a repository as `owner/name`.
#[derive(Debug)]
pub struct Standin {
    state: Arc<AppState>,
    /// Dropping the sender is the signal to stop.
    shutdown: oneshot::Sender<()>,
    server: JoinHandle<io::Result<()>>,
}

/// What the routes share with the handle.
#[derive(Debug)]
struct AppState {
    url: String,
    data: Mutex<GithubData>,
}

impl AppState {
    /// No code panics while it holds the lock, and the issues would still be whole if one did.
    fn data(&self) -> MutexGuard<'_, GithubData> {
        self.data.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Standin {
    /// Starts a freshly seeded stand-in on a free port of 127.0.0.1. Call it inside a tokio runtime.
    ///
    /// # Errors
    ///
    /// The loopback address cannot be listened on.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let site = Arc::new(AppState {
            url: format!("http://{}", listener.local_addr()?),
            data: Mutex::new(GithubData::new(seed::repositories(), seed::start_time())),
        });
        let (stop, stopped) = oneshot::channel::<()>();
        let server = axum::serve(listener, routes::router(Arc::clone(&site))).with_graceful_shutdown(async move {
            // Resolves with an error when the handle is dropped: that is the signal, too.
            let _ = stopped.await;
        });
        Ok(Self { state: site, shutdown: stop, server: tokio::spawn(server.into_future()) })
    }

    /// Where it listens, without a trailing slash: the `base_url` of an integration.
    pub fn url(&self) -> &str {
        &self.state.url
    }

    /// Opens an issue upstream and returns its number; `None` if there is no such repository.
    pub fn add_issue(&self, repository: &str, title: &str, labels: &[&str]) -> Option<u64> {
        self.add(repository, title, labels, false)
    }

    /// Opens a pull request upstream, which GitHub lists among the issues, and returns its number.
    pub fn add_pull_request(&self, repository: &str, title: &str) -> Option<u64> {
        self.add(repository, title, &[], true)
    }

    fn add(&self, repository: &str, title: &str, labels: &[&str], pull_request: bool) -> Option<u64> {
        let mut world = self.state.data();
        let now = world.tick();
        let issue = issue::NewIssue {
            title: title.to_owned(),
            body: None,
            labels: labels.iter().map(|&label| label.to_owned()).collect(),
            pull_request,
        };
        Some(world.repository_mut(repository)?.open(issue, now).number)
    }

    /// Gives an issue another title upstream; `false` if there is no such issue.
    pub fn edit_issue(&self, repository: &str, number: u64, title: &str) -> bool {
        let mut world = self.state.data();
        let now = world.tick();
        let Some(issue) = world.repository_mut(repository).and_then(|repository| repository.issue_mut(number)) else {
            return false;
        };
        title.clone_into(&mut issue.title);
        issue.updated = now;
        true
    }

    /// Deletes an issue upstream: it vanishes from the lists and answers 410; `false` if there is no such issue.
    pub fn delete_issue(&self, repository: &str, number: u64) -> bool {
        let mut world = self.state.data();
        world.tick();
        world.repository_mut(repository).is_some_and(|repository| repository.delete(number))
    }

    /// Brings a deleted issue back, as it was; `false` if there is no such deleted issue.
    pub fn restore_issue(&self, repository: &str, number: u64) -> bool {
        let mut world = self.state.data();
        world.tick();
        world.repository_mut(repository).is_some_and(|repository| repository.restore(number))
    }

    /// The requests that arrived so far, oldest first.
    pub fn requests(&self) -> Vec<ReceivedRequest> {
        self.state.data().received_requests().to_vec()
    }

    /// Stops serving after the answers that are under way.
    ///
    /// # Errors
    ///
    /// The server had failed, or its task had panicked.
    pub async fn stop(self) -> io::Result<()> {
        drop(self.shutdown);
        self.server.await?
    }
}

#[cfg(test)]
mod tests;
