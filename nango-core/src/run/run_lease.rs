//! Lease of a run: acquired before its function is called, or at its first write.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::lease::LeaseRenewer;
use crate::{
    declare::BoxFuture,
    error::Result,
    nango::{StartRun, WriteToken, lock_state as lock},
    store::{NewRun, RunToken, SharedStore, StoreError},
    time::Timestamp,
};

/// Lease of a run, see the module.
pub(super) enum RunLease {
    /// The run has started.
    Acquired(RunToken, LeaseRenewer),
    /// The run starts with its first write.
    Deferred(Arc<DeferredLease>),
}

/// Lease of a run that excludes no other run, and starts with its first write.
pub(super) struct DeferredLease {
    store: SharedStore,
    new: NewRun,
    run: Uuid,
    started_at: Timestamp,
    cancellation: CancellationToken,
    renewer: Mutex<Option<LeaseRenewer>>,
}

impl RunLease {
    /// Renews a lease that a run has.
    pub(super) fn acquired(
        store: SharedStore,
        token: RunToken,
        lease: Duration,
        cancellation: CancellationToken,
    ) -> Self {
        Self::Acquired(token, LeaseRenewer::spawn(store, token, lease, cancellation))
    }

    /// Creates a lease that the first write of a run with this public id acquires.
    pub(super) fn deferred(store: SharedStore, new: NewRun, run: Uuid, cancellation: CancellationToken) -> Self {
        let (started_at, renewer) = (store.now(), Mutex::default());
        Self::Deferred(Arc::new(DeferredLease { store, new, run, started_at, cancellation, renewer }))
    }

    /// Returns the token for the writes of the run.
    pub(super) fn write_token(&self) -> WriteToken {
        match self {
            Self::Acquired(token, _) => WriteToken::started(*token),
            Self::Deferred(deferred) => WriteToken::deferred(deferred.run, deferred.clone()),
        }
    }

    /// Stops the renewals, and returns whether the lease was lost.
    pub(super) fn stop(self) -> bool {
        match self {
            Self::Acquired(_, renewer) => renewer.stop(),
            Self::Deferred(deferred) => lock(&deferred.renewer).take().is_some_and(LeaseRenewer::stop),
        }
    }
}

impl StartRun for DeferredLease {
    fn start(self: Arc<Self>) -> BoxFuture<Result<RunToken>> {
        Box::pin(async move {
            let token = self.store.start_run_as(self.new.clone(), self.run, self.started_at).await;
            let token = token.map_err(StoreError::into_error)?;
            let (store, lease) = (self.store.clone(), self.new.lease);
            let renewer = LeaseRenewer::spawn(store, token, lease, self.cancellation.clone());
            *lock(&self.renewer) = Some(renewer);
            Ok(token)
        })
    }
}
