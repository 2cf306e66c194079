//! Random operations, compared with an in-memory model: same outcomes, and the replica of a reader equals the dataset.
//!
//! | module | content |
//! | --- | --- |
//! | `expected` | the rules of a dataset, without a database |
//! | `readers` | readers that keep their cursors, and queries with all parameters |
//! | `chaos` | operations in any order, with and without parents, by runs that end, lose their lease and restart; prunes, erased rows, emptied datasets |
//! | `walks` | an API that changes, a walk over it in pages, and concurrent handlers |
//!
//! A new operation needs one more step in `chaos` and its rule in `expected`.
//!
//! A test executes thousands of steps, a hundred thousand with `NANGO_TEST_LONG=1`. `NANGO_TEST_SEED=n` repeats one. A
//! failed test prints its seed and its last steps.

mod chaos;
mod expected;
mod readers;
mod walks;

pub(super) use chaos::random_work_matches_model;
use nango_tests::rng::{self, Rng};
pub(super) use walks::complete_walk_deletes_no_live_record;

/// Returns the number of steps of the short version, or 50 times as many for the long one.
fn step_count(short: usize) -> usize {
    if rng::is_long_run() { short * 50 } else { short }
}

/// Returns up to seven ids, some of them equal.
fn random_ids(rng: &mut Rng) -> Vec<String> {
    (0..rng.below(8)).map(|_| format!("r{}", rng.below(30))).collect()
}
