//! Credentials: their shapes, how they are kept, how they get into a request, how tokens are obtained and renewed.
//!
//! [`Credentials`] come in as JSON and are stored sealed by the [`KeyRing`]. An [`Injector`] puts one version of them into
//! the requests of a connection. [`obtain`] asks the provider for a token; [`Tokens`] does so when one is due, once for
//! everybody who waits for it, and [`RefreshingCredentials`] is the [`Authorize`](crate::http::Authorize) that follows the changes.
//!
//! Must stay true: a secret leaves this room only inside a request, inside a sealed blob, or by
//! [`Credentials::to_json`] where the person asked to see it.

mod app;
mod credentials;
mod credentials_source;
mod inject;
mod keyring;
mod obtain;
mod redaction;
mod refresh;
mod secret;
mod time_values;

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
    ConnectionContext, CredentialsSnapshot, RefreshError, RefreshingAuthorizer, RefreshingCredentials, TokenRefresher,
};
pub use secret::Secret;
