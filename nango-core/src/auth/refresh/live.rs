//! The credentials of a connection in use: always the current ones.

use std::{
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Instant,
};

use super::{Current, FIRST_PAUSE, Holder, RefreshError, Tokens, Why};
use crate::{
    auth::{
        Credentials, InjectError, Injector,
        redaction::{add_secrets, redactor},
    },
    http::{AuthError, Authorize, BoxFuture, Outgoing, Stamp, Url, Watch},
    redact::Redactor,
};

/// Puts the current credentials of a stored connection into requests, and follows their changes: also those that other
/// runs, processes and people make.
#[derive(Debug)]
pub struct Live {
    tokens: Arc<Tokens>,
    of: Arc<Holder>,
    /// Where credentials go: those that come later must go there too.
    base_url: Url,
    state: Mutex<Arc<State>>,
    /// Hides the secrets of every version of the credentials that was in use.
    redactor: Redactor,
    /// Until when a token that still works is used on, although it is due: somebody renews it, or could not.
    quiet: Mutex<Option<Instant>>,
    /// Receives what a renewal waits for.
    watch: OnceLock<Arc<dyn Watch>>,
}

#[derive(Debug)]
struct State {
    current: Current,
    injector: Injector,
}

impl Live {
    /// The credentials of a connection from here on.
    ///
    /// # Errors
    ///
    /// The provider has no place for them, or a value is missing.
    pub fn new(tokens: Arc<Tokens>, of: Arc<Holder>, current: Current) -> Result<Self, InjectError> {
        let base_url = of.base_url(&current.connection.config, &current.credentials)?;
        let redactor = redactor(&current.credentials, &current.connection.config, &of.app);
        let state = Mutex::new(Arc::new(state(&of, current)?));
        Ok(Self { tokens, of, base_url, state, redactor, quiet: Mutex::default(), watch: OnceLock::new() })
    }

    /// Sets who is shown what renewals wait for; the first one stays.
    pub(crate) fn watch(&self, watch: Arc<dyn Watch>) {
        let _ = self.watch.set(watch);
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
        Ok(self.good().await?.current.credentials.clone())
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
    pub async fn forced(&self) -> Result<Current, RefreshError> {
        let current = self.tokens.forced(&self.of).await?;
        self.replace(current.clone())?;
        Ok(current)
    }

    fn state(&self) -> Arc<State> {
        Arc::clone(&self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn replace(&self, current: Current) -> Result<Arc<State>, RefreshError> {
        let setup = |reason: String| RefreshError::Setup { of: self.of.name(), reason };
        // Somebody may have changed the configuration, and with it the host: new credentials are not for the old one.
        add_secrets(&self.redactor, &current.credentials, &current.connection.config, &self.of.app);
        let leads = self.of.base_url(&current.connection.config, &current.credentials);
        let leads = leads.map_err(|error| setup(error.to_string()))?;
        if leads.origin() != self.base_url.origin() {
            return Err(setup("its configuration leads to another host since the run began: run again".to_owned()));
        }
        let next = Arc::new(state(&self.of, current).map_err(|error| setup(error.to_string()))?);
        let mut held = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // Two callers may bring two versions, the later one first.
        let same = next.current.connection.row == held.current.connection.row;
        if !same || next.current.connection.version >= held.current.connection.version {
            *held = Arc::clone(&next);
        }
        Ok(Arc::clone(&held))
    }

    /// The current state, its token renewed if that is due.
    async fn good(self: &Arc<Self>) -> Result<Arc<State>, RefreshError> {
        let state = self.state();
        if !self.tokens.is_due(&state.current) {
            return Ok(state);
        }
        if self.tokens.still_good(&state.current) {
            self.renew_beside(&state);
            return Ok(state);
        }
        let current = self.renew(Why::Ends(state.current.connection.version)).await?;
        self.replace(current)
    }

    async fn renew(&self, why: Why) -> Result<Current, RefreshError> {
        self.tokens.renew(&self.of, why, self.watch.get().cloned()).await
    }

    /// Renews a token that still works while requests go on with it: a provider that hangs delays nobody.
    fn renew_beside(self: &Arc<Self>, state: &State) {
        let now = Instant::now();
        let mut quiet = self.quiet.lock().unwrap_or_else(PoisonError::into_inner);
        if quiet.is_some_and(|until| until > now) {
            return;
        }
        *quiet = Some(now + FIRST_PAUSE);
        drop(quiet);
        let (live, version) = (Arc::clone(self), state.current.connection.version);
        // What fails is kept with the connection, and asked again when the pause is over or the token has ended.
        tokio::spawn(async move {
            if let Ok(current) = live.tokens.renew(&live.of, Why::Ends(version), None).await {
                let _ = live.replace(current);
                *live.quiet.lock().unwrap_or_else(PoisonError::into_inner) = None;
            }
        });
    }

    async fn put(self: &Arc<Self>, request: &mut Outgoing) -> Result<Stamp, AuthError> {
        let state = self.good().await?;
        state.injector.put(request, self.tokens.clock.now())?;
        Ok(Stamp(u64::try_from(state.current.connection.version).unwrap_or(0)))
    }
}

fn state(of: &Holder, current: Current) -> Result<State, InjectError> {
    let config = &current.connection.config;
    let injector = Injector::new(&of.provider, &of.integration, &current.credentials, config, &of.app)?;
    Ok(State { current, injector })
}

/// The form in which a pipeline takes it.
#[derive(Debug, Clone)]
pub struct Following(pub Arc<Live>);

impl Authorize for Following {
    fn authorize<'a>(&'a self, request: &'a mut Outgoing) -> BoxFuture<'a, Result<Stamp, AuthError>> {
        Box::pin(self.0.put(request))
    }

    fn refused(&self, used: Stamp) -> BoxFuture<'_, Result<bool, AuthError>> {
        let live = &self.0;
        Box::pin(async move {
            let used = i64::try_from(used.0).unwrap_or(i64::MAX);
            let held = live.state();
            if held.current.connection.version != used {
                return Ok(true);
            }
            let current = live.renew(Why::Refused(used)).await?;
            let other = current.connection.version != used;
            if other {
                live.replace(current)?;
            }
            Ok(other)
        })
    }
}
