//! The modules of `nango-core` that tests and benches use beyond its public interface.
//!
//! All of them are imported from here, so that a change of their paths is a change of this file only.

pub use nango_core::internal::{auth, declare, http, model, redact, store, wire};
