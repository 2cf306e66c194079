//! Recorded GitHub: npm's `@octokit/fixtures-server`, with a front that lets a real client talk to it.
//!
//! The recording is strict in ways that are the recorder's, not GitHub's: it wants its own credential, an old media
//! type, pages of three, one spelling of the content type. The front stands between, and translates exactly
//! that. It takes over what the recording does not check, and is stricter than it: the requests arrive in the recorded
//! order, nothing is asked twice, and each carries the client's own bearer token and a `User-Agent`.
//!
//! What a client sees is GitHub: addresses in records are GitHub's, whatever the port and session behind them, and
//! page links lead to the front, with the page size and parameters that the client asked with.
//!
//! ```no_run
//! use nango_tests::octokit::{Recording, Scenario};
//! use nango_tests::Registry;
//!
//! let Some(github) = Recording::start(Scenario::PaginateIssues, "a-token", &[("state", "all")]) else { return };
//! let registry = Registry::new();
//! registry.base_url("github", github.url());
//! // … add a connection with the token, run the sync …
//! assert_eq!(github.finish().len(), 5);
//! ```

mod proxy;
mod scenario;
mod server;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::Method;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::{tools, wait};
use proxy::Proxy;
pub use scenario::Scenario;
use scenario::Step;
use server::Server;

/// A request that arrived at the front and was found right.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SeenRequest {
    /// The method.
    pub method: Method,
    /// Path and query, as the client sent them.
    pub target: String,
    /// The body, as the client sent it; empty if there was none.
    pub body: String,
}

/// One playing of a scenario. It serves until it is [finished](Self::finish) or dropped.
#[derive(Debug)]
#[must_use]
pub struct Recording {
    url: String,
    progress: Arc<Mutex<Progress>>,
    proxy: JoinHandle<()>,
}

/// How far the client has come.
#[derive(Debug)]
struct Progress {
    steps: Vec<Step>,
    seen: Vec<SeenRequest>,
    mismatches: Vec<String>,
}

impl Recording {
    /// Starts a scenario for a client that sends `Authorization: Bearer <token>`.
    ///
    /// `parameters` are those that the client adds to the query of its lists on its own account (a filter that the
    /// recording does not know). They are expected with every list, and taken off before the recording is asked.
    ///
    /// `None` if the tools are missing: see [`tools::skip`].
    ///
    /// # Panics
    ///
    /// The tools are there, and the recording does not start.
    pub fn start(scenario: Scenario, token: &str, parameters: &[(&str, &str)]) -> Option<Self> {
        let server = match Server::shared() {
            Ok(server) => server,
            Err(why) => return tools::skip(&format!("GitHub's recorded `{}`", scenario.name()), why),
        };
        let progress = Progress { steps: scenario.steps(), seen: Vec::new(), mismatches: Vec::new() };
        let progress = Arc::new(Mutex::new(progress));
        let parameters = parameters.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        let (shared, token) = (Arc::clone(&progress), token.to_owned());
        Some(wait(async move {
            let session = server.session(scenario).await;
            let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
            let url = format!("http://{}", listener.local_addr().expect("an address"));
            let front = Proxy::new(url.clone(), session, &token, parameters, shared);
            let front = tokio::spawn(front.serve(listener));
            Self { url, progress, proxy: front }
        }))
    }

    /// Where it listens, without a trailing slash: the `base_url` of the integration.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The requests so far.
    pub fn seen(&self) -> Vec<SeenRequest> {
        lock(&self.progress).seen.clone()
    }

    /// Ends it and returns the requests.
    ///
    /// # Panics
    ///
    /// A request was wrong, or a recorded one was not made.
    #[track_caller]
    pub fn finish(self) -> Vec<SeenRequest> {
        let progress = lock(&self.progress);
        assert!(progress.mismatches.is_empty(), "requests that do not fit:\n{}", progress.mismatches.join("\n"));
        let missing = &progress.steps[progress.seen.len()..];
        assert!(missing.is_empty(), "requests that were not made: {missing:#?}");
        progress.seen.clone()
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        self.proxy.abort();
    }
}

fn lock(progress: &Mutex<Progress>) -> MutexGuard<'_, Progress> {
    progress.lock().unwrap_or_else(PoisonError::into_inner)
}
