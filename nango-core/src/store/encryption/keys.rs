//! Interface between the store and the key ring of the `auth` layer.

use std::fmt;

use zeroize::Zeroizing;

use crate::store::FunctionKey;

/// The id of a key, which reveals nothing about the key. Never 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(u32);

impl KeyId {
    /// Creates an id from four bytes. Returns `None` if they are 0, which means no key.
    pub fn new(bytes: [u8; 4]) -> Option<Self> {
        Some(u32::from_be_bytes(bytes)).filter(|id| *id != 0).map(Self)
    }

    /// Returns the four bytes of the id.
    pub const fn bytes(self) -> [u8; 4] {
        self.0.to_be_bytes()
    }

    /// Returns the id as a signed 32-bit integer for a database column.
    pub(crate) const fn to_stored(self) -> i32 {
        self.0.cast_signed()
    }

    /// Parses a value of [`Self::to_stored`]. Returns `None` for 0.
    pub(crate) fn from_stored(stored: i32) -> Option<Self> {
        Self::new(stored.to_be_bytes())
    }
}

/// Formats the id as eight hexadecimal digits.
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

/// A key ring. Keys may be added while it is in use; none is ever removed.
pub trait Keys: Send + Sync + fmt::Debug {
    /// Returns the ids of all keys, oldest first.
    fn ids(&self) -> Vec<KeyId>;

    /// Returns the secret from which the payload subkeys of a key are derived, or `None` if the ring lacks the key.
    fn payload_secret(&self, key: KeyId) -> Option<Zeroizing<[u8; 32]>>;

    /// Returns the key that sealed credentials or a resume state, or `None` if the blob is neither.
    fn sealed_with(&self, blob: &[u8]) -> Option<KeyId>;

    /// Opens a blob that another key of the ring sealed in this context, and seals it with `key`. Returns `None` if the
    /// ring lacks one of the two keys, or the blob cannot be opened.
    fn reseal(&self, blob: &[u8], context: &[u8], key: KeyId) -> Option<Vec<u8>>;

    /// Notifies the ring of the key that the database seals with.
    fn activate(&self, key: KeyId);
}

/// Returns the associated data that binds sealed credentials to their connection.
pub fn credentials_context(integration: &str, connection: &str) -> Vec<u8> {
    ["credentials", integration, connection].join("\0").into_bytes()
}

/// Returns the associated data that binds the sealed state of a parent to its function and its id.
pub fn parent_context(key: &FunctionKey, parent: &str) -> Vec<u8> {
    ["parent", &key.integration, &key.connection, &key.function, &key.variant, parent].join("\0").into_bytes()
}

/// Returns the associated data that binds a sealed secret of the instance to its name.
pub fn secret_context(name: &str) -> Vec<u8> {
    ["secret", name].join("\0").into_bytes()
}

/// Returns the associated data that binds a sealed resume state to its function.
pub fn resume_context(key: &FunctionKey) -> Vec<u8> {
    ["resume", &key.integration, &key.connection, &key.function, &key.variant].join("\0").into_bytes()
}
