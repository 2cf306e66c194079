//! Random bytes of the operating system, for keys, salts, nonces and the identity of a database.

use super::StoreError;

/// Fills the buffer.
///
/// # Errors
///
/// Fails if the operating system has no random bytes.
pub(super) fn fill(bytes: &mut [u8]) -> Result<(), StoreError> {
    getrandom::fill(bytes).map_err(|error| StoreError::Database(error.into()))
}
