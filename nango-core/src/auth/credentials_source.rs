//! Source of the credentials of a run: a stored connection, whose token may change during the run, or fixed ones.

use std::sync::Arc;

use super::{Credentials, RefreshError, RefreshingCredentials};

/// Credentials in use. Those of a stored connection may change during a run; those of a connection under validation do
/// not.
#[derive(Debug, Clone)]
pub(crate) enum CredentialsSource {
    /// Fixed credentials, returned as given.
    Static(Credentials),
    /// Credentials of a stored connection, refreshed when due.
    Refreshing(Arc<RefreshingCredentials>),
}

impl CredentialsSource {
    /// Returns credentials that are valid now.
    ///
    /// # Errors
    ///
    /// Fails if the token has expired and cannot be refreshed.
    pub(crate) async fn current(&self) -> Result<Credentials, RefreshError> {
        match self {
            Self::Static(credentials) => Ok(credentials.clone()),
            Self::Refreshing(refreshing) => refreshing.current().await,
        }
    }

    /// Returns the credentials as they were loaded or last refreshed, without a refresh.
    pub(crate) fn loaded(&self) -> Credentials {
        match self {
            Self::Static(credentials) => credentials.clone(),
            Self::Refreshing(refreshing) => refreshing.loaded(),
        }
    }

    /// Returns the credentials with a token that was issued after this call started. Static credentials are returned
    /// unchanged.
    ///
    /// # Errors
    ///
    /// Fails if no token can be obtained.
    pub(crate) async fn force_refresh(&self) -> Result<Credentials, RefreshError> {
        match self {
            Self::Static(credentials) => Ok(credentials.clone()),
            Self::Refreshing(refreshing) => refreshing.force_refresh().await.map(|current| current.credentials),
        }
    }
}
