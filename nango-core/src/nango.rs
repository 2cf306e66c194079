//! The helper that functions get.
//!
//! [`NangoSync`] and [`NangoAction`] carry the marker of their function, so that what it did not declare does not
//! compile; both deref to [`Nango`], where everything lives that needs no declaration and is compiled once. Each method
//! is a sentence over the rooms below; what they share is the [`Context`] of the run.
//!
//! Must stay true: a handle is an `Arc` and its futures own what they need, so a function's future is `'static`; no
//! method writes to the database except through a page of the store that carries the run's token.

mod batch;
mod cancellation;
mod checkpoint;
mod connection;
mod context;
mod environment;
mod full_walk;
mod lock;
mod log;
mod pages;
mod records;
mod report;
mod request;
mod scan;
#[cfg(test)]
mod tests;
mod trigger;

use std::{marker::PhantomData, ops::Deref, sync::Arc};

use crate::declare::{ActionDef, Handle, SyncDef, SyncMarker};

pub use batch::{PageBuilder, Saved};
pub use cancellation::Cancellation;
pub(crate) use cancellation::interrupted;
pub use connection::{ConnectionInfo, ConnectionRequest, IntegrationInfo};
pub use context::{Context, ContextParts, PageCommit, RunOptions, RunServices};
pub(crate) use context::{lease_lost, lock as lock_state, store_error};
pub use lock::LockGuard;
pub use log::LogEntry;
pub use records::RecordStream;
pub use report::{DeferredDeletes, RunFindings};
pub use request::{OptionalRequest, Request, Response};
pub use scan::{FullScan, ScanEnd};
pub use trigger::ActionFn;

/// What all functions can do: call the API, log, read their connection.
#[derive(Clone)]
pub struct Nango(Arc<Context>);

/// The handle of a sync and of its webhook handler.
pub struct NangoSync<S>(Nango, PhantomData<fn() -> S>);

/// The handle of an action and of an event's function.
pub struct NangoAction<A>(Nango, PhantomData<fn() -> A>);

impl Nango {
    /// A handle over a context.
    pub fn new(context: Arc<Context>) -> Self {
        Self(context)
    }

    /// The variant of the sync that runs, `base` unless it has several.
    pub fn variant(&self) -> &str {
        &self.0.key.variant
    }

    /// The public id of this run.
    pub fn run_id(&self) -> uuid::Uuid {
        self.0.token.id
    }

    pub(crate) fn context(&self) -> &Arc<Context> {
        &self.0
    }
}

impl From<Handle> for Nango {
    fn from(handle: Handle) -> Self {
        match handle.open::<Context>() {
            Some(context) => Self(context),
            // Only `run` and `testing` make handles, and both put a context inside.
            None => unreachable!("a handle holds a context"),
        }
    }
}

impl From<Nango> for Handle {
    fn from(nango: Nango) -> Self {
        Handle::new(nango.0)
    }
}

impl<S: SyncMarker> From<Handle> for NangoSync<S> {
    fn from(handle: Handle) -> Self {
        Nango::from(handle).declared_by(S::DEF)
    }
}

impl<A> From<Handle> for NangoAction<A> {
    fn from(handle: Handle) -> Self {
        Self(handle.into(), PhantomData)
    }
}

impl Nango {
    /// The handle of a sync, which takes its rules (who wins, what confirms a delete) from the declaration.
    fn declared_by<S>(self, def: &'static SyncDef) -> NangoSync<S> {
        self.0.declared.get_or_init(|| def);
        NangoSync(self, PhantomData)
    }
}

impl<S> Deref for NangoSync<S> {
    type Target = Nango;

    fn deref(&self) -> &Nango {
        &self.0
    }
}

impl<A> Deref for NangoAction<A> {
    type Target = Nango;

    fn deref(&self) -> &Nango {
        &self.0
    }
}

impl<S> Clone for NangoSync<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone(), PhantomData)
    }
}

impl<A> Clone for NangoAction<A> {
    fn clone(&self) -> Self {
        Self(self.0.clone(), PhantomData)
    }
}

impl std::fmt::Debug for Nango {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Nango").field("function", &self.0.key).field("run", &self.0.token.id).finish_non_exhaustive()
    }
}

impl<S> std::fmt::Debug for NangoSync<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl<A> std::fmt::Debug for NangoAction<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Where an action's call is carried out: `trigger` needs its descriptor only.
pub(crate) type ActionRef = &'static ActionDef;
