//! Tokens that are renewed while they are in use.
//!
//! [`Tokens`] renews the token of a connection once for everybody who waits for it: callers of this process take turns at
//! a lock, processes at a lease in the database ([`Refreshes`](crate::store::Refreshes)). [`RefreshingCredentials`] puts the current token
//! into requests and asks for another one when it is due or was refused.
//!
//! Must stay true: no transaction is open while the provider is asked; a caller that goes away does not break a renewal
//! off, because its answer may be the only way to the next token; what a provider refused is not asked again until
//! somebody gives other credentials, or asks for it; and the times of tokens, which a provider compares with its own
//! clock, are those of the system: the database's clock stays ahead if it ever was.

mod attempt;
mod lease;
mod refreshing;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use serde_json::{Map, Value};
use tokio::sync::watch;

use super::{App, Credentials, KeyError, KeyRing};
use crate::{
    http::{AuthError, Clock, Transport, Url, WaitObserver},
    provider::{Provider, ResolveError, TemplateScope},
    store::{Connection, RefreshClaim, RefreshEnd, SharedStore},
};
pub use refreshing::{RefreshingAuthorizer, RefreshingCredentials};

/// How long after a first failure the next attempt is made; it doubles with each further one.
const INITIAL_BACKOFF: Duration = Duration::from_secs(30);
/// The longest pause between two attempts.
const MAX_BACKOFF: Duration = Duration::from_hours(1);
/// A token that was renewed so short a time ago and is refused all the same is not renewed again.
const MIN_TOKEN_AGE: Duration = Duration::from_secs(10);

/// Whose token it is.
#[derive(Debug, Clone)]
pub struct ConnectionContext {
    /// The provider, with the settings' changes.
    pub provider: Arc<Provider>,
    /// The integration.
    pub integration: String,
    /// The connection's id.
    pub connection: String,
    /// The integration's app.
    pub app: Arc<App>,
}

/// Why another token is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RefreshReason {
    /// The one of this version ends.
    Expiring(i64),
    /// The API refused the one of this version.
    Rejected(i64),
    /// Somebody asked for it.
    Requested(StateAtRequest),
}

/// What was stored of a connection's renewals when another token was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StateAtRequest {
    /// The version of its credentials.
    version: i64,
    /// How many renewals failed in a row.
    failures: u32,
}

impl StateAtRequest {
    fn from_snapshot(current: &CredentialsSnapshot) -> Self {
        Self { version: current.connection.version, failures: failure_count(current) }
    }
}

/// How many renewals of these credentials failed in a row.
fn failure_count(current: &CredentialsSnapshot) -> u32 {
    current.connection.failure.as_ref().map_or(0, |failure| failure.attempts)
}

/// A connection with its opened credentials.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CredentialsSnapshot {
    /// The connection as it is stored.
    pub connection: Connection,
    /// Its credentials.
    pub credentials: Credentials,
}

/// Why there is no other token.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum RefreshError {
    /// Something is missing or does not fit; nothing was sent.
    #[error("the token of {of} cannot be renewed: {reason}")]
    Setup {
        /// The connection.
        of: String,
        /// What is wrong.
        reason: String,
    },
    /// The provider takes these credentials no more.
    #[error(
        "connection `{connection}` of `{integration}` must be connected again, its credentials are refused: {reason}. \
         Give it new ones: `registry connection add {integration} {connection} --credentials …`"
    )]
    Refused {
        /// The integration.
        integration: String,
        /// The connection.
        connection: String,
        /// What the provider said.
        reason: String,
    },
    /// The provider did not give one, and is asked again only later.
    #[error("the token of {of} could not be renewed: {reason}; the next attempt is in {} s", wait.as_secs().max(1))]
    RetryLater {
        /// The connection.
        of: String,
        /// What happened.
        reason: String,
        /// How long it is until the next attempt.
        wait: Duration,
    },
    /// The credentials cannot be opened.
    #[error("the credentials of {of} cannot be opened")]
    Sealed {
        /// The connection.
        of: String,
        /// Why.
        #[source]
        source: KeyError,
    },
    /// The database failed.
    #[error("the credentials of {of} cannot be had: {reason}")]
    Store {
        /// The connection.
        of: String,
        /// What happened.
        reason: String,
    },
}

impl From<RefreshError> for AuthError {
    fn from(error: RefreshError) -> Self {
        let text = error.to_string();
        match error {
            RefreshError::Setup { .. } | RefreshError::Sealed { .. } | RefreshError::Store { .. } => {
                Self::Missing(text)
            }
            RefreshError::Refused { .. } => Self::Refused(text),
            RefreshError::RetryLater { wait, .. } => Self::RetryLater { message: text, wait },
        }
    }
}

impl ConnectionContext {
    fn name(&self) -> String {
        format!("connection `{}` of `{}`", self.connection, self.integration)
    }

    /// Where requests of the connection go. A few APIs have the key in their base URL.
    pub(crate) fn base_url(&self, config: &Map<String, Value>, credentials: &Credentials) -> Result<Url, ResolveError> {
        let scope = TemplateScope::new(&self.integration, config, credentials.parts()).token(credentials.token());
        let url = self.provider.resolve_base_url(&scope)?;
        let host = url.host_str().unwrap_or_default();
        if self.provider.exposes_app_secret(&url)
            && self.app.is_used_by(credentials, config)
            && !self.app.token_hosts.iter().any(|rule| rule.matches(host))
        {
            return Err(ResolveError::Url {
                integration: self.integration.clone(),
                template: self.provider.proxy.base_url.as_ref().map(ToString::to_string).unwrap_or_default(),
                reason: format!(
                    "requests carry the secret of your app, and its entry does not name `{host}`; if you trust this \
                     host, list it as `token_hosts` under `[integrations.{}]` in nango.toml",
                    self.integration
                ),
            });
        }
        Ok(url)
    }
}

/// What renews the tokens of all connections in this process.
#[derive(Debug)]
pub struct TokenRefresher {
    store: SharedStore,
    ring: KeyRing,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    /// A lock for each connection that ever needed one, by integration and id.
    refresh_locks: Mutex<HashMap<(String, String), RefreshLock>>,
    /// How many renewals are on their way.
    in_flight: watch::Sender<usize>,
}

type RefreshLock = Arc<tokio::sync::Mutex<LastRefresh>>;

/// What became of the last renewals of a connection in this process.
#[derive(Debug, Default)]
struct LastRefresh {
    /// When the last one that brought a token began, and the version that it brought.
    succeeded: Option<(Instant, i64)>,
    /// When the last one that failed began, why, and until when the provider asked to wait.
    failed: Option<(Instant, RefreshError)>,
    not_before: Option<Instant>,
    /// What was brought and could not be stored.
    unstored: Option<(RefreshClaim, RefreshEnd)>,
}

impl TokenRefresher {
    /// What renews tokens: the database that holds them, the keys that open it, the transport, the system's clock.
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

    /// The connection as it is stored, its token due or not.
    ///
    /// # Errors
    ///
    /// It is gone, or cannot be opened.
    pub async fn look(&self, of: &ConnectionContext) -> Result<CredentialsSnapshot, RefreshError> {
        let failed = |reason: String| RefreshError::Store { of: of.name(), reason };
        let stored = self.store.connection(&of.integration, &of.connection).await;
        let connection = stored
            .map_err(|error| failed(error.to_string()))?
            .ok_or_else(|| failed("the connection was removed".to_owned()))?;
        self.open(of, connection)
    }

    /// The connection with a token that was obtained after this call began, whether the old one was due or not. Callers
    /// that come together share one renewal, also those of other processes.
    ///
    /// # Errors
    ///
    /// [`RefreshError`].
    pub async fn force_refresh(
        self: &Arc<Self>,
        of: &Arc<ConnectionContext>,
    ) -> Result<CredentialsSnapshot, RefreshError> {
        let current = self.look(of).await?;
        if !current.credentials.are_refreshable() {
            return Ok(current);
        }
        self.refresh_detached(of, RefreshReason::Requested(StateAtRequest::from_snapshot(&current)), None).await
    }

    /// Waits until no renewal is on its way, at most so long: before the process ends.
    pub async fn wait_until_idle(&self, timeout: Duration) {
        let mut busy = self.in_flight.subscribe();
        let _ = tokio::time::timeout(timeout, busy.wait_for(|count| *count == 0)).await;
    }

    /// A renewal that goes on when its caller goes away.
    async fn refresh_detached(
        self: &Arc<Self>,
        of: &Arc<ConnectionContext>,
        why: RefreshReason,
        watch: Option<Arc<dyn WaitObserver>>,
    ) -> Result<CredentialsSnapshot, RefreshError> {
        let (tokens, holder) = (Arc::clone(self), Arc::clone(of));
        let requested_at = Instant::now();
        let task = tokio::spawn(async move { tokens.refresh_once(&holder, why, requested_at, watch).await });
        task.await.unwrap_or_else(|error| {
            let reason = if error.is_panic() { "the renewal panicked" } else { "the program is being stopped" };
            Err(RefreshError::Store { of: of.name(), reason: reason.to_owned() })
        })
    }

    fn open(&self, of: &ConnectionContext, connection: Connection) -> Result<CredentialsSnapshot, RefreshError> {
        let opened = Credentials::open(&self.ring, &connection.credentials, &of.integration, &of.connection);
        let credentials = opened.map_err(|source| RefreshError::Sealed { of: of.name(), source })?;
        let mut connection = connection;
        credentials.add_secret_config(&mut connection.config);
        Ok(CredentialsSnapshot { connection, credentials })
    }

    /// Whether a token must be obtained before the next request.
    fn is_refresh_due(&self, current: &CredentialsSnapshot) -> bool {
        current.credentials.are_refreshable()
            && (current.credentials.token().is_none()
                || current.connection.renew_at.is_some_and(|at| at <= self.clock.now()))
    }

    /// Whether a token that is due still works.
    fn is_token_valid(&self, current: &CredentialsSnapshot) -> bool {
        current.credentials.token().is_some()
            && current.credentials.expires_at().is_none_or(|end| end > self.clock.now())
    }

    /// Counts a request that must not be broken off, until what this gives is dropped.
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

    fn refresh_lock(&self, of: &ConnectionContext) -> RefreshLock {
        let mut turns = self.refresh_locks.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(turns.entry((of.integration.clone(), of.connection.clone())).or_default())
    }
}

/// When a token that ends then is to be renewed: a provider's margin earlier, and a short-lived one a quarter of its
/// life.
pub(crate) fn renew_at(expires_at: Option<i64>, now: i64, margin: Duration) -> Option<i64> {
    let margin = i64::try_from(margin.as_micros()).unwrap_or(i64::MAX);
    // One that was born dead would be renewed for every request: only a refusal tells of it.
    let end = expires_at.filter(|end| *end > now)?;
    Some(end.saturating_sub(margin.min((end - now) / 4)))
}

/// How long to wait after so many failures in a row.
fn backoff(times: u32) -> Duration {
    INITIAL_BACKOFF.saturating_mul(1 << times.saturating_sub(1).min(16)).min(MAX_BACKOFF)
}

#[cfg(test)]
mod tests;
