//! Network transport: reqwest over rustls.
//!
//! The proxies of the environment are used: `HTTPS_PROXY` and `HTTP_PROXY` by the scheme of the request, `ALL_PROXY`
//! for both, `NO_PROXY` for hosts that are reached directly (lower-case names are read as well). A proxy resolves names
//! itself, so that the [`EgressPolicy`] checks host names and literal addresses only. Redirects are disabled here: the
//! client follows them.

use std::{
    collections::BTreeSet,
    error::Error as StdError,
    fmt, io,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use futures_util::{StreamExt, TryStreamExt, future::BoxFuture};
use reqwest::{dns::Resolve, redirect};
use url::Url;

use super::{
    EgressDenied, EgressPolicy, OutgoingRequest, RawResponse, Transport, TransportError, coding,
    egress::{self, PolicyResolver},
    reuse,
};

/// Limit of the response headers over HTTP/2, in bytes. The library's default of 16 KB is less than some APIs send.
const MAX_HEADER_BYTES: u32 = 256 << 10;

/// Timeouts and egress policy of the network transport.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct NetworkSettings {
    /// Timeout of name resolution, connection and TLS handshake together. Default 10 s.
    pub connect_timeout: Duration,
    /// Idle timeout: the longest time without data, before or within the response. Default 60 s.
    pub idle_timeout: Duration,
    /// Hosts and addresses that may be reached. Default: public addresses only.
    pub policy: Arc<EgressPolicy>,
}

impl Default for NetworkSettings {
    fn default() -> Self {
        Self { connect_timeout: Duration::from_secs(10), idle_timeout: Duration::from_mins(1), policy: Arc::default() }
    }
}

/// The transport over the network. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct NetworkTransport {
    client: reqwest::Client,
    /// Client for the hosts and ports that the operator configured for an integration; these may be private.
    exception_client: Arc<OnceLock<reqwest::Client>>,
    factory: Arc<dyn BuildClient>,
}

impl NetworkTransport {
    /// Creates a transport with the default settings.
    ///
    /// # Errors
    ///
    /// Fails if the TLS library finds no root certificates, or the environment names an invalid proxy.
    pub fn new() -> Result<Self, TransportError> {
        Self::with_settings(NetworkSettings::default())
    }

    /// Creates a transport with these settings.
    ///
    /// # Errors
    ///
    /// Fails like [`NetworkTransport::new`].
    pub fn with_settings(settings: NetworkSettings) -> Result<Self, TransportError> {
        Self::with_resolver(settings, egress::SystemResolver)
    }

    fn with_resolver(settings: NetworkSettings, inner: impl Resolve + Clone + 'static) -> Result<Self, TransportError> {
        // An error means that the process already has a provider, which is used then.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let factory = Arc::new(ClientFactory { proxies: environment_proxies(), resolver: inner, settings });
        let client = factory.build_client(false)?;
        Ok(Self { client, exception_client: Arc::default(), factory })
    }

    /// Returns the client for hosts and ports that the operator configured for an integration. It is created on first
    /// use, because creating it takes as long as a whole short command.
    fn exception_client(&self) -> Result<&reqwest::Client, TransportError> {
        if let Some(client) = self.exception_client.get() {
            return Ok(client);
        }
        let client = self.factory.build_client(true)?;
        Ok(self.exception_client.get_or_init(|| client))
    }
}

/// Settings from which the two clients are built.
struct ClientFactory<R> {
    settings: NetworkSettings,
    /// Hosts of the proxies that the environment names.
    proxies: BTreeSet<String>,
    resolver: R,
}

/// Builds clients; hides the resolver's type of [`ClientFactory`].
trait BuildClient: Send + Sync {
    fn build_client(&self, exception: bool) -> Result<reqwest::Client, TransportError>;
    fn policy(&self) -> &EgressPolicy;
    fn proxies(&self) -> &BTreeSet<String>;
}

impl<R: Resolve + Clone + 'static> BuildClient for ClientFactory<R> {
    fn build_client(&self, exception: bool) -> Result<reqwest::Client, TransportError> {
        let NetworkSettings { connect_timeout, idle_timeout, policy } = &self.settings;
        let resolver = PolicyResolver {
            inner: self.resolver.clone(),
            policy: policy.clone(),
            proxies: self.proxies.clone(),
            exception,
        };
        reqwest::Client::builder()
            .redirect(redirect::Policy::none())
            .referer(false)
            .connect_timeout(*connect_timeout)
            .read_timeout(*idle_timeout)
            .http2_max_header_list_size(MAX_HEADER_BYTES)
            // RFC 9112, 5.2: a header that continues on the next line is one header.
            .http1_allow_obsolete_multiline_headers_in_responses(true)
            .connector_layer(reuse::ConnectionLayer)
            .dns_resolver(resolver)
            .build()
            .map_err(|error| TransportError::InvalidRequest(Box::new(error)))
    }

    fn policy(&self) -> &EgressPolicy {
        &self.settings.policy
    }

    fn proxies(&self) -> &BTreeSet<String> {
        &self.proxies
    }
}

impl fmt::Debug for NetworkTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NetworkTransport").field("policy", self.factory.policy()).finish_non_exhaustive()
    }
}

impl Transport for NetworkTransport {
    fn send(&self, request: OutgoingRequest) -> BoxFuture<'_, Result<RawResponse, TransportError>> {
        Box::pin(async move {
            let integration = request.integration.as_deref();
            self.factory.policy().check(integration, &request.url).map_err(TransportError::EgressDenied)?;
            let exception = self.factory.policy().is_exception(integration, &request.url);
            // The address of a proxy is not checked when it is dialled as a proxy, but when it is the target of a
            // request.
            if let Some(host) = request.url.host_str().filter(|host| {
                self.factory.proxies().contains(*host) && !exception && !self.factory.policy().is_allowed_by_name(host)
            }) {
                return Err(TransportError::EgressDenied(egress::proxy_denied(host)));
            }
            let timeout = request.timeout;
            let (method, url, mut headers, payload) = request.into_parts()?;
            coding::set_accept_encoding(&mut headers);
            let client = if exception { self.exception_client()? } else { &self.client };
            let mut request = client.request(method, url).headers(headers).body(payload);
            if let Some(timeout) = timeout {
                request = request.timeout(timeout);
            }
            let request_timeout = RequestTimeout { started: Instant::now(), timeout };
            let (response, reused) = reuse::detect_reuse(request.send()).await;
            let mut response = response.map_err(|error| match classify(error, request_timeout) {
                TransportError::Disconnected(error) if reused && reuse::is_closed_before_response(&*error) => {
                    TransportError::StaleConnection(error)
                }
                other => other,
            })?;
            let status = response.status().as_u16();
            let mut headers = std::mem::take(response.headers_mut());
            let body = response.bytes_stream().map_err(move |error| classify(error, request_timeout)).boxed();
            let body = coding::decode_body(&mut headers, body);
            Ok(RawResponse { status, headers, body })
        })
    }
}

/// Start and timeout of a request.
#[derive(Clone, Copy)]
struct RequestTimeout {
    started: Instant,
    timeout: Option<Duration>,
}

impl RequestTimeout {
    /// Returns the timeout of the whole request if it has passed; otherwise the idle timeout was the cause.
    fn exceeded(self) -> Option<Duration> {
        self.timeout.filter(|timeout| self.started.elapsed() >= *timeout)
    }
}

/// Classifies a failure and removes its URL, which may contain a key.
fn classify(error: reqwest::Error, timeout: RequestTimeout) -> TransportError {
    let error = error.without_url();
    if let Some(refusal) = egress_denial(&error) {
        TransportError::EgressDenied(refusal)
    } else if error.is_builder() {
        TransportError::InvalidRequest(Box::new(error))
    } else if error.is_connect() {
        TransportError::Unreachable(Box::new(error))
    } else if error.is_timeout()
        && let Some(limit) = timeout.exceeded()
    {
        TransportError::Timeout(limit)
    } else if error.is_timeout() {
        TransportError::IdleTimeout(Box::new(error))
    } else if is_malformed(&error) {
        TransportError::Unreadable(Box::new(error))
    } else {
        TransportError::Disconnected(Box::new(error))
    }
}

/// Returns the resolver's refusal, if that is the cause of an error.
fn egress_denial(error: &(dyn StdError + 'static)) -> Option<EgressDenied> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(refusal) = error.downcast_ref::<EgressDenied>() {
            return Some(refusal.clone());
        }
        cause = error.source();
    }
    None
}

/// Returns the hosts of the proxies that the environment names.
fn environment_proxies() -> BTreeSet<String> {
    ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]
        .into_iter()
        .filter_map(|name| {
            let value = std::env::var(name).ok()?;
            // A proxy may be given without a scheme.
            let url = value.parse().or_else(|_| format!("http://{value}").parse::<Url>()).ok()?;
            url.host_str().map(str::to_ascii_lowercase)
        })
        .collect()
}

/// Returns whether an error means invalid data from the server, in contrast to a lost connection.
fn is_malformed(error: &(dyn StdError + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<io::Error>() {
            return matches!(io.kind(), io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput);
        }
        if error.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_parse) {
            return true;
        }
        cause = error.source();
    }
    false
}

#[cfg(test)]
mod tests;
