//! Type of the futures of a store.

use std::pin::Pin;

use super::StoreError;

/// The future that the methods of a store return.
pub(crate) type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;
