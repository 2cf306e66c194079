//! Those who wait for a bucket: interactive work first, then connection by connection in turn.

use std::collections::VecDeque;

use tokio::sync::oneshot;

use super::{Permit, Priority};

/// Somebody who waits.
#[derive(Debug)]
pub(super) struct Waiter {
    pub(super) priority: Priority,
    pub(super) connection: String,
    /// Gets the place. Closed: nobody waits any more.
    pub(super) permit: oneshot::Sender<Permit>,
}

/// A line.
#[derive(Debug, Default)]
pub(super) struct WaitQueue {
    interactive: VecDeque<Waiter>,
    /// One line for each connection; the first one's turn comes next.
    background: VecDeque<(String, VecDeque<Waiter>)>,
}

impl WaitQueue {
    /// Whether somebody who comes now has to stand behind others.
    pub(super) fn has_waiters(&self, lane: Priority) -> bool {
        !self.interactive.is_empty() || (lane == Priority::Background && !self.background.is_empty())
    }

    pub(super) fn enqueue(&mut self, waiter: Waiter) {
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

    /// The lane of whoever is next. Those who went away are passed over.
    pub(super) fn next_priority(&mut self) -> Option<Priority> {
        self.interactive.retain(|waiter| !waiter.permit.is_closed());
        if !self.interactive.is_empty() {
            return Some(Priority::Interactive);
        }
        for (_, line) in &mut self.background {
            line.retain(|waiter| !waiter.permit.is_closed());
        }
        self.background.retain(|(_, line)| !line.is_empty());
        (!self.background.is_empty()).then_some(Priority::Background)
    }

    /// Takes whoever is next; their connection's next turn comes after all others'.
    pub(super) fn dequeue(&mut self) -> Option<Waiter> {
        if let Some(waiter) = self.interactive.pop_front() {
            return Some(waiter);
        }
        let (connection, mut line) = self.background.pop_front()?;
        let waiter = line.pop_front();
        if !line.is_empty() {
            self.background.push_back((connection, line));
        }
        waiter
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queue_serves_interactive_work_first_then_connections_round_robin() {
        let mut line = WaitQueue::default();
        let mut held = Vec::new();
        let mut stand = |line: &mut WaitQueue, lane, connection: &str| {
            let (place, waits) = oneshot::channel();
            held.push(waits);
            line.enqueue(Waiter { priority: lane, connection: connection.to_owned(), permit: place });
        };
        for connection in ["a", "a", "a", "b", "c", "b"] {
            stand(&mut line, Priority::Background, connection);
        }
        assert!(!line.has_waiters(Priority::Interactive) && line.has_waiters(Priority::Background));
        stand(&mut line, Priority::Interactive, "z");
        assert!(line.has_waiters(Priority::Interactive));
        // The second of a went away.
        held.remove(1);
        let mut order = Vec::new();
        while line.next_priority().is_some() {
            order.push(line.dequeue().unwrap().connection);
        }
        assert_eq!(order.concat(), "zabcab");
        assert!(line.dequeue().is_none() && !line.has_waiters(Priority::Background));
    }
}
