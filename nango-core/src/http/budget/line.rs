//! Those who wait for a bucket: interactive work first, then connection by connection in turn.

use std::collections::VecDeque;

use tokio::sync::oneshot;

use super::{Lane, Permit};

/// Somebody who waits.
#[derive(Debug)]
pub(super) struct Waiter {
    pub(super) lane: Lane,
    pub(super) connection: String,
    /// Gets the place. Closed: nobody waits any more.
    pub(super) place: oneshot::Sender<Permit>,
}

/// A line.
#[derive(Debug, Default)]
pub(super) struct Line {
    interactive: VecDeque<Waiter>,
    /// One line for each connection; the first one's turn comes next.
    background: VecDeque<(String, VecDeque<Waiter>)>,
}

impl Line {
    /// Whether somebody who comes now has to stand behind others.
    pub(super) fn is_behind(&self, lane: Lane) -> bool {
        !self.interactive.is_empty() || (lane == Lane::Background && !self.background.is_empty())
    }

    pub(super) fn stand(&mut self, waiter: Waiter) {
        match waiter.lane {
            Lane::Interactive => self.interactive.push_back(waiter),
            Lane::Background => {
                let at = self.background.iter().position(|(connection, _)| *connection == waiter.connection);
                match at {
                    Some(at) => self.background[at].1.push_back(waiter),
                    None => self.background.push_back((waiter.connection.clone(), VecDeque::from([waiter]))),
                }
            }
        }
    }

    /// The lane of whoever is next. Those who went away are passed over.
    pub(super) fn next_lane(&mut self) -> Option<Lane> {
        self.interactive.retain(|waiter| !waiter.place.is_closed());
        if !self.interactive.is_empty() {
            return Some(Lane::Interactive);
        }
        for (_, line) in &mut self.background {
            line.retain(|waiter| !waiter.place.is_closed());
        }
        self.background.retain(|(_, line)| !line.is_empty());
        (!self.background.is_empty()).then_some(Lane::Background)
    }

    /// Takes whoever is next; their connection's next turn comes after all others'.
    pub(super) fn take(&mut self) -> Option<Waiter> {
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
    fn connections_take_turns_and_interactive_work_goes_first() {
        let mut line = Line::default();
        let mut held = Vec::new();
        let mut stand = |line: &mut Line, lane, connection: &str| {
            let (place, waits) = oneshot::channel();
            held.push(waits);
            line.stand(Waiter { lane, connection: connection.to_owned(), place });
        };
        for connection in ["a", "a", "a", "b", "c", "b"] {
            stand(&mut line, Lane::Background, connection);
        }
        assert!(!line.is_behind(Lane::Interactive) && line.is_behind(Lane::Background));
        stand(&mut line, Lane::Interactive, "z");
        assert!(line.is_behind(Lane::Interactive));
        // The second of a went away.
        held.remove(1);
        let mut order = Vec::new();
        while line.next_lane().is_some() {
            order.push(line.take().unwrap().connection);
        }
        assert_eq!(order.concat(), "zabcab");
        assert!(line.take().is_none() && !line.is_behind(Lane::Background));
    }
}
