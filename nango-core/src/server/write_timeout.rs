//! Time limit of writes: a client that does not read its responses must not hold a connection for ever.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use futures_util::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::time::Clock;

/// Stream whose writes fail with [`io::ErrorKind::TimedOut`] after the other side has read nothing for some time.
pub(super) struct WriteTimeout<S> {
    stream: S,
    clock: Arc<dyn Clock>,
    limit: Duration,
    /// Ends when the limit is over. It exists while a write waits for space in the buffer of the system.
    timer: Option<BoxFuture<'static, ()>>,
}

impl<S> WriteTimeout<S> {
    /// Wraps a stream. The limit begins anew with each write that waits.
    pub(super) fn new(stream: S, clock: Arc<dyn Clock>, limit: Duration) -> Self {
        Self { stream, clock, limit, timer: None }
    }

    /// Returns the result of a write, or an error if writes have waited for the whole limit.
    fn limited<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.timer = None;
            return written;
        }
        let timer = self.timer.get_or_insert_with(|| self.clock.sleep(self.limit));
        ready!(timer.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for WriteTimeout<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, to: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, to)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for WriteTimeout<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.limited(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.limited(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.limited(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;
    use crate::time::SystemClock;

    #[tokio::test]
    async fn write_fails_after_the_other_side_read_nothing_for_the_limit() {
        let (ours, mut theirs) = duplex(8);
        let mut stream = WriteTimeout::new(ours, Arc::new(SystemClock), Duration::from_millis(20));
        stream.write_all(&[1; 8]).await.unwrap();
        let error = stream.write_all(&[2; 8]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        let mut read = [0; 8];
        theirs.read_exact(&mut read).await.unwrap();
        assert_eq!(read, [1; 8]);
    }

    #[tokio::test]
    async fn write_continues_while_the_other_side_reads() {
        let (ours, mut theirs) = duplex(8);
        let mut stream = WriteTimeout::new(ours, Arc::new(SystemClock), Duration::from_mins(1));
        let reader = tokio::spawn(async move {
            let mut all = Vec::new();
            theirs.read_to_end(&mut all).await.map(|_| all)
        });
        stream.write_all(&[3; 1_000]).await.unwrap();
        assert!(stream.timer.is_none(), "a write that ended has no limit");
        stream.shutdown().await.unwrap();
        assert_eq!(reader.await.unwrap().unwrap(), [3; 1_000]);
    }
}
