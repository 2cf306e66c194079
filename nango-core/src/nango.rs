//! Handles that annotated functions receive.
//!
//! [`NangoSync`] and [`NangoAction`] have the marker type of their function as a parameter, so that the use of anything
//! that the function does not declare is a compile error. Both deref to [`Nango`], which has all methods that need no
//! declaration and is compiled once. The submodules implement the methods; their shared state is the [`Context`] of the
//! run.
//!
//! Invariants: a handle is an `Arc` and its futures own their data, so the future of a function is `'static`; every
//! write to the database carries the token of the run.

mod batch;
mod checkpoint;
mod connection;
mod context;
mod environment;
mod findings;
mod full_walk;
mod lock;
mod log;
mod page_builder;
mod pages;
mod records;
mod report;
mod request;
mod response;
mod saved;
mod scan;
#[cfg(test)]
mod tests;
mod trigger;

use std::{marker::PhantomData, ops::Deref, sync::Arc};

use crate::{
    declare::{ActionDef, Handle, SyncDef, SyncMarker},
    error::Result,
};

pub use batch::OnlyOfSync;
pub use connection::{ConnectionInfo, ConnectionRequest, IntegrationInfo};
pub(crate) use context::{Context, NewContext, PageCommit, RunOptions, RunServices, StartRun, WriteToken};
pub(crate) use context::{interrupted, lease_lost, lock as lock_state};
pub(crate) use findings::{DeferredDeletes, ParentCounts, RunFindings};
pub use lock::LockGuard;
pub use log::LogEntry;
pub use page_builder::PageBuilder;
pub use records::RecordStream;
pub use request::{OptionalRequest, Request};
pub use response::Response;
pub use saved::Saved;
pub use scan::{FullScan, ScanEnd};
pub use trigger::ActionFn;

/// Handle with the methods of all functions: requests, log, connection, locks, environment.
///
/// A helper function that does not write records takes `&Nango`; the handles of all functions deref to it.
#[derive(Clone)]
pub struct Nango(Arc<Context>);

/// Handle of a sync and of its webhook handler.
///
/// The attribute of a function adds the type argument. A helper function that writes records names what it needs
/// instead: `nango: &NangoSync<impl Saves<Item>>`, see [`Saves`](crate::Saves).
pub struct NangoSync<S>(Nango, PhantomData<fn() -> S>);

/// Handle of an action and of an event function.
pub struct NangoAction<A>(Nango, PhantomData<fn() -> A>);

impl Nango {
    /// Creates a handle of a context.
    pub(crate) fn new(context: Arc<Context>) -> Self {
        Self(context)
    }

    /// Returns the variant of the sync, `base` by default.
    pub fn variant(&self) -> &str {
        &self.0.key.variant
    }

    /// Returns the public id of this run.
    pub fn run_id(&self) -> uuid::Uuid {
        self.0.run_id()
    }

    pub(crate) fn context(&self) -> &Arc<Context> {
        &self.0
    }

    /// Returns the context, or the error of a run that was cancelled: each call of a cancelled handle fails.
    fn active_context(&self) -> Result<&Arc<Context>> {
        self.0.check_cancelled()?;
        Ok(&self.0)
    }
}

impl From<Handle> for Nango {
    fn from(handle: Handle) -> Self {
        match handle.open::<Context>() {
            Some(context) => Self(context),
            // Only `run` and `testing` create handles, and both create them from a context.
            None => unreachable!("a handle contains a context"),
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
    /// Converts to the handle of a sync, whose rules of merging and deleting come from the declaration.
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
        f.debug_struct("Nango").field("function", &self.0.key).field("run", &self.0.run_id()).finish_non_exhaustive()
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

/// Descriptor of an action, by which `trigger` identifies it.
pub(crate) type ActionRef = &'static ActionDef;
