//! Random numbers that are reproducible by a seed.

/// A `SplitMix64` generator, implemented here so that a seed has the same meaning on every platform.
pub(super) struct Rng(u64);

impl Rng {
    /// Creates a generator with the seed of `NANGO_TEST_SEED`, or a random one. Returns the seed too.
    pub(super) fn new() -> (Self, u64) {
        let given = std::env::var("NANGO_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(|| uuid::Uuid::new_v4().as_u64_pair().0 >> 1);
        (Self(seed), seed)
    }

    /// Returns a number from 0 to `end` (exclusive).
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }

    /// Returns a random index of a list of this length.
    pub(super) fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap()
    }

    /// Returns `true` with a probability of 1 in `times`.
    pub(super) fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// Returns up to seven ids, some of them equal.
    pub(super) fn ids(&mut self) -> Vec<String> {
        (0..self.below(8)).map(|_| format!("r{}", self.below(30))).collect()
    }
}
