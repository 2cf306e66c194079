//! Stand-in of the GitHub REST API on loopback, for the `demo` command and for offline tests.
//!
//! It implements the endpoints that the `github` integration uses: lists with filters and `Link` headers, creation and
//! edits of issues, and their errors. Invariants:
//!
//! - **Deterministic.** Seeds, numbers, ids and timestamps are the same in every process. The stand-in has its own
//!   clock, which advances by one second with each request and each change, and which the `Date` header shows.
//! - **As strict as GitHub.** A request without `User-Agent` and a write without `Authorization` are refused. A page
//!   link has the path `/repositories/{id}/…` instead of the path of the request.
//! - **No links to real sites.** Links in records use `github.example`. Only page links contain the loopback address,
//!   so that stored data does not depend on the port.
//!
//! Credentials are neither checked nor stored: the stand-in records only whether a request had an `Authorization`
//! header.

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

/// Running stand-in server. It serves requests until it is dropped or [stopped](Self::stop).
///
/// The methods that change issues simulate changes on the website, which the integration does not cause. They take the
/// name of a repository as `owner/name`.
#[derive(Debug)]
pub struct Standin {
    state: Arc<AppState>,
    /// Dropping the sender stops the server.
    shutdown: oneshot::Sender<()>,
    server: JoinHandle<io::Result<()>>,
}

/// State shared by the routes and the handle.
#[derive(Debug)]
struct AppState {
    url: String,
    data: Mutex<GithubData>,
}

impl AppState {
    /// Locks the data. A poisoned lock is used anyway: no code leaves the data inconsistent if it panics.
    fn data(&self) -> MutexGuard<'_, GithubData> {
        self.data.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Standin {
    /// Starts a freshly seeded stand-in on a free port of 127.0.0.1. Call it inside a tokio runtime.
    ///
    /// # Errors
    ///
    /// Fails if the loopback address cannot be bound.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let state = Arc::new(AppState {
            url: format!("http://{}", listener.local_addr()?),
            data: Mutex::new(GithubData::new(seed::repositories(), seed::start_time())),
        });
        let (stop, stopped) = oneshot::channel::<()>();
        let server = axum::serve(listener, routes::router(Arc::clone(&state))).with_graceful_shutdown(async move {
            // The receiver returns an error if the handle is dropped, which stops the server as well.
            let _ = stopped.await;
        });
        Ok(Self { state, shutdown: stop, server: tokio::spawn(server.into_future()) })
    }

    /// Returns the URL of the server without a trailing slash, for the `base_url` of an integration.
    pub fn url(&self) -> &str {
        &self.state.url
    }

    /// Opens an issue upstream and returns its number, or `None` if the repository is unknown.
    pub fn add_issue(&self, repository: &str, title: &str, labels: &[&str]) -> Option<u64> {
        self.add(repository, title, labels, false)
    }

    /// Opens a pull request upstream, which GitHub lists among the issues, and returns its number.
    pub fn add_pull_request(&self, repository: &str, title: &str) -> Option<u64> {
        self.add(repository, title, &[], true)
    }

    fn add(&self, repository: &str, title: &str, labels: &[&str], pull_request: bool) -> Option<u64> {
        let mut data = self.state.data();
        let now = data.tick();
        let issue = issue::NewIssue {
            title: title.to_owned(),
            body: None,
            labels: labels.iter().map(|&label| label.to_owned()).collect(),
            pull_request,
        };
        Some(data.repository_mut(repository)?.open(issue, now).number)
    }

    /// Changes the title of an issue upstream. Returns `false` if the issue is unknown.
    pub fn edit_issue(&self, repository: &str, number: u64, title: &str) -> bool {
        let mut data = self.state.data();
        let now = data.tick();
        let Some(issue) = data.repository_mut(repository).and_then(|repository| repository.issue_mut(number)) else {
            return false;
        };
        title.clone_into(&mut issue.title);
        issue.updated = now;
        true
    }

    /// Deletes an issue upstream: lists omit it, and a request for it returns 410. Returns `false` if the issue is
    /// unknown.
    pub fn delete_issue(&self, repository: &str, number: u64) -> bool {
        let mut data = self.state.data();
        data.tick();
        data.repository_mut(repository).is_some_and(|repository| repository.delete(number))
    }

    /// Restores a deleted issue unchanged. Returns `false` if there is no deleted issue of this number.
    pub fn restore_issue(&self, repository: &str, number: u64) -> bool {
        let mut data = self.state.data();
        data.tick();
        data.repository_mut(repository).is_some_and(|repository| repository.restore(number))
    }

    /// Returns the requests received so far, oldest first.
    pub fn requests(&self) -> Vec<ReceivedRequest> {
        self.state.data().received_requests().to_vec()
    }

    /// Stops the server after the responses in progress.
    ///
    /// # Errors
    ///
    /// Fails if the server fails or its task panicked.
    pub async fn stop(self) -> io::Result<()> {
        drop(self.shutdown);
        self.server.await?
    }
}

#[cfg(test)]
mod tests;
