//! Decoded values that the calls of a mapper share.

use std::{any::Any, sync::Arc};

/// Decoded value that the calls of a mapper share.
#[derive(Clone)]
pub struct SharedValue(Arc<dyn Any + Send + Sync>);

/// Decoded metadata of a connection: the type that the attribute declares.
pub type SharedMetadata = SharedValue;

/// Decoded parent of a mapper with `each`: a record of the parent's model, or an element of a list in the metadata.
pub type SharedParent = SharedValue;

impl SharedValue {
    /// Wraps a value that is already decoded.
    pub fn new<T: Any + Send + Sync>(value: T) -> Self {
        Self(Arc::new(value))
    }

    /// Returns the value if it has the type `T`.
    pub fn get<T: Any>(&self) -> Option<&T> {
        self.0.downcast_ref()
    }

    /// Converts to the value if it has the type `T`.
    pub fn into_arc<T: Any + Send + Sync>(self) -> Option<Arc<T>> {
        self.0.downcast().ok()
    }
}

impl std::fmt::Debug for SharedValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SharedValue")
    }
}
