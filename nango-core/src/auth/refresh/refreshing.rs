//! The credentials of a connection in use: always the current ones.

use std::{
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Instant,
};

use super::{ConnectionContext, CredentialsSnapshot, INITIAL_BACKOFF, RefreshError, RefreshReason, TokenRefresher};
use crate::{
    auth::{
        Credentials, InjectError, Injector,
        redaction::{add_secrets, redactor},
    },
    http::{AuthError, Authorize, BoxFuture, CredentialsVersion, OutgoingRequest, Url, WaitObserver},
    redact::Redactor,
};

/// Puts the current credentials of a stored connection into requests, and follows their changes: also those that other
/// runs, processes and people make.
#[derive(Debug)]
pub struct RefreshingCredentials {
    refresher: Arc<TokenRefresher>,
    context: Arc<ConnectionContext>,
    /// Where credentials go: those that come later must go there too.
    base_url: Url,
    state: Mutex<Arc<ActiveCredentials>>,
    /// Hides the secrets of every version of the credentials that was in use.
    redactor: Redactor,
    /// Until when a token that still works is used on, although it is due: somebody renews it, or could not.
    next_background_refresh: Mutex<Option<Instant>>,
    /// Receives what a renewal waits for.
    wait_observer: OnceLock<Arc<dyn WaitObserver>>,
}

#[derive(Debug)]
struct ActiveCredentials {
    snapshot: CredentialsSnapshot,
    injector: Injector,
}

impl RefreshingCredentials {
    /// The credentials of a connection from here on.
    ///
    /// # Errors
    ///
    /// The provider has no place for them, or a value is missing.
    pub fn new(
        tokens: Arc<TokenRefresher>,
        of: Arc<ConnectionContext>,
        current: CredentialsSnapshot,
    ) -> Result<Self, InjectError> {
        let base_url = of.base_url(&current.connection.config, &current.credentials)?;
        let redactor = redactor(&current.credentials, &current.connection.config, &of.app);
        let state = Mutex::new(Arc::new(active_credentials(&of, current)?));
        Ok(Self {
            refresher: tokens,
            context: of,
            base_url,
            state,
            redactor,
            next_background_refresh: Mutex::default(),
            wait_observer: OnceLock::new(),
        })
    }

    /// Sets who is shown what renewals wait for; the first one stays.
    pub(crate) fn set_wait_observer(&self, watch: Arc<dyn WaitObserver>) {
        let _ = self.wait_observer.set(watch);
    }

    /// Where requests go.
    pub fn base_url(&self) -> &Url {
        &self.base_url
    }

    /// The credentials, good for a request that is sent now.
    ///
    /// # Errors
    ///
    /// A token is due and cannot be renewed.
    pub async fn current(self: &Arc<Self>) -> Result<Credentials, RefreshError> {
        Ok(self.usable_state().await?.snapshot.credentials.clone())
    }

    /// Hides the secrets of the connection and its app.
    pub(crate) fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// The connection with a token that was obtained after this call began.
    ///
    /// # Errors
    ///
    /// [`RefreshError`].
    pub async fn force_refresh(&self) -> Result<CredentialsSnapshot, RefreshError> {
        let current = self.refresher.force_refresh(&self.context).await?;
        self.replace(current.clone())?;
        Ok(current)
    }

    fn state(&self) -> Arc<ActiveCredentials> {
        Arc::clone(&self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn replace(&self, current: CredentialsSnapshot) -> Result<Arc<ActiveCredentials>, RefreshError> {
        let setup = |reason: String| RefreshError::Setup { of: self.context.name(), reason };
        // Somebody may have changed the configuration, and with it the host: new credentials are not for the old one.
        add_secrets(&self.redactor, &current.credentials, &current.connection.config, &self.context.app);
        let new_base_url = self.context.base_url(&current.connection.config, &current.credentials);
        let leads = new_base_url.map_err(|error| setup(error.to_string()))?;
        if leads.origin() != self.base_url.origin() {
            return Err(setup("its configuration leads to another host since the run began: run again".to_owned()));
        }
        let next = Arc::new(active_credentials(&self.context, current).map_err(|error| setup(error.to_string()))?);
        let mut active = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // Two callers may bring two versions, the later one first.
        let same = next.snapshot.connection.row == active.snapshot.connection.row;
        if !same || next.snapshot.connection.version >= active.snapshot.connection.version {
            *active = Arc::clone(&next);
        }
        Ok(Arc::clone(&active))
    }

    /// The current state, its token renewed if that is due.
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

    /// Renews a token that still works while requests go on with it: a provider that hangs delays nobody.
    fn refresh_in_background(self: &Arc<Self>, state: &ActiveCredentials) {
        let now = Instant::now();
        let mut quiet = self.next_background_refresh.lock().unwrap_or_else(PoisonError::into_inner);
        if quiet.is_some_and(|until| until > now) {
            return;
        }
        *quiet = Some(now + INITIAL_BACKOFF);
        drop(quiet);
        let (live, version) = (Arc::clone(self), state.snapshot.connection.version);
        // What fails is kept with the connection, and asked again when the pause is over or the token has ended.
        tokio::spawn(async move {
            if let Ok(current) =
                live.refresher.refresh_detached(&live.context, RefreshReason::Expiring(version), None).await
            {
                let _ = live.replace(current);
                *live.next_background_refresh.lock().unwrap_or_else(PoisonError::into_inner) = None;
            }
        });
    }

    async fn apply(self: &Arc<Self>, request: &mut OutgoingRequest) -> Result<CredentialsVersion, AuthError> {
        let state = self.usable_state().await?;
        state.injector.put(request, self.refresher.clock.now())?;
        Ok(CredentialsVersion(u64::try_from(state.snapshot.connection.version).unwrap_or(0)))
    }
}

fn active_credentials(of: &ConnectionContext, current: CredentialsSnapshot) -> Result<ActiveCredentials, InjectError> {
    let config = &current.connection.config;
    let injector = Injector::new(&of.provider, &of.integration, &current.credentials, config, &of.app)?;
    Ok(ActiveCredentials { snapshot: current, injector })
}

/// The form in which a pipeline takes it.
#[derive(Debug, Clone)]
pub struct RefreshingAuthorizer(pub Arc<RefreshingCredentials>);

impl Authorize for RefreshingAuthorizer {
    fn authorize<'a>(
        &'a self,
        request: &'a mut OutgoingRequest,
    ) -> BoxFuture<'a, Result<CredentialsVersion, AuthError>> {
        Box::pin(self.0.apply(request))
    }

    fn refused(&self, used: CredentialsVersion) -> BoxFuture<'_, Result<bool, AuthError>> {
        let live = &self.0;
        Box::pin(async move {
            let used = i64::try_from(used.0).unwrap_or(i64::MAX);
            let active = live.state();
            if active.snapshot.connection.version != used {
                return Ok(true);
            }
            let current = live.refresh(RefreshReason::Rejected(used)).await?;
            let other = current.connection.version != used;
            if other {
                live.replace(current)?;
            }
            Ok(other)
        })
    }
}
