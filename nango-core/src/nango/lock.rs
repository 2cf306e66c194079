//! Named locks, for operations that two functions must not perform at the same time.

use std::time::Duration;

use super::Nango;
use crate::{error::Result, store::StoreError};

impl Nango {
    /// Acquires a lock for at most `ttl`. Returns `None` if another run has it. Locks of a run are released when it
    /// ends.
    pub async fn try_lock(&self, key: &str, ttl: Duration) -> Result<Option<LockGuard>> {
        let context = self.active_context()?;
        let acquired =
            context.store.try_lock(&context.token().await?, key, ttl).await.map_err(StoreError::into_error)?;
        Ok(acquired.then(|| LockGuard { nango: self.clone(), key: key.to_owned(), armed: true }))
    }
}

/// Guard of an acquired lock. Dropping it releases the lock in the background, [`release`](Self::release) waits for it.
#[derive(Debug)]
#[must_use = "a lock is released when its guard is dropped"]
pub struct LockGuard {
    nango: Nango,
    key: String,
    armed: bool,
}

impl LockGuard {
    /// Extends the lock to `ttl` from now. Returns `false` if it had expired and another run has it.
    pub async fn extend(&self, ttl: Duration) -> Result<bool> {
        let context = self.nango.context();
        context.store.try_lock(&context.token().await?, &self.key, ttl).await.map_err(StoreError::into_error)
    }

    /// Releases the lock and waits for the database.
    pub async fn release(mut self) -> Result<()> {
        self.armed = false;
        let context = self.nango.context();
        context.store.unlock(&context.token().await?, &self.key).await.map_err(StoreError::into_error)?;
        Ok(())
    }
}

impl Drop for LockGuard {
    fn drop(&mut self) {
        // Without a Tokio runtime, the lock is released when its run ends or when it expires.
        if self.armed
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let (context, key) = (self.nango.context().clone(), std::mem::take(&mut self.key));
            runtime.spawn(async move {
                let unlocked = context.store.unlock(&context.token().await?, &key).await;
                unlocked.map_err(StoreError::into_error)
            });
        }
    }
}
