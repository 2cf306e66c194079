//! Bits of the marks of a scan: one bit per record number, in chunks that are rows of the database.

/// The number of bits in a chunk.
const CHUNK_BITS: i64 = 4096;
/// The size of a chunk in bytes.
pub(super) const CHUNK_BYTES: usize = 512;

/// The order of the bits in a byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BitOrder {
    /// The first record has the lowest bit.
    LowestFirst,
    /// The first record has the highest bit.
    #[cfg(feature = "postgres")]
    HighestFirst,
}

impl BitOrder {
    /// Returns the position of a record's bit: chunk, byte, bit mask.
    pub(super) fn position(self, rid: i64) -> (i64, usize, u8) {
        let bit = usize::try_from(rid.rem_euclid(CHUNK_BITS)).unwrap_or(0);
        let mask = match self {
            Self::LowestFirst => 1 << (bit % 8),
            #[cfg(feature = "postgres")]
            Self::HighestFirst => 0x80 >> (bit % 8),
        };
        (rid.div_euclid(CHUNK_BITS), bit / 8, mask)
    }

    /// Returns the chunks that contain these records, each with their bits set, sorted by number.
    pub(super) fn chunks(self, mut rids: Vec<i64>) -> Vec<(i64, [u8; CHUNK_BYTES])> {
        rids.sort_unstable();
        let mut chunks: Vec<(i64, [u8; CHUNK_BYTES])> = Vec::new();
        for rid in rids {
            let (chunk, byte, mask) = self.position(rid);
            if chunks.last().is_none_or(|(last, _)| *last != chunk) {
                chunks.push((chunk, [0; CHUNK_BYTES]));
            }
            if let Some((_, bits)) = chunks.last_mut() {
                bits[byte] |= mask;
            }
        }
        chunks
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[track_caller]
    fn check_positions(order: BitOrder, first: u8, last: u8) {
        assert_eq!(order.position(0), (0, 0, first));
        assert_eq!(order.position(4095), (0, 511, last));
        assert_eq!(order.position(4096), (1, 0, first));
        assert_eq!(order.position(i64::MAX).0, i64::MAX / CHUNK_BITS);
        let positions: HashSet<_> = (0..10_000).map(|rid| order.position(rid)).collect();
        assert_eq!(positions.len(), 10_000);
    }

    #[test]
    fn bit_position_is_unique_per_record() {
        check_positions(BitOrder::LowestFirst, 1, 128);
        #[cfg(feature = "postgres")]
        check_positions(BitOrder::HighestFirst, 128, 1);
    }

    #[test]
    fn chunks_contain_the_bits_of_their_records() {
        let chunks = BitOrder::LowestFirst.chunks(vec![4097, 0, 9, 8]);
        let found: Vec<_> = chunks.iter().map(|(chunk, bits)| (*chunk, bits[0], bits[1])).collect();
        assert_eq!(found, [(0, 1, 3), (1, 2, 0)]);
        assert!(BitOrder::LowestFirst.chunks(Vec::new()).is_empty());
    }
}
