//! Random work against a model of it in memory: same outcomes, and what a reader with a cursor holds is the dataset.
//!
//! | room | holds |
//! | --- | --- |
//! | `dice` | random numbers that a seed repeats |
//! | `expected` | the rules of a dataset, without a database |
//! | `readers` | readers that keep their cursors, and questions with all that a query has |
//! | `chaos` | any work in any order, by runs that end, lose their lease and come back |
//! | `walks` | an API that changes, a walk over it in parts, and handlers beside it |
//!
//! A new kind of work (a prune, an emptied dataset) is one more step in `chaos` and its rule in `expected`.
//!
//! A run does thousands of steps, a hundred thousand with `NANGO_TEST_LONG=1`. `NANGO_TEST_SEED=n` repeats one. A case
//! that fails prints its seed and its last steps.

mod chaos;
mod dice;
mod expected;
mod readers;
mod walks;

pub(super) use chaos::random_work_converges;
use dice::Dice;
pub(super) use walks::walks_bury_nobody_who_lives;

/// What happened last, printed if the case fails.
struct Trail {
    seed: u64,
    step: usize,
    last: std::collections::VecDeque<String>,
}

impl Trail {
    const LENGTH: usize = 20;

    fn new(seed: u64) -> Self {
        Self { seed, step: 0, last: std::collections::VecDeque::new() }
    }

    fn note(&mut self, what: &str) {
        if self.last.len() == Self::LENGTH {
            self.last.pop_front();
        }
        self.last.push_back(format!("{:>6}  {what}", self.step));
    }
}

impl Drop for Trail {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let last: Vec<_> = self.last.iter().map(String::as_str).collect();
            println!("NANGO_TEST_SEED={}, step {}. The last steps:\n{}", self.seed, self.step, last.join("\n"));
        }
    }
}

/// So many steps, in the short version or the long one.
fn steps(short: usize) -> usize {
    if std::env::var("NANGO_TEST_LONG").is_ok_and(|long| long == "1") { short * 50 } else { short }
}
