//! Random operations, compared with an in-memory model: same outcomes, and the replica of a reader equals the dataset.
//!
//! | module | content |
//! | --- | --- |
//! | `expected` | the rules of a dataset, without a database |
//! | `readers` | readers that keep their cursors, and queries with all parameters |
//! | `chaos` | operations in any order, by runs that end, lose their lease and restart; prunes, erased rows, emptied datasets |
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
use nango_tests::rng::Rng;
pub(super) use walks::complete_walk_deletes_no_live_record;

/// The last steps, printed if the test fails.
struct StepLog {
    seed: u64,
    step: usize,
    last_steps: std::collections::VecDeque<String>,
}

impl StepLog {
    const LENGTH: usize = 20;

    fn new(seed: u64) -> Self {
        Self { seed, step: 0, last_steps: std::collections::VecDeque::new() }
    }

    fn note(&mut self, text: &str) {
        if self.last_steps.len() == Self::LENGTH {
            self.last_steps.pop_front();
        }
        self.last_steps.push_back(format!("{:>6}  {text}", self.step));
    }
}

impl Drop for StepLog {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let last: Vec<_> = self.last_steps.iter().map(String::as_str).collect();
            println!("NANGO_TEST_SEED={}, step {}. The last steps:\n{}", self.seed, self.step, last.join("\n"));
        }
    }
}

/// Returns the number of steps of the short version, or 50 times as many for the long one.
fn step_count(short: usize) -> usize {
    if std::env::var("NANGO_TEST_LONG").is_ok_and(|long| long == "1") { short * 50 } else { short }
}

/// Returns up to seven ids, some of them equal.
fn random_ids(rng: &mut Rng) -> Vec<String> {
    (0..rng.below(8)).map(|_| format!("r{}", rng.below(30))).collect()
}
