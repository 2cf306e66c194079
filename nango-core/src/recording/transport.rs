//! Transport that records exchanges, with the bodies as they were read.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, stream::BoxStream};
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{
    body::RecordedBody,
    format::{Exchange, RecordedRequest, RecordedResponse},
    journal::Journal,
    mask::Masker,
    request_secrets,
    transport_error::RecordedError,
};
use crate::{
    http::{Body, BoxFuture, Clock, OutgoingRequest, RawResponse, Transport, TransportError},
    redact::Redactor,
    time::Timestamp,
};

/// Maximum size of a recorded body in bytes: that of a body that a function can read as a whole.
const MAX_BODY_BYTES: usize = 256 << 20;

/// Transport that records the exchanges of another one.
#[derive(Debug)]
pub(super) struct RecordingTransport {
    pub(super) journal: Arc<Journal>,
    pub(super) inner: Arc<dyn Transport>,
    /// Secrets of the connection; those of a refreshed token are added to it.
    pub(super) redactor: Redactor,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) cancellation: CancellationToken,
}

impl Transport for RecordingTransport {
    fn send(&self, request: OutgoingRequest) -> BoxFuture<'_, Result<RawResponse, TransportError>> {
        Box::pin(async move {
            self.journal.add_secrets(&self.redactor);
            let mut pending = self.begin(&request);
            match self.inner.send(request).await {
                Ok(RawResponse { status, headers, body }) => {
                    pending.head = Some((status, headers.clone()));
                    let body = RecordedStream { body, pending: Some(pending), read: BytesMut::new(), too_long: false };
                    Ok(RawResponse { status, headers, body: body.boxed() })
                }
                Err(error) => {
                    pending.end(&[], Some(RecordedError::new(&error)));
                    Err(error)
                }
            }
        })
    }
}

impl RecordingTransport {
    fn begin(&self, request: &OutgoingRequest) -> PendingExchange {
        let of_request = request_secrets::of_request(request, &self.redactor);
        let parent = request.parent.as_deref();
        let method = request.method.as_str();
        let asked = match request.unauthorized.as_deref() {
            Some(asked) => (&asked.url, &asked.headers, &asked.body),
            // It was sent without credentials.
            None => (&request.url, &request.headers, &request.body),
        };
        PendingExchange {
            journal: self.journal.clone(),
            redactor: self.redactor.clone(),
            n: self.journal.next_request(),
            request: Some(recorded_request(&self.journal.masker, parent, method, asked, &of_request)),
            of_request,
            head: None,
            sent_at: self.clock.now(),
            clock: self.clock.clone(),
            cancellation: self.cancellation.clone(),
        }
    }
}

/// Returns the form of a request, without secrets.
pub(super) fn recorded_request(
    masker: &Masker,
    parent: Option<&str>,
    method: &str,
    (url, headers, body): (&Url, &HeaderMap, &Body),
    of_request: &Redactor,
) -> RecordedRequest {
    let mut headers = headers.clone();
    let body = if body.is_repeatable() {
        let (content_type, bytes) = body.clone().seen();
        if let Some(content_type) = content_type.and_then(|content_type| content_type.parse().ok()) {
            headers.entry(CONTENT_TYPE).or_insert(content_type);
        }
        match body {
            Body::Form(_) => {
                let form = masker.form(&bytes);
                RecordedBody::new(&masker.bytes(form.as_bytes(), of_request))
            }
            _ => RecordedBody::new(&masker.bytes(&bytes, of_request)),
        }
    } else {
        RecordedBody::stream()
    };
    RecordedRequest {
        parent: parent.map(|parent| masker.text(parent)),
        method: method.to_owned(),
        url: masker.url(url, of_request),
        headers: masker.request_headers(&headers, of_request),
        body,
    }
}

/// Exchange that has not ended. If it is dropped, it is recorded as cancelled with its run, or as one whose response
/// the run did not wait for.
struct PendingExchange {
    journal: Arc<Journal>,
    redactor: Redactor,
    n: u64,
    /// `None` after the exchange was recorded.
    request: Option<RecordedRequest>,
    of_request: Redactor,
    head: Option<(u16, HeaderMap)>,
    sent_at: Timestamp,
    clock: Arc<dyn Clock>,
    cancellation: CancellationToken,
}

impl PendingExchange {
    /// Returns the error of an exchange that is dropped: the run was cancelled, or the function dropped the request, as
    /// the walks of the other parents are dropped after an error.
    fn dropped(&self) -> RecordedError {
        if self.cancellation.is_cancelled() { RecordedError::Cancelled } else { RecordedError::Unread }
    }

    fn end(&mut self, body: &[u8], error: Option<RecordedError>) {
        let Some(request) = self.request.take() else { return };
        // A token may have been refreshed in the meantime.
        self.journal.add_secrets(&self.redactor);
        let masker = &self.journal.masker;
        let response = self.head.take().map(|(status, headers)| RecordedResponse {
            status,
            headers: masker.response_headers(&headers, &self.of_request),
            body: RecordedBody::new(&masker.bytes(body, &self.of_request)),
        });
        self.journal.record_exchange(Exchange {
            n: self.n,
            request,
            response,
            error: error.map(|error| error.map(|text| masker.text(text))),
            sent_at: self.sent_at,
            ended_at: self.clock.now(),
        });
    }
}

impl Drop for PendingExchange {
    fn drop(&mut self) {
        let error = self.dropped();
        self.end(&[], Some(error));
    }
}

/// Body of a response that is recorded as it is read.
struct RecordedStream {
    body: BoxStream<'static, Result<Bytes, TransportError>>,
    pending: Option<PendingExchange>,
    read: BytesMut,
    too_long: bool,
}

impl RecordedStream {
    fn end(&mut self, error: Option<RecordedError>) {
        if let Some(mut pending) = self.pending.take() {
            let error = if self.too_long { Some(RecordedError::TooLong) } else { error };
            pending.end(&self.read, error);
        }
    }
}

impl Stream for RecordedStream {
    type Item = Result<Bytes, TransportError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = std::task::ready!(self.body.poll_next_unpin(context));
        match &next {
            Some(Ok(piece)) if self.read.len() + piece.len() > MAX_BODY_BYTES => self.too_long = true,
            Some(Ok(_)) if self.too_long => {}
            Some(Ok(piece)) => self.read.extend_from_slice(piece),
            Some(Err(error)) => self.end(Some(RecordedError::new(error))),
            None => self.end(None),
        }
        Poll::Ready(next)
    }
}

/// A body that is not read to its end is recorded as far as it was read.
impl Drop for RecordedStream {
    fn drop(&mut self) {
        let error = self.pending.as_ref().map(PendingExchange::dropped);
        self.end(error);
    }
}
