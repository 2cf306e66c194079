//! One outbound pipeline: every request of the house goes through here.
//!
//! [`Client`] belongs to one connection and one run. It joins a [`Call`] to the connection's base URL, has it
//! authorised, sends it through the [`Transport`], follows redirects, tries again where that is safe, and gives back a
//! [`Response`] or an [`HttpError`]. The transport and the [`Clock`] are doors: the real ones are [`Network`] and
//! [`SystemClock`], and tests and recordings put others in their place.
//!
//! Must stay true:
//! - Credentials and the integration's own headers go to the origin of the base URL and nowhere else, whatever an
//!   answer links or redirects to; only a provider whose entry says so takes them along with its redirects.
//! - No secret is in a `Debug`, an error or a description ([`Sent`]).
//! - A request that may have had an effect is sent again only if its method allows it, or its caller said so.
//! - An answer's body is bounded in memory, unless it is streamed.
//! - Only addresses that the [`Policy`] lets through are dialled.

mod attempt;
mod authorize;
mod body;
mod body_error;
mod client;
mod clock;
mod coding;
mod date;
mod egress;
mod endpoint;
mod error;
#[cfg(test)]
pub(crate) mod mock;
mod network;
mod parts;
mod quota;
mod rate_limit;
mod rate_limit_headers;
mod redact;
mod request;
mod response;
mod retry;
mod reuse;
mod time_spec;
mod transport;

pub use authorize::{AuthError, Authorize, CredentialsVersion, NoAuth};
pub use body::{Body, Part, Payload, StreamBody};
pub use body_error::BodyError;
pub use client::Client;
pub use clock::{Clock, SystemClock};
pub use date::parse_http_date;
pub use egress::{EgressDenied, EgressPolicy, HostPattern, ParseHostPatternError};
pub use error::HttpError;
pub use network::{NetworkSettings, NetworkTransport};
pub use parts::ClientParts;
pub use quota::{ClientQuota, WaitObserver};
pub use rate_limit::{Priority, RateLimiter, RateLimiters};
pub use redact::RedactedRequest;
pub(crate) use redact::redacted_url;
pub use request::{OutgoingRequest, RequestSpec};
pub use response::{Response, StreamingResponse};
pub use transport::{RawResponse, Transport, TransportError};

pub use futures_util::future::BoxFuture;
pub use reqwest::{
    Method,
    header::{HeaderMap, HeaderName, HeaderValue},
};
pub use url::Url;
