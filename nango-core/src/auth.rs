//! Credentials: their shapes, how they are kept, how they get into a request, how tokens are obtained and renewed.
//!
//! [`Credentials`] come in as JSON and are stored sealed by the [`KeyRing`]. An [`Injector`] puts one version of them into
//! the requests of a connection. [`obtain`] asks the provider for a token; [`Tokens`] does so when one is due, once for
//! everybody who waits for it, and [`Live`] is the [`Authorize`](crate::http::Authorize) that follows the changes.
//!
//! Must stay true: a secret leaves this room only inside a request, inside a sealed blob, or by
//! [`Credentials::to_json`] where the person asked to see it.

mod app;
mod credentials;
mod held;
mod inject;
mod keyring;
mod moment;
mod obtain;
mod redaction;
mod refresh;
mod secret;

pub use crate::provider::{AuthMode, UnknownMode};
pub use app::App;
pub use credentials::{CredentialError, Credentials, Obtained};
pub use held::Held;
pub use inject::{Fixed, InjectError, Injector};
pub use keyring::{KeyError, KeyRing};
pub use obtain::{ObtainError, Subject, obtain};
pub(crate) use redaction::redactor;
pub(crate) use refresh::renew_at;
pub use refresh::{Current, Following, Holder, Live, RefreshError, Tokens};
pub use secret::Secret;
