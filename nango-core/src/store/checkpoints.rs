//! Checkpoints and resume states: stored positions of a function in the provider's data.
//!
//! A checkpoint belongs to the function and is public; the resume state of a mapper belongs to the engine, is sealed,
//! and is never shown. Both are written only as part of a page ([`super::Page`]) or of the end of a run.

use serde_json::Value;

use super::{FunctionKey, StoreError, StoreFuture};

/// A checkpoint as it is stored.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StoredCheckpoint {
    /// The value; `None` if it was never set or was cleared.
    pub value: Option<Value>,
    /// The version, incremented by every write, also when the checkpoint is cleared; 0 if it was never set.
    pub version: i64,
}

/// A change of a checkpoint.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckpointWrite {
    /// The new value; `None` clears it.
    pub value: Option<Value>,
    /// The version that was read. Any other stored version is a conflict.
    pub expected: i64,
}

impl CheckpointWrite {
    /// Fails if the stored version is not the one that was read.
    pub(super) fn ensure_expected(&self, found: i64) -> Result<(), StoreError> {
        if found == self.expected {
            Ok(())
        } else {
            Err(StoreError::CheckpointConflict { expected: self.expected, found })
        }
    }
}

/// A change of a resume state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResumeWrite {
    /// Stores these sealed bytes.
    Set(Vec<u8>),
    /// Removes the resume state.
    Clear,
}

/// The checkpoints of a database.
pub trait Checkpoints {
    /// Returns the checkpoint of a function of a connection.
    fn checkpoint(&self, key: &FunctionKey) -> StoreFuture<'_, StoredCheckpoint>;

    /// Sets or clears a checkpoint from outside a run, whatever its version. Returns the new version.
    fn set_checkpoint(&self, key: &FunctionKey, value: Option<Value>) -> StoreFuture<'_, i64>;

    /// Returns the sealed resume state of a mapper.
    fn resume_state(&self, key: &FunctionKey) -> StoreFuture<'_, Option<Vec<u8>>>;

    /// Removes the checkpoint and the resume state of a function, and closes its open scans.
    fn reset(&self, key: &FunctionKey) -> StoreFuture<'_, ()>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checkpoint_is_written_only_over_the_version_that_was_read() {
        let write = CheckpointWrite { value: None, expected: 3 };
        assert!(write.ensure_expected(3).is_ok());
        for found in [0, 2, 4] {
            let conflict = write.ensure_expected(found);
            assert!(matches!(conflict, Err(StoreError::CheckpointConflict { expected: 3, found: f }) if f == found));
        }
    }
}
