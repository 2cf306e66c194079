//! Credentials of connections: formats, encryption, injection into requests, token requests and token refresh.
//!
//! [`Credentials`] are read from JSON and stored encrypted by the [`KeyRing`]. An [`Injector`] adds one version of them
//! to the requests of a connection. [`obtain_token`] requests a token from the provider. [`TokenRefresher`] does so
//! when a token is due, once for all callers that wait for it, and [`RefreshingAuthorizer`] always uses the newest
//! version.
//!
//! [`KeyCache`] finds the [`Caller`] of a request to the HTTP API by its key. [`signing_key`] is the key of webhooks.
//!
//! Invariant: a secret leaves this module only inside a request, inside a sealed blob, or through
//! [`Credentials::to_json`] when the user requested to see it.

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
mod signing_key;

pub(crate) use crate::provider::AuthMode;
pub(crate) use api_key::{API_KEY_PREFIX, Scope, Scopes, check_given_key, hash_key, random_text};
#[cfg(feature = "server")]
pub(crate) use api_key::{AuthenticationError, Caller, KeyCache, key_of_header};
pub(crate) use app::App;
pub use credentials::Credentials;
pub(crate) use credentials::{CredentialError, ObtainedToken};
pub(crate) use credentials_source::CredentialsSource;
pub(crate) use inject::{InjectError, Injector, StaticAuthorizer};
pub(crate) use keyring::KeyError;
pub use keyring::KeyRing;
pub(crate) use obtain::{ObtainError, TokenContext};
pub(crate) use redaction::redactor;
#[cfg(feature = "server")]
pub(crate) use refresh::CredentialsSnapshot;
pub(crate) use refresh::refresh_at;
pub(crate) use refresh::{
    ConnectionContext, RefreshError, RefreshingAuthorizer, RefreshingCredentials, TokenRefresher,
};
pub(crate) use secret::Secret;
pub(crate) use signing_key::{replace_signing_key, signing_key};
