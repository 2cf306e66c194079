//! Secrets of the instance by name, sealed like credentials.

use super::StoreFuture;

/// The secrets of a database. Each blob must be sealed with the context of its name
/// ([`secret_context`](super::secret_context)).
pub trait Secrets {
    /// Returns a sealed secret by name.
    fn secret(&self, name: &str) -> StoreFuture<'_, Option<Vec<u8>>>;

    /// Stores a sealed secret, unless the name has one. Returns the stored one.
    fn add_secret(&self, name: &str, sealed: Vec<u8>) -> StoreFuture<'_, Vec<u8>>;

    /// Stores a sealed secret, and replaces the one of this name.
    fn replace_secret(&self, name: &str, sealed: Vec<u8>) -> StoreFuture<'_, ()>;
}
