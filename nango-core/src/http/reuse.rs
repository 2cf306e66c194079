//! Detection of reused connections.
//!
//! A server may close an idle connection, and a request that is sent at that time is lost. The HTTP library does not
//! report whether it opened a connection for a request, so a layer around its connector sets a flag: the connector runs
//! within the task of the request that it connects for.

use std::{
    cell::Cell,
    error::Error as StdError,
    io,
    pin::Pin,
    task::{Context, Poll},
};

use tower_layer::Layer;
use tower_service::Service;

tokio::task_local! {
    static CONNECTED: Cell<bool>;
}

/// Runs a request; the flag is `true` if it used an existing connection.
pub(super) async fn detect_reuse<F: Future>(request: F) -> (F::Output, bool) {
    let observed = async {
        let output = request.await;
        (output, !CONNECTED.with(Cell::get))
    };
    CONNECTED.scope(Cell::new(false), observed).await
}

/// Returns whether an error means that the connection ended before the response began.
pub(super) fn is_closed_before_response(error: &(dyn StdError + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(http) = error.downcast_ref::<hyper::Error>()
            && (http.is_incomplete_message() || http.is_canceled() || http.is_closed())
        {
            return true;
        }
        if let Some(io) = error.downcast_ref::<io::Error>() {
            use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected};
            return matches!(io.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | NotConnected);
        }
        cause = error.source();
    }
    false
}

/// A connector layer that marks the current request as one with a new connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct ConnectionLayer;

impl<S> Layer<S> for ConnectionLayer {
    type Service = ConnectionService<S>;

    fn layer(&self, connector: S) -> ConnectionService<S> {
        ConnectionService(connector)
    }
}

/// The connector of [`ConnectionLayer`].
#[derive(Debug, Clone)]
pub(super) struct ConnectionService<S>(S);

impl<S, Target> Service<Target> for ConnectionService<S>
where
    S: Service<Target>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, target: Target) -> Self::Future {
        let connecting = self.0.call(target);
        Box::pin(async move {
            let connected = connecting.await;
            // Fails if the request no longer waits: the connection is then completed in the background for a later one.
            let _ = CONNECTED.try_with(|flag| flag.set(true));
            connected
        })
    }
}
