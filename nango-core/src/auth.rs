//! Credentials of connections: formats, encryption, injection into requests, token requests and token refresh.
//!
//! [`Credentials`] are read from JSON and stored encrypted by the [`KeyRing`]. An [`Injector`] adds one version of them
//! to the requests of a connection. [`obtain_token`] requests a token from the provider. [`TokenRefresher`] does so
//! when a token is due, once for all callers that wait for it, and [`RefreshingAuthorizer`] always uses the newest
//! version.
//!
//! Invariant: a secret leaves this module only inside a request, inside a sealed blob, or through
//! [`Credentials::to_json`] when the user requested to see it.

#[allow(dead_code, unused_imports, reason = "the server uses it from its first version on")]
mod api_key;
mod app;
mod credentials;
mod credentials_source;
mod inject;
mod keyring;
mod obtain;
mod redaction;
mod refresh;
mod secret;

pub(crate) use crate::provider::AuthMode;
#[allow(unused_imports, reason = "the server uses it from its first version on")]
pub(crate) use api_key::{Caller, Scope, Scopes, UnknownScope};
pub(crate) use app::App;
pub use credentials::Credentials;
pub(crate) use credentials::{CredentialError, ObtainedToken};
pub(crate) use credentials_source::CredentialsSource;
pub(crate) use inject::{InjectError, Injector, StaticAuthorizer};
pub(crate) use keyring::KeyError;
pub use keyring::KeyRing;
pub(crate) use obtain::{ObtainError, TokenContext};
pub(crate) use redaction::redactor;
pub(crate) use refresh::refresh_at;
pub(crate) use refresh::{
    ConnectionContext, CredentialsSnapshot, RefreshError, RefreshingAuthorizer, RefreshingCredentials, TokenRefresher,
};
pub(crate) use secret::Secret;
