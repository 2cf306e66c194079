//! Order in which the answers of a run arrived. If the lists of several parents are read at the same time, it decides
//! what a failed run had committed, and which changes a dry run lists first.

use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::Notify;

use super::format::Exchange;
use crate::{http::Clock as _, time::SystemClock};

/// Time without a new answer after which a function is taken to ask in another order.
const MAX_WAIT: Duration = Duration::from_millis(200);
/// Time for the commits of earlier pages before one of the last answers, with which the run fails.
const COMMIT_TIME: Duration = Duration::from_millis(50);
/// Number of the last answers, as many as are asked for at the same time by default.
const LAST: usize = 4;

/// Order of the answers of a run. An answer waits for the earlier ones, as long as the function asks for them.
#[derive(Debug, Default)]
pub(super) struct Arrival {
    /// Lines of the answers that have not arrived.
    left: Mutex<BTreeSet<usize>>,
    changed: Notify,
}

impl Arrival {
    /// Creates the order of recorded exchanges, each with the number of its line; they were written when they ended.
    pub(super) fn of(exchanges: &[(usize, Exchange)]) -> Self {
        let required = exchanges.iter().filter(|(_, exchange)| exchange.is_required());
        Self { left: Mutex::new(required.map(|(line, _)| *line).collect()), changed: Notify::new() }
    }

    /// Waits until all answers before this line have arrived. `usize::MAX`: all answers.
    pub(super) async fn wait_for_earlier(&self, line: usize) {
        loop {
            let changed = self.changed.notified();
            let earlier = self.lock().range(..line).count();
            if earlier == 0 {
                break;
            }
            tokio::select! {
                () = changed => {}
                () = SystemClock.sleep(MAX_WAIT) => {
                    // An answer that arrives later is the first one then.
                    let mut left = self.lock();
                    if left.range(..line).count() == earlier {
                        *left = left.split_off(&line);
                        self.changed.notify_waiters();
                    }
                }
            }
        }
        let is_last = self.lock().range(line..).count() <= LAST;
        if is_last {
            SystemClock.sleep(COMMIT_TIME).await;
        }
    }

    /// Notes that an answer arrives.
    pub(super) fn arrived(&self, line: usize) {
        self.lock().remove(&line);
        self.changed.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<usize>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn order(lines: impl IntoIterator<Item = usize>) -> Arrival {
        Arrival { left: Mutex::new(lines.into_iter().collect()), changed: Notify::new() }
    }

    #[tokio::test]
    async fn answer_arrives_after_the_earlier_ones() {
        let order = order(1..=10);
        let arrived = Mutex::new(Vec::new());
        let arrive = async |line| {
            order.wait_for_earlier(line).await;
            arrived.lock().unwrap().push(line);
            order.arrived(line);
        };
        tokio::join!(arrive(3), arrive(2), async {
            tokio::task::yield_now().await;
            arrive(1).await;
        });
        assert_eq!(arrived.into_inner().unwrap(), [1, 2, 3]);
    }

    #[tokio::test]
    async fn answer_that_is_never_asked_for_is_waited_for_once() {
        let order = order([1, 2, 10, 11, 12, 13, 14, 15]);
        let started = Instant::now();
        order.wait_for_earlier(10).await;
        assert!(started.elapsed() >= MAX_WAIT);
        let started = Instant::now();
        order.wait_for_earlier(2).await;
        order.wait_for_earlier(10).await;
        assert!(started.elapsed() < MAX_WAIT);
    }
}
