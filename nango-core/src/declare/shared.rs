//! Decoded values that the calls of a mapper share.

use std::{any::Any, sync::Arc};

/// Decoded metadata of a connection, which the calls of a mapper share: the type that the attribute declares.
#[derive(Clone)]
pub struct SharedMetadata(Arc<dyn Any + Send + Sync>);

impl SharedMetadata {
    /// Wraps metadata that is already decoded.
    pub fn new<M: Any + Send + Sync>(metadata: M) -> Self {
        Self(Arc::new(metadata))
    }

    /// Returns the metadata if it has the type `M`.
    pub fn get<M: Any>(&self) -> Option<&M> {
        self.0.downcast_ref()
    }

    /// Converts to the metadata if it has the type `M`.
    pub fn into_arc<M: Any + Send + Sync>(self) -> Option<Arc<M>> {
        self.0.downcast().ok()
    }
}

impl std::fmt::Debug for SharedMetadata {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SharedMetadata")
    }
}

/// Decoded parent of a mapper with `each`, which the calls for the parent's records share: a record of the parent's
/// model, or an element of a list in the metadata.
#[derive(Clone)]
pub struct SharedParent(Arc<dyn Any + Send + Sync>);

impl SharedParent {
    /// Wraps a parent that is already decoded.
    pub fn new<P: Any + Send + Sync>(parent: P) -> Self {
        Self(Arc::new(parent))
    }

    /// Returns the parent if it has the type `P`.
    pub fn get<P: Any>(&self) -> Option<&P> {
        self.0.downcast_ref()
    }

    /// Converts to the parent if it has the type `P`.
    pub fn into_arc<P: Any + Send + Sync>(self) -> Option<Arc<P>> {
        self.0.downcast().ok()
    }
}

impl std::fmt::Debug for SharedParent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SharedParent")
    }
}
