//! Runs that become due, with their options, and runs that are due.

use uuid::Uuid;

use super::FunctionKey;
use crate::time::Timestamp;

/// Options of a due run, as the bits that are stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "the options are independent of each other")]
pub struct QueuedOptions {
    /// Deletes the checkpoint and the resume state before the run.
    pub reset: bool,
    /// Removes all records of the sync's models before the run.
    pub empty_cache: bool,
    /// Reads the complete list.
    pub full: bool,
    /// Applies confirmed deletes at once.
    pub allow_deletes: bool,
}

impl QueuedOptions {
    /// Returns the stored form.
    pub(crate) fn to_stored(self) -> i64 {
        i64::from(self.reset)
            | i64::from(self.empty_cache) << 1
            | i64::from(self.full) << 2
            | i64::from(self.allow_deletes) << 3
    }

    /// Returns the options of a stored form.
    pub(crate) fn from_stored(bits: i64) -> Self {
        let has = |bit: u32| bits >> bit & 1 == 1;
        Self { reset: has(0), empty_cache: has(1), full: has(2), allow_deletes: has(3) }
    }
}

/// A run that becomes due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDueRun {
    /// The sync to run.
    pub key: FunctionKey,
    /// The earliest start.
    pub due_at: Timestamp,
    /// The options of the run, added to those of a run that is due already.
    pub options: QueuedOptions,
}

/// A run of a sync that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueRun {
    /// The public id of the run that will start.
    pub id: Uuid,
    /// The sync to run.
    pub key: FunctionKey,
    /// The earliest time at which the run may start.
    pub due_at: Timestamp,
    /// Whether the last claim did not start it because of a limit or of a running run.
    pub is_blocked: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_stored_as_bits() {
        for bits in 0..16 {
            assert_eq!(QueuedOptions::from_stored(bits).to_stored(), bits);
        }
        assert_eq!(QueuedOptions { empty_cache: true, ..QueuedOptions::default() }.to_stored(), 2);
    }
}
