//! Cancellation of a request that is in progress, and of a body that is being read.

use bytes::Bytes;
use futures_util::{
    StreamExt,
    stream::{self, BoxStream},
};
use tokio_util::sync::CancellationToken;

use super::{HttpError, TransportError, attempt::PreparedRequest};

/// Body of a streamed response.
type ByteStream = BoxStream<'static, Result<Bytes, TransportError>>;

/// Returns the error of a request whose run was cancelled after `attempts` attempts began.
pub(super) fn cancelled(prepared: &PreparedRequest, attempts: u32) -> HttpError {
    HttpError::Network { request: prepared.describe(), attempts, source: TransportError::Cancelled }
}

/// Wraps a body so that it ends with an error when the run is cancelled. A truncated body must not look complete.
pub(super) fn end_when_cancelled(cancellation: CancellationToken, body: ByteStream) -> ByteStream {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn body_ends_with_error_when_run_is_cancelled() {
        let cancellation = CancellationToken::new();
        let pieces = stream::iter([Ok(Bytes::from_static(b"a"))]).chain(stream::pending()).boxed();
        let mut body = end_when_cancelled(cancellation.clone(), pieces);
        assert_eq!(body.next().await.unwrap().unwrap(), "a");
        cancellation.cancel();
        assert!(matches!(body.next().await, Some(Err(TransportError::Cancelled))));
        assert!(body.next().await.is_none());
    }
}
