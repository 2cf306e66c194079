//! HTTP servers of tests: an axum router on a free port of the loopback interface.

use std::net::Ipv4Addr;

use axum::Router;
use tokio::{net::TcpListener, task::JoinHandle};

use crate::wait;

/// A running server. It serves until it is dropped.
#[derive(Debug)]
pub struct HttpServer {
    url: String,
    task: JoinHandle<()>,
}

impl HttpServer {
    /// Serves a router on a free port of 127.0.0.1.
    ///
    /// # Panics
    ///
    /// Panics if there is no free port.
    pub fn start(router: Router) -> Self {
        let (url, task) = spawn(router);
        Self { url, task }
    }

    /// Base URL, without a trailing slash.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves a router until the test process exits, and returns the base URL.
///
/// # Panics
///
/// Panics as [`HttpServer::start`] does.
pub fn serve(router: Router) -> String {
    spawn(router).0
}

/// Starts a server, and returns its base URL and its task, which continues if the handle is dropped.
fn spawn(router: Router) -> (String, JoinHandle<()>) {
    wait(async move {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.expect("an accept loop") });
        (url, task)
    })
}

/// Returns a port of this machine on which nothing listens.
///
/// # Panics
///
/// Panics if the system has none.
pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}
