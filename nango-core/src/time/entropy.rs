//! Source of randomness that tests and recordings can replace.

use std::fmt::Debug;

use uuid::Uuid;

/// Source of ids, protocol nonces and jitter of a run. Keys, tokens, salts and the nonces of ciphers never come from
/// it, but from the operating system.
pub trait Entropy: Send + Sync + Debug {
    /// Returns 128 random bits.
    fn random(&self) -> u128;

    /// Returns a random id (version 4).
    fn uuid(&self) -> Uuid {
        uuid::Builder::from_random_bytes(self.random().to_be_bytes()).into_uuid()
    }

    /// Returns a random number in `0.0..1.0` that spreads the retries of concurrent clients.
    fn jitter(&self) -> f64 {
        #[expect(clippy::cast_possible_truncation, reason = "some of the bits are enough")]
        let bits = self.random() as u32;
        f64::from(bits) / (f64::from(u32::MAX) + 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Fixed(u128);

    impl Entropy for Fixed {
        fn random(&self) -> u128 {
            self.0
        }
    }

    #[test]
    fn id_and_jitter_follow_from_the_random_bits() {
        assert_eq!(Fixed(0).uuid().to_string(), "00000000-0000-4000-8000-000000000000");
        assert_eq!(Fixed(u128::MAX).uuid().get_version_num(), 4);
        assert_eq!([Fixed(0), Fixed(1 << 31)].map(|entropy| entropy.jitter().to_string()), ["0", "0.5"]);
        assert!(Fixed(u128::MAX).jitter() < 1.0);
    }
}
