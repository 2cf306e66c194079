//! What the store needs of the floor that holds the keys.

use std::fmt;

use zeroize::Zeroizing;

use crate::store::FunctionKey;

/// The name of a key, which tells nothing about it. Never 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(u32);

impl KeyId {
    /// The name of these four bytes. `None`: they are 0, which stands for no key.
    pub fn new(bytes: [u8; 4]) -> Option<Self> {
        Some(u32::from_be_bytes(bytes)).filter(|id| *id != 0).map(Self)
    }

    /// Its four bytes.
    pub const fn bytes(self) -> [u8; 4] {
        self.0.to_be_bytes()
    }

    /// As it stands in a column of 32 bits with a sign.
    pub(crate) const fn to_stored(self) -> i32 {
        self.0.cast_signed()
    }

    /// Reads what [`Self::stored`] gave; `None` of 0.
    pub(crate) fn from_stored(stored: i32) -> Option<Self> {
        Self::new(stored.to_be_bytes())
    }
}

/// Eight hexadecimal digits.
impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

/// A ring of keys. It may learn further keys while it is held; it never forgets one.
pub trait Keys: Send + Sync + fmt::Debug {
    /// The keys in their order, the oldest first.
    fn ids(&self) -> Vec<KeyId>;

    /// The secret that a key's subkeys for payloads are derived from. `None`: the ring does not hold it.
    fn payload_secret(&self, key: KeyId) -> Option<Zeroizing<[u8; 32]>>;

    /// Which key sealed a blob of credentials or of a resume state. `None`: this is no such blob.
    fn sealed_with(&self, blob: &[u8]) -> Option<KeyId>;

    /// Seals anew what another key of the ring sealed in this context. `None`: one of the two keys is not there, or the
    /// blob does not open.
    fn reseal(&self, blob: &[u8], context: &[u8], key: KeyId) -> Option<Vec<u8>>;

    /// Tells the ring which key the database seals with.
    fn activate(&self, key: KeyId);
}

/// What binds sealed credentials to their connection.
pub fn credentials_context(integration: &str, connection: &str) -> Vec<u8> {
    ["credentials", integration, connection].join("\0").into_bytes()
}

/// What binds a sealed resume state to its function.
pub fn resume_context(key: &FunctionKey) -> Vec<u8> {
    ["resume", &key.integration, &key.connection, &key.function, &key.variant].join("\0").into_bytes()
}
