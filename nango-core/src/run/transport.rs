//! The way out of one run: a transport that gives up when the run is asked to stop.

use std::sync::Arc;

use super::Stop;
use crate::http::{BoxFuture, Incoming, Outgoing, Transport, TransportError};

/// Another transport, until the run is asked to stop.
#[derive(Debug)]
pub(super) struct Stoppable {
    pub(super) inner: Arc<dyn Transport>,
    pub(super) stop: Stop,
}

impl Transport for Stoppable {
    fn send(&self, request: Outgoing) -> BoxFuture<'_, Result<Incoming, TransportError>> {
        let sent = self.inner.send(request);
        Box::pin(async move {
            tokio::select! {
                biased;
                answer = sent => answer,
                () = self.stop.stopped() => Err(TransportError::Stopped),
            }
        })
    }
}
