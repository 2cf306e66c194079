//! Content hash of a record: 128 bits over its canonical bytes, keyed per database.
//!
//! The key prevents the preparation, outside this database, of two records with the same hash. For plaintext payloads
//! the hash is fast and not cryptographic. For sealed payloads it is cryptographic, with a secret that is sealed
//! itself: a hash that is stored with a sealed payload must not confirm a guess of the content. The version is stored
//! with every hash, so that one hash can replace the other without a change of the sequence number.

use xxhash_rust::xxh3::{xxh3_64_with_secret, xxh3_128_with_secret};
use zeroize::Zeroizing;

use super::DatasetKey;

/// The version of the fast hash, for plaintext payloads.
const FAST: i64 = 1;
/// The version of the cryptographic hash, for sealed payloads.
const KEYED: i64 = 2;
/// The version of the cryptographic hash of a fast hash, for rows whose payload no longer exists.
const KEYED_FAST: i64 = 3;

/// A content hash of 128 bits.
pub(crate) type Hash = [u8; 16];

/// The keyed hash functions of one database.
#[derive(Clone)]
pub(crate) struct Hasher {
    public: Box<[u8; 192]>,
    secret: Option<Zeroizing<[u8; 32]>>,
    version: i64,
}

impl std::fmt::Debug for Hasher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Hasher({})", self.version)
    }
}

impl Hasher {
    /// Creates the fast hashes of the database with this key.
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        let mut public = Box::new([0; 192]);
        blake3::Hasher::new_keyed(key).update(b"nango record hash").finalize_xof().fill(&mut public[..]);
        Self { public, secret: None, version: FAST }
    }

    /// Returns the hasher of the same database with its secret, which computes new hashes with the secret if `sealed`.
    pub(crate) fn with_secret(&self, secret: Option<Zeroizing<[u8; 32]>>, sealed: bool) -> Self {
        let version = if sealed && secret.is_some() { KEYED } else { FAST };
        Self { public: self.public.clone(), secret, version }
    }

    /// Returns the version of new hashes, which is stored with each of them.
    pub(crate) fn version(&self) -> i64 {
        self.version
    }

    /// Returns the hash of a record's canonical bytes.
    pub(crate) fn hash_record(&self, payload: &[u8]) -> Hash {
        match &self.secret {
            Some(secret) if self.version == KEYED => keyed_hash(secret, payload),
            _ => self.fast(payload),
        }
    }

    /// Returns the hash in an earlier version, for comparison with a stored one. `None`: the version is not supported,
    /// or the secret is missing.
    pub(crate) fn hash_record_as(&self, version: i64, payload: &[u8]) -> Option<Hash> {
        match (version, &self.secret) {
            (FAST, _) => Some(self.fast(payload)),
            (KEYED, Some(secret)) => Some(keyed_hash(secret, payload)),
            (KEYED_FAST, Some(secret)) => Some(keyed_hash(secret, &self.fast(payload))),
            _ => None,
        }
    }

    /// Converts the stored hash of a payload that no longer exists if new payloads are sealed, because a fast hash
    /// would confirm a guess of the content. Returns the new hash and its version, or `None` if the hash may stay
    /// unchanged.
    pub(crate) fn to_keyed(&self, version: i64, hash: &Hash) -> Option<(Hash, i64)> {
        match (self.version, version, &self.secret) {
            (KEYED, FAST, Some(secret)) => Some((keyed_hash(secret, hash), KEYED_FAST)),
            _ => None,
        }
    }

    fn fast(&self, payload: &[u8]) -> Hash {
        xxh3_128_with_secret(payload, &self.public[..]).to_le_bytes()
    }

    /// Returns the number that binds a cursor to a dataset of this database.
    pub(crate) fn feed_id(&self, dataset: &DatasetKey) -> u64 {
        xxh3_64_with_secret(&dataset.length_prefixed(), &self.public[..])
    }
}

fn keyed_hash(secret: &[u8; 32], payload: &[u8]) -> Hash {
    let mut hash = [0; 16];
    hash.copy_from_slice(&blake3::keyed_hash(secret, payload).as_bytes()[..16]);
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hash_depends_on_key_and_content() {
        let (a, b) = (Hasher::new(&[1; 32]), Hasher::new(&[2; 32]));
        for payload in [&b"{}"[..], b"{\"id\":1}", &[b'x'; 300], &[b'x'; 5000]] {
            assert_eq!(a.hash_record(payload), a.clone().hash_record(payload));
            assert_ne!(a.hash_record(payload), b.hash_record(payload));
        }
        assert_ne!(a.hash_record(b"{\"id\":1}"), a.hash_record(b"{\"id\":2}"));
    }

    #[test]
    fn keyed_hash_differs_and_earlier_versions_are_recomputed() {
        let fast = Hasher::new(&[1; 32]);
        let secret = |byte| Some(Zeroizing::new([byte; 32]));
        let (one, two) = (fast.with_secret(secret(1), true), fast.with_secret(secret(2), true));
        assert_eq!((fast.version(), one.version()), (1, 2));
        assert_ne!(one.hash_record(b"{}"), fast.hash_record(b"{}"));
        assert_ne!(one.hash_record(b"{}"), two.hash_record(b"{}"));
        assert_eq!(one.hash_record_as(1, b"{}"), Some(fast.hash_record(b"{}")));
        let off = one.with_secret(secret(1), false);
        assert_eq!((off.version(), off.hash_record(b"{}")), (1, fast.hash_record(b"{}")));
        assert_eq!(off.hash_record_as(2, b"{}"), Some(one.hash_record(b"{}")));
        assert_eq!((fast.hash_record_as(2, b"{}"), one.hash_record_as(4, b"{}")), (None, None));
        let (keyed, version) = one.to_keyed(1, &fast.hash_record(b"{}")).unwrap();
        assert_eq!(one.hash_record_as(version, b"{}"), Some(keyed));
        assert!(keyed != fast.hash_record(b"{}") && keyed != one.hash_record(b"{}"));
        assert_eq!((one.to_keyed(2, &keyed), off.to_keyed(1, &keyed), fast.to_keyed(1, &keyed)), (None, None, None));
        assert_eq!(one.feed_id(&dataset()), fast.feed_id(&dataset()));
    }

    fn dataset() -> DatasetKey {
        let [integration, connection, model, variant] = ["a", "b", "c", "d"].map(str::to_owned);
        DatasetKey { integration, connection, model, variant }
    }

    #[test]
    fn feed_id_differs_when_any_name_differs() {
        let hasher = Hasher::new(&[1; 32]);
        let key = |names: [&str; 4]| {
            let [integration, connection, model, variant] = names.map(str::to_owned);
            hasher.feed_id(&DatasetKey { integration, connection, model, variant })
        };
        let all = [["a", "b", "c", "d"], ["ab", "", "c", "d"], ["a", "bc", "", "d"], ["a", "b", "cd", ""]].map(key);
        for (i, one) in all.iter().enumerate() {
            assert!(all[i + 1..].iter().all(|other| other != one));
        }
    }
}
