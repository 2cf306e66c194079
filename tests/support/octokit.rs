//! Recorded GitHub: npm's `@octokit/fixtures-server`, with a proxy that adapts it to real clients.
//!
//! The recording server has requirements that GitHub does not have: its own credential, an old media type, pages of
//! three, one spelling of the content type. The proxy translates exactly these. It also checks what the recording
//! server does not: requests arrive in the recorded order, none is repeated, and each has the client's own bearer token
//! and a `User-Agent`.
//!
//! To the client it looks like GitHub: addresses in records are GitHub's, independent of port and session, and page
//! links lead to the proxy, with the page size and parameters that the client sent.
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

use std::sync::{Arc, Mutex};

use axum::http::Method;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::{lock, tools, wait};
use proxy::Proxy;
pub use scenario::Scenario;
use scenario::Step;
use server::Server;

/// A request that arrived at the proxy and matched the recording.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SeenRequest {
    /// The HTTP method.
    pub method: Method,
    /// Path and query, as the client sent them.
    pub target: String,
    /// The body, as the client sent it; empty if there was none.
    pub body: String,
}

/// A replay of a scenario. It serves until it is [finished](Self::finish) or dropped.
#[derive(Debug)]
#[must_use]
pub struct Recording {
    url: String,
    progress: Arc<Mutex<Progress>>,
    proxy: JoinHandle<()>,
}

/// Requests of the client so far, and the recorded steps.
#[derive(Debug)]
struct Progress {
    steps: Vec<Step>,
    seen: Vec<SeenRequest>,
    mismatches: Vec<String>,
}

impl Recording {
    /// Starts a scenario for a client that sends `Authorization: Bearer <token>`.
    ///
    /// `parameters` are query parameters that the client adds to its lists by itself (a filter that is not in the
    /// recording). They are expected with every list, and removed before the request is forwarded.
    ///
    /// Returns `None` if the tools are missing: see [`tools::skip`].
    ///
    /// # Panics
    ///
    /// Panics if the tools exist and the recording server does not start.
    pub fn start(scenario: Scenario, token: &str, parameters: &[(&str, &str)]) -> Option<Self> {
        let server = match Server::shared() {
            Ok(server) => server,
            Err(reason) => return tools::skip(&format!("GitHub's recorded `{}`", scenario.name()), reason),
        };
        let progress = Progress { steps: scenario.steps(), seen: Vec::new(), mismatches: Vec::new() };
        let progress = Arc::new(Mutex::new(progress));
        let parameters = parameters.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        let (shared, token) = (Arc::clone(&progress), token.to_owned());
        Some(wait(async move {
            let session = server.session(scenario).await;
            let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
            let url = format!("http://{}", listener.local_addr().expect("an address"));
            let proxy = Proxy::new(url.clone(), session, &token, parameters, shared);
            let proxy = tokio::spawn(proxy.serve(listener));
            Self { url, progress, proxy }
        }))
    }

    /// Base URL for the integration, without a trailing slash.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the matching requests so far.
    pub fn seen(&self) -> Vec<SeenRequest> {
        lock(&self.progress).seen.clone()
    }

    /// Ends the replay and returns the requests.
    ///
    /// # Panics
    ///
    /// Panics if a request did not match, or if a recorded request was not sent.
    #[track_caller]
    pub fn finish(self) -> Vec<SeenRequest> {
        let progress = lock(&self.progress);
        assert!(progress.mismatches.is_empty(), "requests that do not match:\n{}", progress.mismatches.join("\n"));
        let missing = &progress.steps[progress.seen.len()..];
        assert!(missing.is_empty(), "requests that were not sent: {missing:#?}");
        progress.seen.clone()
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        self.proxy.abort();
    }
}
