//! Paginated API server for measurements, with deterministic issues of about 2.5 KB.
//!
//! All records are built before it listens, and a page is one copy of memory, so that the measurement covers the
//! client. These endpoints serve the same pages, except for the comments:
//!
//! | request | response |
//! | --- | --- |
//! | `GET /repos/o/r/issues?per_page=100&page=1` | a JSON array, with GitHub's `Link` header |
//! | `GET /cursor/issues?limit=100&cursor=…` | `{"items": […], "next_cursor": "…" or null}` |
//! | `POST /cursor/issues` with `limit` and `cursor` in the body | the same |
//! | `GET /offset/issues?limit=100&offset=0` | `{"items": […], "total": N}` |
//! | `GET /issues/1/comments` | two small comments of an issue: `{"items": […], "next_cursor": null}` |
//!
//! A page has 100 records unless the request sets a lower limit. For programs that are not in this process,
//! `POST /admin/mutate?changed=10&deleted=0&seed=7` is [`BenchServer::mutate`], and `GET /admin/stats` returns counts
//! of requests and bytes.

mod dataset;
mod routes;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::wait;
use dataset::Dataset;
pub use dataset::Mutation;

/// A running server. It serves until it is dropped.
#[derive(Debug)]
pub struct BenchServer {
    state: Arc<ServerState>,
    server: JoinHandle<()>,
}

/// State that the routes share with the handle.
#[derive(Debug)]
struct ServerState {
    url: String,
    records: u64,
    dataset: RwLock<Arc<Dataset>>,
    requests: AtomicU64,
    bytes: AtomicU64,
}

impl ServerState {
    fn dataset(&self) -> Arc<Dataset> {
        Arc::clone(&self.dataset.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn mutate(&self, mutation: Mutation) -> usize {
        let dataset = Dataset::build(self.records, mutation);
        let records = dataset.len();
        *self.dataset.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(dataset);
        records
    }
}

impl BenchServer {
    /// Starts a server with this number of records on a free port of 127.0.0.1.
    pub fn start(records: u64) -> Self {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0)), records)
    }

    /// Starts a server at this address.
    ///
    /// # Panics
    ///
    /// Panics if the address is in use or not available.
    pub fn start_at(address: SocketAddr, records: u64) -> Self {
        let dataset = Dataset::build(records, Mutation::default());
        wait(async move {
            let listener = TcpListener::bind(address).await;
            let listener = listener.unwrap_or_else(|error| panic!("{address}: {error}"));
            let state = Arc::new(ServerState {
                url: format!("http://{}", listener.local_addr().expect("an address")),
                records,
                dataset: RwLock::new(Arc::new(dataset)),
                requests: AtomicU64::new(0),
                bytes: AtomicU64::new(0),
            });
            let server = tokio::spawn(routes::serve(listener, Arc::clone(&state)));
            Self { state, server }
        })
    }

    /// Base URL, without a trailing slash.
    pub fn url(&self) -> &str {
        &self.state.url
    }

    /// Number of pages served so far.
    pub fn requests(&self) -> u64 {
        self.state.requests.load(Ordering::Relaxed)
    }

    /// Replaces the records by the original ones with this change, and returns the number of remaining records.
    pub fn mutate(&self, mutation: Mutation) -> usize {
        self.state.mutate(mutation)
    }
}

impl Drop for BenchServer {
    fn drop(&mut self) {
        self.server.abort();
    }
}
