//! Decision of a claim: which due runs start, and why others do not. Both databases use it under the lock that excludes
//! other claims.

use std::collections::HashMap;

use super::queue::ClaimRequest;

/// The maximum number of due runs of known syncs that one claim examines.
pub(super) const MAX_EXAMINED: usize = 4_000;
/// The number of due runs that one statement of a claim reads.
pub(super) const BATCH: u32 = 250;

/// The reason why a due run does not start, as it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Blocked {
    /// A run of the function is active.
    Running,
    /// The connection has as many active runs as it may have.
    Connection,
    /// The integration has as many active runs as it may have.
    Integration,
}

impl Blocked {
    /// Returns the stored form.
    pub(super) const fn to_stored(self) -> i64 {
        match self {
            Self::Running => 1,
            Self::Connection => 2,
            Self::Integration => 3,
        }
    }
}

/// The numbers of active runs, which the decisions of a claim increase.
#[derive(Debug)]
pub(super) struct Slots {
    connections: HashMap<(String, String), u32>,
    integrations: HashMap<String, u32>,
    per_connection: u32,
    per_integration: u32,
    free: u32,
}

impl Slots {
    /// Creates the numbers of active runs by connection.
    pub(super) fn new(request: &ClaimRequest, active: impl IntoIterator<Item = (String, String, u32)>) -> Self {
        let mut slots = Self {
            connections: HashMap::new(),
            integrations: HashMap::new(),
            per_connection: request.per_connection,
            per_integration: request.per_integration,
            free: request.slots,
        };
        for (integration, connection, count) in active {
            *slots.integrations.entry(integration.clone()).or_default() += count;
            *slots.connections.entry((integration, connection)).or_default() += count;
        }
        slots
    }

    /// Returns whether no more runs can start.
    pub(super) fn is_full(&self) -> bool {
        self.free == 0
    }

    /// Takes a slot for a due run, or returns why it cannot start.
    pub(super) fn take(&mut self, integration: &str, connection: &str, is_running: bool) -> Result<(), Blocked> {
        if is_running {
            return Err(Blocked::Running);
        }
        let of_integration = self.integrations.entry(integration.to_owned()).or_default();
        let of_connection = self.connections.entry((integration.to_owned(), connection.to_owned())).or_default();
        if *of_connection >= self.per_connection {
            return Err(Blocked::Connection);
        }
        if *of_integration >= self.per_integration {
            return Err(Blocked::Integration);
        }
        *of_connection += 1;
        *of_integration += 1;
        self.free = self.free.saturating_sub(1);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::time::Timestamp;

    fn slots(free: u32, active: &[(&str, &str, u32)]) -> Slots {
        let request = ClaimRequest {
            now: Timestamp::UNIX_EPOCH,
            lease: Duration::from_secs(1),
            slots: free,
            per_connection: 2,
            per_integration: 3,
            syncs: Vec::new(),
        };
        let owned = |(integration, connection, count): &(&str, &str, u32)| {
            ((*integration).to_owned(), (*connection).to_owned(), *count)
        };
        Slots::new(&request, active.iter().map(owned))
    }

    #[test]
    fn claim_respects_limit_of_connection_and_integration() {
        let mut slots = slots(10, &[("a", "1", 1)]);
        assert_eq!(slots.take("a", "1", true), Err(Blocked::Running));
        assert_eq!(slots.take("a", "1", false), Ok(()));
        assert_eq!(slots.take("a", "1", false), Err(Blocked::Connection));
        assert_eq!(slots.take("a", "2", false), Ok(()));
        assert_eq!(slots.take("a", "3", false), Err(Blocked::Integration));
        assert_eq!(slots.take("b", "1", false), Ok(()), "the connection of another integration");
    }

    #[test]
    fn claim_ends_when_all_slots_are_taken() {
        let mut slots = slots(2, &[("a", "1", 2)]);
        assert!(!slots.is_full());
        assert_eq!(slots.take("b", "1", false), Ok(()));
        assert_eq!(slots.take("b", "2", false), Ok(()));
        assert!(slots.is_full());
    }
}
