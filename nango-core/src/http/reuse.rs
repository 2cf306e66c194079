//! Whether a request went over a connection that had carried another before.
//!
//! A server may close a connection that waits for the next request, and a request that leaves at that time is lost. The
//! library does not say whether it opened a connection for a request, so that its connector is watched: it runs within
//! the request that it connects for.

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

/// Runs a request; the flag says whether it went over a connection that was there before.
pub(super) async fn detect_reuse<F: Future>(request: F) -> (F::Output, bool) {
    let watched = async {
        let output = request.await;
        (output, !CONNECTED.with(Cell::get))
    };
    CONNECTED.scope(Cell::new(false), watched).await
}

/// Whether a failure says that the connection ended before the answer began.
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

/// Notes for the request that waits for a connection that it is a new one.
#[derive(Debug, Clone, Copy)]
pub(super) struct ConnectionLayer;

impl<S> Layer<S> for ConnectionLayer {
    type Service = ConnectionService<S>;

    fn layer(&self, connector: S) -> ConnectionService<S> {
        ConnectionService(connector)
    }
}

/// A connector that is watched.
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
            // A connection that outlives the wait of its request is finished in the background, for the next one.
            let _ = CONNECTED.try_with(|flag| flag.set(true));
            connected
        })
    }
}
