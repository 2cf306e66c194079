//! Types of the calls of annotated functions: the context that they receive, and the future that they return.

use std::{any::Any, future::Future, pin::Pin, sync::Arc};

/// A boxed future, the return type of the function pointers in descriptors.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Type-erased context of a call: descriptors cannot name the types of the runtime, which depends on them.
#[derive(Clone)]
pub struct Handle(Arc<dyn Any + Send + Sync>);

impl Handle {
    /// Wraps the context of a call.
    pub fn new<C: Any + Send + Sync>(context: Arc<C>) -> Self {
        Self(context)
    }

    /// Returns the context if it has the type `C`.
    pub fn open<C: Any + Send + Sync>(self) -> Option<Arc<C>> {
        self.0.downcast().ok()
    }
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Handle")
    }
}
