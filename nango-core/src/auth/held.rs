//! The credentials that a run holds.

use std::sync::Arc;

use super::{Credentials, Live, RefreshError};

/// Credentials in use: those of a stored connection change meanwhile, those of one that is being validated do not.
#[derive(Debug, Clone)]
pub enum Held {
    /// As they were given.
    Fixed(Credentials),
    /// As they are now.
    Live(Arc<Live>),
}

impl Held {
    /// The credentials, good for a request that is sent now.
    ///
    /// # Errors
    ///
    /// A token is due and cannot be renewed.
    pub async fn current(&self) -> Result<Credentials, RefreshError> {
        match self {
            Self::Fixed(credentials) => Ok(credentials.clone()),
            Self::Live(live) => live.current().await,
        }
    }

    /// The credentials with a token that was obtained after this call began, where they have one.
    ///
    /// # Errors
    ///
    /// It cannot be obtained.
    pub async fn forced(&self) -> Result<Credentials, RefreshError> {
        match self {
            Self::Fixed(credentials) => Ok(credentials.clone()),
            Self::Live(live) => live.forced().await.map(|current| current.credentials),
        }
    }
}
