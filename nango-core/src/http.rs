//! Outbound HTTP client: the single path of every request that this process sends.
//!
//! A [`Client`] belongs to one connection and one run. It joins a [`RequestSpec`] to the connection's base URL, adds
//! credentials, sends the request through the [`Transport`], follows redirects, retries where that is safe, and returns
//! a [`Response`] or an [`HttpError`]. [`Transport`] and [`Clock`] are extension points: production code uses
//! [`NetworkTransport`] and [`SystemClock`]; tests and recordings use their own implementations.
//!
//! Invariants:
//! - Credentials and the integration's own headers are sent only to the origin of the base URL and to the trusted
//!   origins of the integration, whatever a response links or redirects to. The exception is a provider whose entry
//!   forwards headers: its redirects keep them.
//! - `Debug` output, errors and descriptions ([`RedactedRequest`]) contain no secret.
//! - A request that may have had a side effect is resent only if its method is idempotent or the caller listed the
//!   status.
//! - The body of a response is bounded in memory, unless it is streamed.
//! - Connections are opened only to addresses that the [`EgressPolicy`] allows.

mod attempt;
mod authorize;
mod body;
mod body_error;
mod cancellation;
mod client;
mod client_state;
mod coding;
mod egress;
mod endpoint;
mod endpoint_error;
mod error;
mod limit_wait;
#[cfg(test)]
pub(crate) mod mock;
mod network;
mod parts;
mod quota;
mod rate_limit;
mod rate_limit_headers;
mod redact;
mod redacted_failure;
mod request;
mod response;
mod retry;
mod reuse;
mod transport;
mod transport_error;

pub use crate::time::{Clock, Entropy, SystemClock};
pub(crate) use authorize::NoAuth;
pub use authorize::{AuthError, Authorize, CredentialsVersion};
pub use body::Part;
pub(crate) use body::{Body, Payload, StreamBody};
pub(crate) use body_error::BodyError;
pub use client::Client;
pub use egress::EgressPolicy;
pub(crate) use egress::{EgressDenied, HostPattern, is_local_url};
pub use error::HttpError;
pub use futures_util::future::BoxFuture;
pub use network::{NetworkSettings, NetworkTransport};
pub use parts::ClientParts;
pub use quota::ClientQuota;
pub(crate) use quota::WaitObserver;
pub(crate) use rate_limit::RateLimiter;
pub use rate_limit::{Priority, RateLimiters};
pub use redact::RedactedRequest;
pub(crate) use redact::{redacted_url, request_secrets};
pub use request::{OutgoingRequest, RequestSpec};
pub use reqwest::Method;
pub use reqwest::header::{HeaderMap, HeaderValue};
pub(crate) use response::{Response, StreamingResponse};
pub use transport::{RawResponse, Transport};
pub use transport_error::TransportError;
pub use url::Url;
