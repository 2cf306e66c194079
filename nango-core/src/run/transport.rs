//! The way out of one run: a transport and a clock that give up when the run is asked to stop.
//!
//! Time is the database's, so that the moment at which a page was requested can be compared with the stamps of records.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt, stream};

use super::Cancellation;
use crate::{
    http::{BoxFuture, Clock, OutgoingRequest, RawResponse, Transport, TransportError},
    store::SharedStore,
};

/// Another transport, until the run is asked to stop.
#[derive(Debug)]
pub(super) struct CancellableTransport {
    pub(super) inner: Arc<dyn Transport>,
    pub(super) cancellation: Cancellation,
}

impl Transport for CancellableTransport {
    fn send(&self, request: OutgoingRequest) -> BoxFuture<'_, Result<RawResponse, TransportError>> {
        let sent = self.inner.send(request);
        Box::pin(async move {
            let incoming = tokio::select! {
                biased;
                answer = sent => answer?,
                () = self.cancellation.cancelled() => return Err(TransportError::Cancelled),
            };
            Ok(RawResponse { body: cancellable_body(self.cancellation.clone(), incoming.body), ..incoming })
        })
    }
}

type ByteStream = stream::BoxStream<'static, Result<bytes::Bytes, TransportError>>;

/// A body that ends with an error when the run is asked to stop: half of one must not look like a whole.
fn cancellable_body(cancellation: Cancellation, body: ByteStream) -> ByteStream {
    stream::unfold(Some((body, cancellation)), |state| async move {
        let (mut body, cancellation) = state?;
        tokio::select! {
            biased;
            piece = body.next() => piece.map(|piece| (piece, Some((body, cancellation)))),
            () = cancellation.cancelled() => Some((Err(TransportError::Cancelled), None)),
        }
    })
    .boxed()
}

/// The database's time, and waits that end when the run is asked to stop.
#[derive(Debug)]
pub(super) struct RunClock {
    pub(super) store: SharedStore,
    pub(super) inner: Arc<dyn Clock>,
    pub(super) cancellation: Cancellation,
}

impl Clock for RunClock {
    fn now(&self) -> i64 {
        self.store.now()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let (slept, cancellation) = (self.inner.sleep(duration), self.cancellation.clone());
        Box::pin(async move {
            tokio::select! {
                () = slept => {}
                () = cancellation.cancelled() => {}
            }
        })
    }

    fn jitter(&self) -> f64 {
        self.inner.jitter()
    }

    fn is_cancelled(&self) -> bool {
        self.cancellation.is_cancelled()
    }
}
