//! The credentials that a run holds.

use std::sync::Arc;

use super::{Credentials, RefreshError, RefreshingCredentials};

/// Credentials in use: those of a stored connection change meanwhile, those of one that is being validated do not.
#[derive(Debug, Clone)]
pub enum CredentialsSource {
    /// As they were given.
    Static(Credentials),
    /// As they are now.
    Refreshing(Arc<RefreshingCredentials>),
}

impl CredentialsSource {
    /// The credentials, good for a request that is sent now.
    ///
    /// # Errors
    ///
    /// A token is due and cannot be renewed.
    pub async fn current(&self) -> Result<Credentials, RefreshError> {
        match self {
            Self::Static(credentials) => Ok(credentials.clone()),
            Self::Refreshing(refreshing) => refreshing.current().await,
        }
    }

    /// The credentials with a token that was obtained after this call began, where they have one.
    ///
    /// # Errors
    ///
    /// It cannot be obtained.
    pub async fn force_refresh(&self) -> Result<Credentials, RefreshError> {
        match self {
            Self::Static(credentials) => Ok(credentials.clone()),
            Self::Refreshing(refreshing) => refreshing.force_refresh().await.map(|current| current.credentials),
        }
    }
}
