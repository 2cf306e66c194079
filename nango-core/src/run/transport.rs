//! Transport and clock of one run, which stop when the run is cancelled.
//!
//! The clock returns the time of the database, so that the request time of a page can be compared with the timestamps
//! of records.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{StreamExt, stream};
use uuid::Uuid;

use crate::{
    http::{BoxFuture, Clock, OutgoingRequest, RawResponse, Transport, TransportError},
    nango::Cancellation,
    store::SharedStore,
    time::{Entropy, Timestamp},
};

/// Transport that fails once the run is cancelled.
#[derive(Debug)]
pub(super) struct CancellableTransport {
    pub(super) inner: Arc<dyn Transport>,
    pub(super) cancellation: Cancellation,
}

impl Transport for CancellableTransport {
    fn send(&self, request: OutgoingRequest) -> BoxFuture<'_, Result<RawResponse, TransportError>> {
        let sent = self.inner.send(request);
        Box::pin(async move {
            let response = tokio::select! {
                biased;
                response = sent => response?,
                () = self.cancellation.cancelled() => return Err(TransportError::Cancelled),
            };
            Ok(RawResponse { body: cancellable_body(self.cancellation.clone(), response.body), ..response })
        })
    }
}

type ByteStream = stream::BoxStream<'static, Result<bytes::Bytes, TransportError>>;

/// Wraps a body so that it ends with an error when the run is cancelled. A truncated body must not look complete.
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

/// Clock with the time of the database, whose waits end when the run is cancelled.
#[derive(Debug)]
pub(super) struct RunClock {
    pub(super) store: SharedStore,
    pub(super) inner: Arc<dyn Clock>,
    pub(super) cancellation: Cancellation,
}

impl Clock for RunClock {
    fn now(&self) -> Timestamp {
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

    fn instant(&self) -> Instant {
        self.inner.instant()
    }

    fn is_cancelled(&self) -> bool {
        self.cancellation.is_cancelled()
    }
}

impl Entropy for RunClock {
    fn random(&self) -> u128 {
        self.inner.random()
    }

    fn uuid(&self) -> Uuid {
        self.inner.uuid()
    }

    fn jitter(&self) -> f64 {
        self.inner.jitter()
    }
}
