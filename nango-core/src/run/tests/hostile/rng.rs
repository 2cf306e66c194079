//! Reproducible random numbers.

use std::env;

/// Pseudo-random number generator `SplitMix64`, with the same numbers for a seed on all platforms.
#[derive(Debug)]
pub(super) struct Rng(u64);

impl Rng {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns a number less than `end`.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }

    /// Returns an index of a list of this length.
    pub(super) fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap()
    }

    pub(super) fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }

    pub(super) fn choose<T: Copy>(&mut self, several: &[T]) -> T {
        several[self.index(several.len())]
    }
}

/// Returns the seed of the first case: `NANGO_TEST_SEED`, or a random one.
pub(super) fn seed() -> u64 {
    let configured = env::var("NANGO_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    configured.unwrap_or_else(|| uuid::Uuid::new_v4().as_u64_pair().0 >> 16)
}

/// Returns whether the long tests are requested: `NANGO_TEST_LONG=1`.
pub(super) fn is_long_run() -> bool {
    env::var("NANGO_TEST_LONG").is_ok_and(|long| long == "1")
}
