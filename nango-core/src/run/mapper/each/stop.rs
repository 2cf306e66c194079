//! Stop of the other walks after an error that fails the run.

use std::{
    future::poll_fn,
    pin::pin,
    sync::atomic::{AtomicBool, Ordering},
    task::Poll,
};

use tokio_util::sync::CancellationToken;

/// Returns the output of a future, or `None` if it was stopped. A future that is committing is stopped after its
/// commit.
pub(super) async fn stoppable<F: Future>(
    stop: &CancellationToken,
    is_committing: &AtomicBool,
    future: F,
) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut stopped = pin!(stop.cancelled());
    let mut has_stopped = false;
    poll_fn(|context| {
        // The token wakes this task, and is not polled again after that.
        has_stopped = has_stopped || stopped.as_mut().poll(context).is_ready();
        let may_stop = has_stopped && !is_committing.load(Ordering::Relaxed);
        if may_stop {
            return Poll::Ready(None);
        }
        match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if has_stopped && !is_committing.load(Ordering::Relaxed) => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn walk_is_stopped_at_once_unless_it_commits() {
        let stop = CancellationToken::new();
        let (is_committing, has_committed) = (AtomicBool::new(false), AtomicBool::new(false));
        let database = Notify::new();
        let walk = async {
            is_committing.store(true, Ordering::Relaxed);
            database.notified().await;
            has_committed.store(true, Ordering::Relaxed);
            is_committing.store(false, Ordering::Relaxed);
            std::future::pending::<()>().await;
        };
        let is_waiting = AtomicBool::new(false);
        let waiting = stoppable(&stop, &is_waiting, std::future::pending::<()>());
        let (walked, ()) = tokio::join!(stoppable(&stop, &is_committing, walk), async {
            stop.cancel();
            assert_eq!(waiting.await, None);
            assert!(!has_committed.load(Ordering::Relaxed));
            database.notify_one();
        });
        assert_eq!(walked, None);
        assert!(has_committed.load(Ordering::Relaxed));
    }

    #[tokio::test]
    async fn walk_that_ends_before_the_stop_returns_its_output() {
        let stop = CancellationToken::new();
        let is_committing = AtomicBool::new(false);
        assert_eq!(stoppable(&stop, &is_committing, async { 1 }).await, Some(1));
        stop.cancel();
        assert_eq!(stoppable(&stop, &is_committing, async { 1 }).await, None);
    }
}
