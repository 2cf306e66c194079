//! Credentials of a stored connection that are refreshed while they are in use, without delaying requests.

use std::{
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Instant,
};

use super::{
    ConnectionContext, CredentialsSnapshot, RefreshReason, TokenRefresher,
    error::{RefreshError, SetupError},
    schedule::INITIAL_BACKOFF,
};
use crate::{
    auth::{
        Credentials, InjectError, Injector,
        redaction::{add_secrets, redactor},
    },
    http::{AuthError, Authorize, BoxFuture, CredentialsVersion, OutgoingRequest, Url, WaitObserver},
    redact::Redactor,
};

/// Adds the current credentials of a stored connection to requests. Changes by other runs, processes and users are
/// picked up when a token is refreshed or rejected.
#[derive(Debug)]
pub(crate) struct RefreshingCredentials {
    refresher: Arc<TokenRefresher>,
    context: Arc<ConnectionContext>,
    /// Base URL at the start. Later credentials are refused if theirs has another origin.
    base_url: Url,
    state: Mutex<Arc<ActiveCredentials>>,
    /// Redacts the secrets of every credentials version that was in use.
    redactor: Redactor,
    /// Time before which no other background refresh is started: one is in progress, or has failed.
    next_background_refresh: Mutex<Option<Instant>>,
    /// Receives the reason whenever a refresh waits.
    wait_observer: OnceLock<Arc<dyn WaitObserver>>,
}

#[derive(Debug)]
struct ActiveCredentials {
    snapshot: CredentialsSnapshot,
    injector: Injector,
}

impl RefreshingCredentials {
    /// Creates the credentials of a connection, starting with a loaded snapshot.
    ///
    /// # Errors
    ///
    /// Fails if the provider does not accept the credentials, or a value is missing.
    pub(crate) fn new(
        tokens: Arc<TokenRefresher>,
        context: Arc<ConnectionContext>,
        current: CredentialsSnapshot,
    ) -> Result<Self, InjectError> {
        let base_url = context.base_url(&current.connection.config, &current.credentials)?;
        let redactor = redactor(&current.credentials, &current.connection.config, &context.app);
        let state = Mutex::new(Arc::new(active_credentials(&context, current)?));
        Ok(Self {
            refresher: tokens,
            context,
            base_url,
            state,
            redactor,
            next_background_refresh: Mutex::default(),
            wait_observer: OnceLock::new(),
        })
    }

    /// Sets the observer of waits. Later calls have no effect.
    pub(crate) fn set_wait_observer(&self, observer: Arc<dyn WaitObserver>) {
        let _ = self.wait_observer.set(observer);
    }

    /// Returns the base URL of requests.
    pub(crate) fn base_url(&self) -> &Url {
        &self.base_url
    }

    /// Returns credentials that are valid now. An expired token is refreshed first.
    ///
    /// # Errors
    ///
    /// Fails if the token has expired and cannot be refreshed.
    pub(crate) async fn current(self: &Arc<Self>) -> Result<Credentials, RefreshError> {
        Ok(self.usable_state().await?.snapshot.credentials.clone())
    }

    /// Returns the credentials as they are now, without a refresh.
    pub(crate) fn loaded(&self) -> Credentials {
        self.state().snapshot.credentials.clone()
    }

    /// Returns the redactor of the connection and its app.
    pub(crate) fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// Returns the connection with a token that was issued after this call started.
    ///
    /// # Errors
    ///
    /// Fails with any [`RefreshError`].
    pub(crate) async fn force_refresh(&self) -> Result<CredentialsSnapshot, RefreshError> {
        let current = self.refresher.force_refresh(&self.context).await?;
        self.replace(current.clone())?;
        Ok(current)
    }

    fn state(&self) -> Arc<ActiveCredentials> {
        Arc::clone(&self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn replace(&self, current: CredentialsSnapshot) -> Result<Arc<ActiveCredentials>, RefreshError> {
        // The configuration, and with it the host, may have changed: new credentials must not go to the old host.
        add_secrets(&self.redactor, &current.credentials, &current.connection.config, &self.context.app);
        let new_base_url = self.context.base_url(&current.connection.config, &current.credentials);
        let new_base_url = new_base_url.map_err(|error| self.context.setup_failed(error))?;
        if new_base_url.origin() != self.base_url.origin() {
            return Err(self.context.setup_failed(SetupError::HostChanged));
        }
        let next = active_credentials(&self.context, current).map_err(|error| self.context.setup_failed(error))?;
        let next = Arc::new(next);
        let mut active = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // Of two concurrent callers, the one with the newer version may be first.
        let same_row = next.snapshot.connection.row == active.snapshot.connection.row;
        if !same_row || next.snapshot.connection.version >= active.snapshot.connection.version {
            *active = Arc::clone(&next);
        }
        Ok(Arc::clone(&active))
    }

    /// Returns the current state. A due token is refreshed: in the background while it is valid, otherwise before
    /// returning.
    async fn usable_state(self: &Arc<Self>) -> Result<Arc<ActiveCredentials>, RefreshError> {
        let state = self.state();
        if !self.refresher.is_refresh_due(&state.snapshot) {
            return Ok(state);
        }
        if self.refresher.is_token_valid(&state.snapshot) {
            self.refresh_in_background(&state);
            return Ok(state);
        }
        let current = self.refresh(RefreshReason::Expiring(state.snapshot.connection.version)).await?;
        self.replace(current)
    }

    async fn refresh(&self, why: RefreshReason) -> Result<CredentialsSnapshot, RefreshError> {
        self.refresher.refresh_detached(&self.context, why, self.wait_observer.get().cloned()).await
    }

    /// Starts a refresh of a valid token while requests continue to use it, so that a slow provider does not delay
    /// them.
    fn refresh_in_background(self: &Arc<Self>, state: &ActiveCredentials) {
        let now = self.refresher.clock.instant();
        let mut next_refresh = self.next_background_refresh.lock().unwrap_or_else(PoisonError::into_inner);
        if next_refresh.is_some_and(|until| until > now) {
            return;
        }
        *next_refresh = Some(now + INITIAL_BACKOFF);
        drop(next_refresh);
        let (credentials, version) = (Arc::clone(self), state.snapshot.connection.version);
        // A failure is stored with the connection and retried after the backoff or when the token has expired.
        tokio::spawn(async move {
            if let Ok(current) = credentials
                .refresher
                .refresh_detached(&credentials.context, RefreshReason::Expiring(version), None)
                .await
            {
                let _ = credentials.replace(current);
                *credentials.next_background_refresh.lock().unwrap_or_else(PoisonError::into_inner) = None;
            }
        });
    }

    async fn apply(self: &Arc<Self>, request: &mut OutgoingRequest) -> Result<CredentialsVersion, AuthError> {
        let state = self.usable_state().await?;
        state.injector.put(request, self.refresher.clock.now(), &*self.refresher.clock)?;
        Ok(CredentialsVersion(u64::try_from(state.snapshot.connection.version).unwrap_or(0)))
    }
}

fn active_credentials(
    context: &ConnectionContext,
    current: CredentialsSnapshot,
) -> Result<ActiveCredentials, InjectError> {
    let config = &current.connection.config;
    let injector =
        Injector::new(&context.provider, &context.key.integration, &current.credentials, config, &context.app)?;
    Ok(ActiveCredentials { snapshot: current, injector })
}

/// [`RefreshingCredentials`] as the authorizer of a request pipeline.
#[derive(Debug, Clone)]
pub(crate) struct RefreshingAuthorizer(pub Arc<RefreshingCredentials>);

impl Authorize for RefreshingAuthorizer {
    fn authorize<'a>(
        &'a self,
        request: &'a mut OutgoingRequest,
    ) -> BoxFuture<'a, Result<CredentialsVersion, AuthError>> {
        Box::pin(self.0.apply(request))
    }

    fn on_unauthorized(&self, used: CredentialsVersion) -> BoxFuture<'_, Result<bool, AuthError>> {
        let credentials = &self.0;
        Box::pin(async move {
            let used = i64::try_from(used.0).unwrap_or(i64::MAX);
            let active = credentials.state();
            if active.snapshot.connection.version != used {
                return Ok(true);
            }
            let current = credentials.refresh(RefreshReason::Rejected(used)).await?;
            let other = current.connection.version != used;
            if other {
                credentials.replace(current)?;
            }
            Ok(other)
        })
    }
}
