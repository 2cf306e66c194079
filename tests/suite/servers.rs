//! HTTP servers for single tests: an axum router on a free port of the loopback interface.

use std::net::SocketAddr;

use axum::Router;
use nango_tests::wait;
use tokio::net::TcpListener;

/// Serves a router until the test process exits, and returns the base URL.
pub(crate) fn serve(router: Router) -> String {
    wait(async move {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move { axum::serve(listener, router).await });
        format!("http://{address}")
    })
}
