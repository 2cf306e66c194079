//! The credentials of a connection in use: always the current ones.

use std::sync::{Arc, Mutex, PoisonError};

use super::{Current, Holder, RefreshError, Tokens, Why};
use crate::{
    auth::{Credentials, InjectError, Injector},
    http::{AuthError, Authorize, BoxFuture, Outgoing, Stamp},
};

/// Puts the current credentials of a stored connection into requests, and follows their changes: also those that other
/// runs, processes and people make.
#[derive(Debug)]
pub struct Live {
    tokens: Arc<Tokens>,
    of: Arc<Holder>,
    state: Mutex<Arc<State>>,
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
        let state = Mutex::new(Arc::new(state(&of, current)?));
        Ok(Self { tokens, of, state })
    }

    /// The credentials, good for a request that is sent now.
    ///
    /// # Errors
    ///
    /// A token is due and cannot be renewed.
    pub async fn current(&self) -> Result<Credentials, RefreshError> {
        Ok(self.good().await?.current.credentials.clone())
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
        let next = state(&self.of, current)
            .map_err(|error| RefreshError::Setup { of: self.of.name(), reason: error.to_string() })?;
        let next = Arc::new(next);
        let mut held = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // Two callers may bring two versions, the later one first.
        if next.current.connection.version >= held.current.connection.version {
            *held = Arc::clone(&next);
        }
        Ok(Arc::clone(&held))
    }

    /// The current state, its token renewed if that is due.
    async fn good(&self) -> Result<Arc<State>, RefreshError> {
        let state = self.state();
        if !self.tokens.is_due(&state.current) {
            return Ok(state);
        }
        match self.tokens.renew(&self.of, Why::Ends(state.current.connection.version)).await {
            Ok(current) => self.replace(current),
            // A renewal comes early, so that it may fail for a while.
            Err(_) if self.tokens.still_good(&state.current) => Ok(state),
            Err(error) => Err(error),
        }
    }

    async fn put(&self, request: &mut Outgoing) -> Result<Stamp, AuthError> {
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

impl Authorize for Live {
    fn authorize<'a>(&'a self, request: &'a mut Outgoing) -> BoxFuture<'a, Result<Stamp, AuthError>> {
        Box::pin(self.put(request))
    }

    fn refused(&self, used: Stamp) -> BoxFuture<'_, Result<bool, AuthError>> {
        Box::pin(async move {
            let used = i64::try_from(used.0).unwrap_or(i64::MAX);
            let held = self.state();
            if held.current.connection.version != used {
                return Ok(true);
            }
            let current = self.tokens.renew(&self.of, Why::Refused(used)).await?;
            let other = current.connection.version != used;
            if other {
                self.replace(current)?;
            }
            Ok(other)
        })
    }
}
