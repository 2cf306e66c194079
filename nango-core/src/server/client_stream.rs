//! Stream to a client: time limit of writes, and the end of the connection.
//!
//! A client that does not read its responses must not hold a connection for ever. If bytes of the client are unread
//! when a connection is closed, the system resets it, and the client may lose the response: they are discarded first.

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

/// Size of the buffer for discarded bytes.
const DISCARDED: usize = 8 << 10;

/// Stream whose writes fail with [`io::ErrorKind::TimedOut`] after the other side has read nothing for some time.
pub(super) struct ClientStream<S> {
    stream: S,
    clock: Arc<dyn Clock>,
    limit: Duration,
    /// Ends when the limit is over. It exists while a write waits for space in the buffer of the system, and after
    /// unread bytes were discarded.
    timer: Option<BoxFuture<'static, ()>>,
    is_shut_down: bool,
}

impl<S> ClientStream<S> {
    /// Wraps a stream. The limit begins anew with each write that waits, and with the end of the connection.
    pub(super) fn new(stream: S, clock: Arc<dyn Clock>, limit: Duration) -> Self {
        Self { stream, clock, limit, timer: None, is_shut_down: false }
    }

    /// Returns whether the limit is over. It begins with the first call after the timer was removed.
    fn poll_limit(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.timer.get_or_insert_with(|| self.clock.sleep(self.limit)).as_mut().poll(context)
    }

    /// Returns the result of a write, or an error if writes have waited for the whole limit.
    fn limited<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.timer = None;
            return written;
        }
        ready!(self.poll_limit(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> ClientStream<S> {
    /// Discards what the client still sends, until it closes the connection or the limit is over. Does not wait if
    /// there is nothing.
    fn poll_discard(&mut self, context: &mut Context<'_>) -> Poll<()> {
        // Checked first: a client that sends fast leaves no budget of the task for the timer.
        if self.timer.is_some() && self.poll_limit(context).is_ready() {
            return Poll::Ready(());
        }
        let mut buffer = [0; DISCARDED];
        loop {
            let mut to = ReadBuf::new(&mut buffer);
            match Pin::new(&mut self.stream).poll_read(context, &mut to) {
                Poll::Ready(Ok(())) if !to.filled().is_empty() => {
                    if self.poll_limit(context).is_ready() {
                        return Poll::Ready(());
                    }
                }
                Poll::Pending if self.timer.is_some() => return Poll::Pending,
                // The client has closed the connection, or sent nothing that was not read.
                _ => return Poll::Ready(()),
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for ClientStream<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, to: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, to)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for ClientStream<S> {
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
        if !self.is_shut_down {
            ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
            self.is_shut_down = true;
            self.timer = None;
        }
        self.poll_discard(context).map(Ok)
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
        let mut stream = ClientStream::new(ours, Arc::new(SystemClock), Duration::from_millis(20));
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
        let mut stream = ClientStream::new(ours, Arc::new(SystemClock), Duration::from_mins(1));
        let reader = tokio::spawn(async move {
            let mut all = Vec::new();
            theirs.read_to_end(&mut all).await.map(|_| all)
        });
        stream.write_all(&[3; 1_000]).await.unwrap();
        assert!(stream.timer.is_none(), "a write that ended has no limit");
        stream.shutdown().await.unwrap();
        assert_eq!(reader.await.unwrap().unwrap(), [3; 1_000]);
    }

    #[tokio::test]
    async fn unread_bytes_are_discarded_before_the_end() {
        let (ours, mut theirs) = duplex(8);
        let mut stream = ClientStream::new(ours, Arc::new(SystemClock), Duration::from_mins(1));
        theirs.write_all(&[1; 8]).await.unwrap();
        let writer = tokio::spawn(async move { theirs.write_all(&[2; 1_000]).await });
        stream.shutdown().await.unwrap();
        drop(stream);
        writer.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn idle_stream_is_closed_at_once() {
        let (ours, _theirs) = duplex(8);
        let mut stream = ClientStream::new(ours, Arc::new(SystemClock), Duration::from_mins(1));
        let closed = tokio::time::timeout(Duration::from_secs(20), stream.shutdown()).await;
        closed.expect("nothing to wait for").unwrap();
    }
}
