//! Token refresh.
//!
//! [`TokenRefresher`] refreshes the token of a connection once for all callers that wait for it. A lock serializes the
//! callers of this process; a lease in the database ([`Refreshes`](crate::store::Refreshes)) serializes processes.
//! [`RefreshingCredentials`] adds the current token to requests and requests another one when it is due or was
//! rejected.
//!
//! Invariants:
//! - No transaction is open while a request to the provider is pending.
//! - A refresh continues if its caller is dropped, because its response may contain the only copy of the next refresh
//!   token.
//! - A rejected refresh is not retried until the credentials are replaced or a refresh is forced.
//! - Token times, which the provider compares with its own clock, use the system clock. The database's clock never goes
//!   back and may be ahead of it.

mod attempt;
mod error;
mod lease;
mod refreshing;
mod schedule;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use serde_json::{Map, Value};
use tokio::sync::watch;

use super::{App, Credentials, KeyRing};
use crate::{
    http::{Clock, Transport, Url, WaitObserver},
    provider::{Provider, ResolveError, ResolvedUrlError, TemplateScope},
    store::{Connection, ConnectionKey, RefreshClaim, RefreshEnd, SharedStore, StoreError},
};
pub(crate) use error::{RefreshError, SetupError};
pub(crate) use refreshing::{RefreshingAuthorizer, RefreshingCredentials};
pub(crate) use schedule::refresh_at;

/// The connection that a token belongs to, with its provider and app.
#[derive(Debug, Clone)]
pub struct ConnectionContext {
    /// The provider, with the overrides from the configuration applied.
    pub provider: Arc<Provider>,
    /// Integration and id of the connection.
    pub key: ConnectionKey,
    /// App of the integration at the provider.
    pub app: Arc<App>,
}

/// Reason for a refresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RefreshReason {
    /// The token of this credentials version is about to expire or has expired.
    Expiring(i64),
    /// The API rejected the token of this credentials version.
    Rejected(i64),
    /// A caller forced a refresh; contains the state at that time.
    Requested(StateAtRequest),
}

/// The stored refresh state of a connection at the time of a forced refresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StateAtRequest {
    /// Version of the credentials.
    version: i64,
    /// Number of consecutive failed refreshes.
    failures: u32,
}

impl StateAtRequest {
    fn from_snapshot(current: &CredentialsSnapshot) -> Self {
        Self { version: current.connection.version, failures: current.failure_count() }
    }
}

/// A connection with its decrypted credentials.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CredentialsSnapshot {
    /// The connection as stored, with its secret configuration merged.
    pub connection: Connection,
    /// The decrypted credentials.
    pub credentials: Credentials,
}

impl CredentialsSnapshot {
    /// Returns the number of consecutive failed refreshes of these credentials.
    fn failure_count(&self) -> u32 {
        self.connection.failure.as_ref().map_or(0, |failure| failure.attempts)
    }
}

impl ConnectionContext {
    /// Returns the error of a database failure; if the connection is not stored any more, of [`Self::removed`].
    fn store_failed(&self, error: StoreError) -> RefreshError {
        RefreshError::Store { connection: self.describe(), source: Arc::new(error) }
    }

    /// Returns the error of settings with which no token can be requested or used.
    fn setup_failed(&self, error: impl Into<SetupError>) -> RefreshError {
        RefreshError::Setup { connection: self.describe(), source: Arc::new(error.into()) }
    }

    /// Returns the error of a connection that is not stored any more.
    fn removed(&self) -> StoreError {
        let ConnectionKey { integration, connection } = self.key.clone();
        StoreError::NoConnection { integration, connection }
    }

    /// Returns a description for messages, such as "connection `ann` of `shop`".
    fn describe(&self) -> String {
        self.key.to_string()
    }

    /// Returns the base URL of the connection. It contains the credentials if the API expects them there.
    pub(crate) fn base_url(&self, config: &Map<String, Value>, credentials: &Credentials) -> Result<Url, ResolveError> {
        let scope = TemplateScope::new(&self.key.integration, config, credentials.parts()).token(credentials.token());
        let url = self.provider.resolve_base_url(&scope)?;
        let host = url.host_str().unwrap_or_default();
        if self.provider.exposes_app_secret(&url)
            && self.app.is_used_by(credentials, config)
            && !self.app.token_hosts.iter().any(|rule| rule.matches(host))
        {
            return Err(ResolveError::Url {
                integration: self.key.integration.clone(),
                template: self.provider.proxy.base_url.as_ref().map(ToString::to_string).unwrap_or_default(),
                source: ResolvedUrlError::ExposesAppSecret {
                    integration: self.key.integration.clone(),
                    host: host.to_owned(),
                },
            });
        }
        Ok(url)
    }
}

/// Refreshes the tokens of all connections in this process.
#[derive(Debug)]
pub struct TokenRefresher {
    store: SharedStore,
    ring: KeyRing,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    /// Locks by integration and connection id, created on first use.
    refresh_locks: Mutex<HashMap<ConnectionKey, RefreshLock>>,
    /// Number of refreshes in progress.
    in_flight: watch::Sender<usize>,
}

type RefreshLock = Arc<tokio::sync::Mutex<LastRefresh>>;

/// Outcomes of the last refreshes of a connection in this process.
#[derive(Debug, Default)]
struct LastRefresh {
    /// Start of the last successful refresh, and the credentials version that it stored.
    succeeded: Option<(Instant, i64)>,
    /// Start of the last failed refresh, and its error.
    failed: Option<(Instant, RefreshError)>,
    /// Earliest next attempt, as requested by the provider.
    not_before: Option<Instant>,
    /// Outcome that could not be stored yet; the next refresh stores it first.
    unstored: Option<(RefreshClaim, RefreshEnd)>,
}

impl TokenRefresher {
    /// Creates a refresher from the database, the key ring that decrypts it, the transport and the system clock.
    pub fn new(store: SharedStore, ring: KeyRing, transport: Arc<dyn Transport>, clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self {
            store,
            ring,
            transport,
            clock,
            refresh_locks: Mutex::default(),
            in_flight: watch::Sender::new(0),
        })
    }

    /// Loads a connection with its decrypted credentials. Does not refresh the token, even if it is due.
    ///
    /// # Errors
    ///
    /// Fails if the connection was removed, cannot be decrypted, or the database failed.
    pub async fn load(&self, context: &ConnectionContext) -> Result<CredentialsSnapshot, RefreshError> {
        let failed = |error| context.store_failed(error);
        let stored = self.store.connection(&context.key.integration, &context.key.connection).await;
        let connection = stored.map_err(failed)?.ok_or_else(|| failed(context.removed()))?;
        self.open(context, connection)
    }

    /// Returns whether `store` is the database in which refreshed tokens are stored. A dry run has another one.
    pub(crate) fn stores_tokens_in(&self, store: &SharedStore) -> bool {
        Arc::ptr_eq(&self.store, store)
    }

    /// Returns the connection with a token that was issued after this call started, even if the old one was not due.
    /// Concurrent callers, including those of other processes, share one refresh.
    ///
    /// # Errors
    ///
    /// Fails with any [`RefreshError`].
    pub async fn force_refresh(
        self: &Arc<Self>,
        context: &Arc<ConnectionContext>,
    ) -> Result<CredentialsSnapshot, RefreshError> {
        let current = self.load(context).await?;
        if !current.credentials.are_refreshable() {
            return Ok(current);
        }
        self.refresh_detached(context, RefreshReason::Requested(StateAtRequest::from_snapshot(&current)), None).await
    }

    /// Returns a connection that was read from the database of this refresher, with a token that is valid now. A token
    /// that is due is refreshed first; if that fails, one that has not expired is returned.
    ///
    /// # Errors
    ///
    /// Fails with any [`RefreshError`].
    #[cfg(feature = "server")]
    pub(crate) async fn current(
        self: &Arc<Self>,
        context: &Arc<ConnectionContext>,
        connection: Connection,
    ) -> Result<CredentialsSnapshot, RefreshError> {
        let current = self.open(context, connection)?;
        if !self.is_refresh_due(&current) {
            return Ok(current);
        }
        let reason = RefreshReason::Expiring(current.connection.version);
        match self.refresh_detached(context, reason, None).await {
            Err(_) if self.is_token_valid(&current) => Ok(current),
            refreshed => refreshed,
        }
    }

    /// Waits until no refresh is in progress, at most for `timeout`. Called before the process exits.
    pub async fn wait_until_idle(&self, timeout: Duration) {
        let mut in_flight = self.in_flight.subscribe();
        let _ = tokio::time::timeout(timeout, in_flight.wait_for(|count| *count == 0)).await;
    }

    /// Refreshes in a separate task, which continues if the caller is dropped.
    async fn refresh_detached(
        self: &Arc<Self>,
        context: &Arc<ConnectionContext>,
        why: RefreshReason,
        watch: Option<Arc<dyn WaitObserver>>,
    ) -> Result<CredentialsSnapshot, RefreshError> {
        let (tokens, owned_context) = (Arc::clone(self), Arc::clone(context));
        let requested_at = self.clock.instant();
        let task = tokio::spawn(async move { tokens.refresh_once(&owned_context, why, requested_at, watch).await });
        task.await.unwrap_or_else(|error| {
            let reason = if error.is_panic() { "the refresh panicked" } else { "the process is shutting down" };
            Err(RefreshError::Aborted { connection: context.describe(), reason })
        })
    }

    /// Decrypts the credentials of a connection that was read from the database of this refresher.
    ///
    /// # Errors
    ///
    /// Fails if the credentials cannot be decrypted.
    pub(crate) fn open(
        &self,
        context: &ConnectionContext,
        connection: Connection,
    ) -> Result<CredentialsSnapshot, RefreshError> {
        let ConnectionKey { integration, connection: id } = &context.key;
        let opened = Credentials::open(&self.ring, &connection.credentials, integration, id);
        let credentials = opened.map_err(|source| RefreshError::Sealed { connection: context.describe(), source })?;
        let mut connection = connection;
        credentials.add_secret_config(&mut connection.config);
        Ok(CredentialsSnapshot { connection, credentials })
    }

    /// Returns whether a token should be requested before the next request.
    fn is_refresh_due(&self, current: &CredentialsSnapshot) -> bool {
        current.credentials.are_refreshable()
            && (current.credentials.token().is_none()
                || current.connection.refresh_at.is_some_and(|at| at <= self.clock.now()))
    }

    /// Returns whether a token that is due has not expired yet.
    fn is_token_valid(&self, current: &CredentialsSnapshot) -> bool {
        current.credentials.token().is_some()
            && current.credentials.expires_at().is_none_or(|end| end > self.clock.now())
    }

    /// Counts a refresh in progress until the returned guard is dropped.
    fn track_in_flight(&self) -> impl Drop + use<> {
        struct InFlightGuard(watch::Sender<usize>);
        impl Drop for InFlightGuard {
            fn drop(&mut self) {
                self.0.send_modify(|count| *count -= 1);
            }
        }
        self.in_flight.send_modify(|count| *count += 1);
        InFlightGuard(self.in_flight.clone())
    }

    fn refresh_lock(&self, context: &ConnectionContext) -> RefreshLock {
        let mut locks = self.refresh_locks.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(locks.entry(context.key.clone()).or_default())
    }
}

#[cfg(test)]
mod tests;
