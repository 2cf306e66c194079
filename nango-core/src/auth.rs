//! Credentials of connections: formats, encryption, injection into requests, token requests and token refresh.
//!
//! [`Credentials`] are read from JSON and stored encrypted by the [`KeyRing`]. An [`Injector`] adds one version of them
//! to the requests of a connection. [`obtain_token`] requests a token from the provider. [`TokenRefresher`] does so
//! when a token is due, once for all callers that wait for it, and [`RefreshingAuthorizer`] always uses the newest
//! version.
//!
//! Invariant: a secret leaves this module only inside a request, inside a sealed blob, or through
//! [`Credentials::to_json`] when the user requested to see it.

mod app;
mod credentials;
mod credentials_source;
mod inject;
mod keyring;
mod obtain;
mod redaction;
mod refresh;
mod secret;

pub use crate::provider::{AuthMode, UnknownAuthMode};
pub use app::App;
pub use credentials::{CredentialError, Credentials, ObtainedToken};
pub use credentials_source::CredentialsSource;
pub use inject::{InjectError, Injector, StaticAuthorizer};
pub use keyring::{KeyError, KeyRing};
pub use obtain::{ObtainError, TokenContext, obtain_token};
pub(crate) use redaction::redactor;
pub(crate) use refresh::renew_at;
pub use refresh::{
    ConnectionContext, CredentialsSnapshot, RefreshError, RefreshingAuthorizer, RefreshingCredentials, SetupError,
    TokenRefresher,
};
pub use secret::Secret;
