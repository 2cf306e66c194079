//! API keys of the HTTP API: their scopes, and the caller that a request with a key has.

#[cfg(feature = "server")]
mod caller;
#[cfg(feature = "server")]
mod key_cache;
mod scope;
mod scopes;
mod text;

#[cfg(feature = "server")]
pub(crate) use caller::Caller;
#[cfg(feature = "server")]
pub(crate) use key_cache::{AuthenticationError, KeyCache, key_of_header};
pub(crate) use scope::Scope;
pub(crate) use scopes::Scopes;
pub(crate) use text::{API_KEY_PREFIX, check_given_key, hash_key, random_text};
