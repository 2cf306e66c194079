//! Authentication of requests to the HTTP API by their key.
//!
//! Invariants:
//! - A key that was revoked in the database is refused after [`CACHE_TIME`] by every process. Only accepted keys are
//!   cached; a refused one is looked up each time.
//! - Unknown, revoked and expired keys are refused with one error, after the same steps: a look-up by hash, and a
//!   comparison in constant time. A text that no created key has is refused without a look-up, which reveals nothing:
//!   the form of keys is public.
//! - No failure and no log contains a key.
//!
//! Failed attempts are not limited: keys have 256 bits, an attempt costs one read by index, and the address is that of
//! the proxy, so that a limit would refuse all callers behind it.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use uuid::Uuid;

use super::{
    caller::Caller,
    scopes::Scopes,
    text::{hash_key, is_created_key},
};
use crate::{
    auth::Secret,
    store::{ApiKey, SharedStore, StoreError},
    time::{Clock, Timestamp},
};

/// Time for which an accepted key is not looked up again.
const CACHE_TIME: Duration = Duration::from_secs(1);
/// Shortest time between two writes of the last use of a key.
const USE_INTERVAL: Duration = Duration::from_mins(1);
/// Length of the longest text that is hashed. Longer ones are no key.
const MAX_KEY_BYTES: usize = 4096;
const SCHEME: &str = "bearer ";

/// Keys of a database, and the one of the environment.
pub(crate) struct KeyCache {
    store: SharedStore,
    clock: Arc<dyn Clock>,
    /// Hash of the key that the environment sets. It has all scopes.
    chosen: Option<[u8; 32]>,
    /// Accepted keys by hash.
    accepted: Mutex<HashMap<[u8; 32], Accepted>>,
}

/// An accepted key and its last look-up.
struct Accepted {
    caller: Caller,
    expires_at: Option<Timestamp>,
    /// Time before the look-up.
    read_at: Instant,
    /// Time of the last use that was written.
    written_at: Option<Instant>,
}

/// Reason why a request has no caller.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuthenticationError {
    /// The request has no `Authorization` header.
    #[error("the request has no `Authorization` header; send `Authorization: Bearer <API key>`")]
    Missing,
    /// The header contains no key, or there is more than one header.
    #[error("the `Authorization` header is malformed; send it once, as `Authorization: Bearer <API key>`")]
    Malformed,
    /// The key is unknown, revoked or expired.
    #[error("the API key is not accepted: it is unknown, revoked or expired")]
    Refused,
    /// The database failed.
    #[error("the API key could not be checked")]
    Store(#[source] StoreError),
}

impl KeyCache {
    /// Creates an empty cache. `chosen` is a key with all scopes that is not in the database.
    pub(crate) fn new(store: SharedStore, clock: Arc<dyn Clock>, chosen: Option<&Secret>) -> Self {
        let chosen = chosen.map(|key| hash_key(key.expose()));
        Self { store, clock, chosen, accepted: Mutex::new(HashMap::new()) }
    }

    /// Returns the caller of a request with these `Authorization` headers. As with Nango, the scheme `Bearer` may be
    /// omitted.
    ///
    /// # Errors
    ///
    /// Fails if the key is missing, malformed or not accepted, or if the database fails.
    pub(crate) async fn authenticate<'h>(
        &self,
        headers: impl IntoIterator<Item = &'h [u8]>,
    ) -> Result<Caller, AuthenticationError> {
        let mut headers = headers.into_iter();
        let header = headers.next().ok_or(AuthenticationError::Missing)?;
        let key = std::str::from_utf8(header).ok().and_then(key_of_header).ok_or(AuthenticationError::Malformed)?;
        if headers.next().is_some() {
            return Err(AuthenticationError::Malformed);
        }
        self.caller_of(key).await
    }

    async fn caller_of(&self, key: &str) -> Result<Caller, AuthenticationError> {
        if key.len() > MAX_KEY_BYTES {
            return Err(AuthenticationError::Refused);
        }
        let hash = hash_key(key);
        let chosen = self.chosen.filter(|chosen| is_equal(chosen, &hash)).map(|_| caller_with_all_scopes());
        // A created key in the environment has the permissions that the database states, if it is there.
        if !is_created_key(key) {
            return chosen.ok_or(AuthenticationError::Refused);
        }
        let now = self.clock.instant();
        if let Some(caller) = self.cached(&hash, now) {
            return Ok(caller);
        }
        let found = self.store.api_key_by_hash(hash).await.map_err(AuthenticationError::Store)?;
        let exists = found.is_some();
        let active =
            found.filter(|found| is_equal(&found.hash, &hash)).filter(|found| found.is_active(self.store.now()));
        if let Some(found) = active {
            return Ok(self.accept(found, now));
        }
        self.lock().remove(&hash);
        chosen.filter(|_| !exists).ok_or(AuthenticationError::Refused)
    }

    /// Returns the caller of a key that was looked up within [`CACHE_TIME`].
    fn cached(&self, hash: &[u8; 32], now: Instant) -> Option<Caller> {
        let mut accepted = self.lock();
        let known = accepted.get_mut(hash)?;
        let is_fresh = now.saturating_duration_since(known.read_at) < CACHE_TIME;
        if !is_fresh || known.expires_at.is_some_and(|end| end <= self.store.now()) {
            return None;
        }
        self.write_use(known, now);
        Some(known.caller.clone())
    }

    fn accept(&self, found: ApiKey, now: Instant) -> Caller {
        let caller = Caller {
            key: found.id,
            scopes: Arc::new(Scopes::stored(found.scopes)),
            integrations: found.integrations.map(Arc::from),
        };
        let mut accepted = self.lock();
        let written_at = accepted.get(&found.hash).and_then(|known| known.written_at);
        let mut known = Accepted { caller: caller.clone(), expires_at: found.expires_at, read_at: now, written_at };
        self.write_use(&mut known, now);
        accepted.insert(found.hash, known);
        caller
    }

    /// Writes the use of a key in the background, at most once a minute. A failure only makes the stored time older.
    fn write_use(&self, known: &mut Accepted, now: Instant) {
        if known.written_at.is_some_and(|at| now.saturating_duration_since(at) < USE_INTERVAL) {
            return;
        }
        known.written_at = Some(now);
        let (store, key) = (Arc::clone(&self.store), known.caller.key);
        tokio::spawn(async move {
            if let Err(error) = store.touch_api_key(key).await {
                tracing::debug!(%key, %error, "the use of an API key was not stored");
            }
        });
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<[u8; 32], Accepted>> {
        self.accepted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for KeyCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyCache").field("accepted", &self.lock().len()).finish_non_exhaustive()
    }
}

/// Returns the key of an `Authorization` header, or `None` if it contains none.
pub(crate) fn key_of_header(header: &str) -> Option<&str> {
    let header = header.trim();
    let key = match header.split_at_checked(SCHEME.len()) {
        Some((scheme, key)) if scheme.eq_ignore_ascii_case(SCHEME) => key.trim(),
        _ => header,
    };
    let is_key =
        !key.is_empty() && !key.eq_ignore_ascii_case(SCHEME.trim()) && key.bytes().all(|c| c.is_ascii_graphic());
    is_key.then_some(key)
}

/// Compares hashes in constant time.
fn is_equal(one: &[u8; 32], other: &[u8; 32]) -> bool {
    blake3::Hash::from(*one) == blake3::Hash::from(*other)
}

fn caller_with_all_scopes() -> Caller {
    Caller { key: Uuid::nil(), scopes: Arc::new(Scopes::all()), integrations: None }
}

#[cfg(test)]
mod tests;
