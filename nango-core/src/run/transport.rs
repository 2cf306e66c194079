//! The way out of one run: a transport and a clock that give up when the run is asked to stop.
//!
//! Time is the database's, so that the moment at which a page was requested can be compared with the stamps of records.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt, stream};

use super::Stop;
use crate::{
    http::{BoxFuture, Clock, Incoming, Outgoing, Transport, TransportError},
    store::SharedStore,
};

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
            let incoming = tokio::select! {
                biased;
                answer = sent => answer?,
                () = self.stop.stopped() => return Err(TransportError::Stopped),
            };
            Ok(Incoming { body: until(self.stop.clone(), incoming.body), ..incoming })
        })
    }
}

type Pieces = stream::BoxStream<'static, Result<bytes::Bytes, TransportError>>;

/// A body that ends with an error when the run is asked to stop: half of one must not look like a whole.
fn until(stop: Stop, body: Pieces) -> Pieces {
    stream::unfold(Some((body, stop)), |state| async move {
        let (mut body, stop) = state?;
        tokio::select! {
            biased;
            piece = body.next() => piece.map(|piece| (piece, Some((body, stop)))),
            () = stop.stopped() => Some((Err(TransportError::Stopped), None)),
        }
    })
    .boxed()
}

/// The database's time, and waits that end when the run is asked to stop.
#[derive(Debug)]
pub(super) struct RunClock {
    pub(super) store: SharedStore,
    pub(super) inner: Arc<dyn Clock>,
    pub(super) stop: Stop,
}

impl Clock for RunClock {
    fn now(&self) -> i64 {
        self.store.now()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let (slept, stop) = (self.inner.sleep(duration), self.stop.clone());
        Box::pin(async move {
            tokio::select! {
                () = slept => {}
                () = stop.stopped() => {}
            }
        })
    }

    fn jitter(&self) -> f64 {
        self.inner.jitter()
    }

    fn stopped(&self) -> bool {
        self.stop.is_stopped()
    }
}
