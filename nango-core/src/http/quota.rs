//! A client's share of a rate limit.

use std::{fmt::Debug, sync::Arc};

use super::{Priority, RateLimiter};

/// A client's share of a rate limit.
#[derive(Debug, Clone)]
pub struct ClientQuota {
    /// The rate limiter, shared with other clients.
    pub rate_limiter: Arc<RateLimiter>,
    /// The connection; connections that share a rate limiter are served in turn.
    pub connection: String,
    /// Priority of the client's requests.
    pub priority: Priority,
}

/// Observer of the waits for rate limits.
pub trait WaitObserver: Send + Sync + Debug {
    /// Called when a wait begins, with a message such as `waiting 12 s for GitHub's rate limit`.
    fn on_wait(&self, message: &str);
}
