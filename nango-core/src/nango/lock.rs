//! Named locks, for what two functions must not do at the same time.

use std::time::Duration;

use super::{Nango, context::store_error};
use crate::error::Result;

impl Nango {
    /// Takes a lock for at most `ttl`; `None`: another run holds it. Locks of a run end with it.
    pub async fn try_lock(&self, key: &str, ttl: Duration) -> Result<Option<LockGuard>> {
        let context = self.context();
        context.check()?;
        let acquired = context.store.try_lock(&context.token, key, ttl).await.map_err(store_error)?;
        Ok(acquired.then(|| LockGuard { nango: self.clone(), key: key.to_owned(), armed: true }))
    }
}

/// A lock that is held; dropping it gives it back soon, [`release`](Self::release) at once.
#[derive(Debug)]
#[must_use = "a lock that is dropped is given back"]
pub struct LockGuard {
    nango: Nango,
    key: String,
    armed: bool,
}

impl LockGuard {
    /// Extends it to `ttl` from now; `false`: it had ended and another run holds it.
    pub async fn extend(&self, ttl: Duration) -> Result<bool> {
        let context = self.nango.context();
        context.store.try_lock(&context.token, &self.key, ttl).await.map_err(store_error)
    }

    /// Gives it back.
    pub async fn release(mut self) -> Result<()> {
        self.armed = false;
        let context = self.nango.context();
        context.store.unlock(&context.token, &self.key).await.map_err(store_error)?;
        Ok(())
    }
}

impl Drop for LockGuard {
    fn drop(&mut self) {
        // Without a runtime the lock simply ends with its run or its time.
        if self.armed
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let (context, key) = (self.nango.context().clone(), std::mem::take(&mut self.key));
            runtime.spawn(async move { context.store.unlock(&context.token, &key).await });
        }
    }
}
