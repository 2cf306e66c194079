//! Checkpoints and resume states: places in the provider.
//!
//! A checkpoint is the function's and is shown; the resume state of a mapper is the engine's, sealed, and never shown.
//! Both are written only as a part of a page ([`super::Page`]) or of a run's end.

use serde_json::Value;

use super::{FunctionKey, StoreFuture};

/// A stored checkpoint.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StoredCheckpoint {
    /// The value; `None`: never set, or cleared.
    pub value: Option<Value>,
    /// Grows by one with every write, also when cleared; 0: never set.
    pub version: i64,
}

/// A change of a checkpoint.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckpointWrite {
    /// The new value; `None` clears it.
    pub value: Option<Value>,
    /// The version that was read: another stored one is a conflict.
    pub expected: i64,
}

/// A change of a resume state: sealed bytes, or nothing any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResumeWrite {
    /// It becomes these sealed bytes.
    Set(Vec<u8>),
    /// It is dropped.
    Clear,
}

/// The checkpoints of a database.
pub trait Checkpoints {
    /// The checkpoint of a function of a connection.
    fn checkpoint(&self, key: &FunctionKey) -> StoreFuture<'_, StoredCheckpoint>;

    /// Sets or clears a checkpoint from outside a run, whatever its version. Gives the new version.
    fn set_checkpoint(&self, key: &FunctionKey, value: Option<Value>) -> StoreFuture<'_, i64>;

    /// The resume state of a mapper, sealed.
    fn resume_state(&self, key: &FunctionKey) -> StoreFuture<'_, Option<Vec<u8>>>;

    /// Drops the checkpoint and the resume state of a function, and closes the scans that it left open.
    fn reset(&self, key: &FunctionKey) -> StoreFuture<'_, ()>;
}
