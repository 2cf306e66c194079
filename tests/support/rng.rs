//! Random numbers that are reproducible from a seed.
//!
//! This file uses nothing but `std`: the tests of other crates include it by its path.

use std::env;
use std::time::{SystemTime, UNIX_EPOCH};

/// Pseudo-random numbers by `SplitMix64`, identical on every machine; not for secrets.
#[derive(Debug)]
pub struct Rng(u64);

impl Rng {
    /// Creates a generator from a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns a number below `end`, or 0 if `end` is 0.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)).checked_rem(end).unwrap_or(0)
    }

    /// Returns an index of a list of this length, or 0 if the list is empty.
    ///
    /// # Panics
    ///
    /// Never: the number is less than `length`.
    pub fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).expect("an index")
    }

    /// Returns one of several items.
    ///
    /// # Panics
    ///
    /// Panics if there are no items.
    pub fn choose<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        items.get(self.index(items.len())).expect("something to choose from")
    }

    /// Returns `true` with a probability of `chance` percent.
    pub fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }

    /// Returns `true` with a probability of 1 in `times`.
    pub fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }
}

/// Returns the seed of this run: `NANGO_TEST_SEED`, or a new one each time.
pub fn seed() -> u64 {
    let from_env = env::var("NANGO_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    from_env.unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::from(now.subsec_nanos()) | now.as_secs() << 32 >> 1
    })
}

/// Returns whether the long versions of tests are enabled: `NANGO_TEST_LONG=1`.
pub fn is_long_run() -> bool {
    env::var("NANGO_TEST_LONG").is_ok_and(|long| long == "1")
}
