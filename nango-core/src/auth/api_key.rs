//! API keys of the HTTP API: their scopes, and the caller that a request with a key has.

mod caller;
mod scope;
mod scopes;

pub(crate) use caller::Caller;
pub(crate) use scope::Scope;
pub(crate) use scopes::{Scopes, UnknownScope};
