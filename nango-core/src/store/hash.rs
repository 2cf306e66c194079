//! The content hash of a record: 128 bits over its canonical bytes, keyed per database.
//!
//! The key is there so that nobody can prepare, outside this database, two records that it takes for one. The hash is
//! fast and not cryptographic; [`VERSION`] is stored beside every hash, so that it can be replaced without touching a
//! sequence.

use xxhash_rust::xxh3::{xxh3_64_with_secret, xxh3_128_with_secret};

use super::DatasetKey;

/// The way in which hashes are taken; stored beside each.
pub(crate) const VERSION: i64 = 1;

/// A content hash.
pub(crate) type Hash = [u8; 16];

/// The keyed hashes of one database.
#[derive(Clone)]
pub(crate) struct Hasher {
    secret: Box<[u8; 192]>,
}

impl std::fmt::Debug for Hasher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hasher")
    }
}

impl Hasher {
    /// The hashes of the database that drew this key.
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        let mut secret = Box::new([0; 192]);
        blake3::Hasher::new_keyed(key).update(b"nango record hash").finalize_xof().fill(&mut secret[..]);
        Self { secret }
    }

    /// The hash of a record's canonical bytes.
    pub(crate) fn record(&self, payload: &[u8]) -> Hash {
        xxh3_128_with_secret(payload, &self.secret[..]).to_le_bytes()
    }

    /// What binds a cursor to a dataset of this database.
    pub(crate) fn feed(&self, dataset: &DatasetKey) -> u64 {
        let names = [&dataset.integration, &dataset.connection, &dataset.model, &dataset.variant];
        let mut bytes = Vec::with_capacity(names.iter().map(|name| name.len() + 8).sum());
        for name in names {
            // The length goes first, so that no two lists of names run together into one text.
            bytes.extend_from_slice(&name.len().to_le_bytes());
            bytes.extend_from_slice(name.as_bytes());
        }
        xxh3_64_with_secret(&bytes, &self.secret[..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_and_the_content_decide() {
        let (a, b) = (Hasher::new(&[1; 32]), Hasher::new(&[2; 32]));
        for payload in [&b"{}"[..], b"{\"id\":1}", &[b'x'; 300], &[b'x'; 5000]] {
            assert_eq!(a.record(payload), a.clone().record(payload));
            assert_ne!(a.record(payload), b.record(payload));
        }
        assert_ne!(a.record(b"{\"id\":1}"), a.record(b"{\"id\":2}"));
    }

    #[test]
    fn feeds_are_told_apart_by_every_name() {
        let hasher = Hasher::new(&[1; 32]);
        let key = |names: [&str; 4]| {
            let [integration, connection, model, variant] = names.map(str::to_owned);
            hasher.feed(&DatasetKey { integration, connection, model, variant })
        };
        let all = [["a", "b", "c", "d"], ["ab", "", "c", "d"], ["a", "bc", "", "d"], ["a", "b", "cd", ""]].map(key);
        for (i, one) in all.iter().enumerate() {
            assert!(all[i + 1..].iter().all(|other| other != one));
        }
    }
}
