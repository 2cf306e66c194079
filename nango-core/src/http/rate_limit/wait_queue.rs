//! Wait queue of a bucket: interactive work first, then connections in round-robin order.

use std::collections::VecDeque;

use tokio::sync::oneshot;

use super::Priority;

/// A request that waits for a permit.
#[derive(Debug)]
pub(super) struct Waiter<P> {
    pub(super) priority: Priority,
    pub(super) connection: String,
    /// Sends the permit to the request. Closed if the request was dropped.
    pub(super) sender: oneshot::Sender<P>,
}

/// Queue of the requests that wait for permits of a bucket. `P`: type of the permits.
#[derive(Debug)]
pub(super) struct WaitQueue<P> {
    interactive: VecDeque<Waiter<P>>,
    /// One queue per connection; the first connection is served next.
    background: VecDeque<(String, VecDeque<Waiter<P>>)>,
}

impl<P> Default for WaitQueue<P> {
    fn default() -> Self {
        Self { interactive: VecDeque::new(), background: VecDeque::new() }
    }
}

impl<P> WaitQueue<P> {
    /// Returns whether a new request of this priority has to wait behind others.
    pub(super) fn has_waiters(&self, priority: Priority) -> bool {
        !self.interactive.is_empty() || (priority == Priority::Background && !self.background.is_empty())
    }

    pub(super) fn enqueue(&mut self, waiter: Waiter<P>) {
        match waiter.priority {
            Priority::Interactive => self.interactive.push_back(waiter),
            Priority::Background => {
                let at = self.background.iter().position(|(connection, _)| *connection == waiter.connection);
                match at {
                    Some(at) => self.background[at].1.push_back(waiter),
                    None => self.background.push_back((waiter.connection.clone(), VecDeque::from([waiter]))),
                }
            }
        }
    }

    /// Returns the priority of the next waiter; removes waiters that were dropped.
    pub(super) fn next_priority(&mut self) -> Option<Priority> {
        self.interactive.retain(|waiter| !waiter.sender.is_closed());
        if !self.interactive.is_empty() {
            return Some(Priority::Interactive);
        }
        for (_, queue) in &mut self.background {
            queue.retain(|waiter| !waiter.sender.is_closed());
        }
        self.background.retain(|(_, queue)| !queue.is_empty());
        (!self.background.is_empty()).then_some(Priority::Background)
    }

    /// Removes the next waiter and moves its connection to the end of the round.
    pub(super) fn dequeue(&mut self) -> Option<Waiter<P>> {
        if let Some(waiter) = self.interactive.pop_front() {
            return Some(waiter);
        }
        let (connection, mut queue) = self.background.pop_front()?;
        let waiter = queue.pop_front();
        if !queue.is_empty() {
            self.background.push_back((connection, queue));
        }
        waiter
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queue_serves_interactive_work_first_then_connections_round_robin() {
        let mut queue = WaitQueue::default();
        let mut receivers = Vec::new();
        let mut enqueue = |queue: &mut WaitQueue<()>, priority, connection: &str| {
            let (sender, receiver) = oneshot::channel();
            receivers.push(receiver);
            queue.enqueue(Waiter { priority, connection: connection.to_owned(), sender });
        };
        for connection in ["a", "a", "a", "b", "c", "b"] {
            enqueue(&mut queue, Priority::Background, connection);
        }
        assert!(!queue.has_waiters(Priority::Interactive) && queue.has_waiters(Priority::Background));
        enqueue(&mut queue, Priority::Interactive, "z");
        assert!(queue.has_waiters(Priority::Interactive));
        // The second request of `a` is dropped.
        receivers.remove(1);
        let mut order = Vec::new();
        while queue.next_priority().is_some() {
            order.push(queue.dequeue().unwrap().connection);
        }
        assert_eq!(order.concat(), "zabcab");
        assert!(queue.dequeue().is_none() && !queue.has_waiters(Priority::Background));
    }
}
