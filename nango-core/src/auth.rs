//! Credentials: their shapes, how they are kept, how they get into a request.
//!
//! [`Credentials`] come in as JSON and are stored sealed by the [`KeyRing`]; an [`Injector`] puts them into the requests
//! of one connection. What obtains and refreshes tokens joins later as further implementations of
//! [`Authorize`](crate::http::Authorize).
//!
//! Must stay true: a secret leaves this room only inside a request, inside a sealed blob, or by
//! [`Credentials::to_json`] where the person asked to see it.

mod credentials;
mod inject;
mod keyring;
mod secret;

pub use crate::provider::{AuthMode, UnknownMode};
pub use credentials::{CredentialError, Credentials};
pub use inject::{InjectError, Injector};
pub use keyring::{KeyError, KeyRing};
pub use secret::Secret;
