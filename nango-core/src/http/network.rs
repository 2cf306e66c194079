//! The real transport: reqwest over rustls.
//!
//! The proxies of the environment are used: `HTTPS_PROXY` and `HTTP_PROXY` by the scheme of the request, `ALL_PROXY` for
//! both, `NO_PROXY` for the hosts that are reached without (names in small letters count as well). A proxy resolves
//! names itself, so that the [`Policy`] sees names and written addresses only. Redirects are the pipeline's business and
//! therefore off here.

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
    Incoming, Outgoing, Policy, Refusal, Transport, TransportError, coding,
    egress::{self, Checked},
    reuse,
};

/// How large the head of an answer may be over HTTP/2; the library's own limit of 16 KB is less than some APIs send.
const HEAD_BYTES: u32 = 256 << 10;

/// How patient the network is, and where it goes.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct NetworkSettings {
    /// How long resolving, connecting and the TLS handshake may take together. Default 10 s.
    pub connect_timeout: Duration,
    /// How long a server may be silent, before its answer or within it. Default 60 s.
    pub idle_timeout: Duration,
    /// Which places may be reached. Default: public addresses only.
    pub policy: Arc<Policy>,
}

impl Default for NetworkSettings {
    fn default() -> Self {
        Self { connect_timeout: Duration::from_secs(10), idle_timeout: Duration::from_mins(1), policy: Arc::default() }
    }
}

/// The network. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct Network {
    client: reqwest::Client,
    /// For the hosts and ports that the operator wrote down for an integration: they may be private.
    exceptions: Arc<OnceLock<reqwest::Client>>,
    make: Arc<dyn Clients>,
}

impl Network {
    /// A network with the default patience.
    ///
    /// # Errors
    ///
    /// The TLS library finds no roots, or the environment names a proxy that is none.
    pub fn new() -> Result<Self, TransportError> {
        Self::with(NetworkSettings::default())
    }

    /// A network with settings of its own.
    ///
    /// # Errors
    ///
    /// As [`Network::new`].
    pub fn with(settings: NetworkSettings) -> Result<Self, TransportError> {
        Self::resolving(settings, egress::System)
    }

    fn resolving(settings: NetworkSettings, inner: impl Resolve + Clone + 'static) -> Result<Self, TransportError> {
        // An error says that the process has a provider already, which is just as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let make = Arc::new(Make { proxies: proxies(), inner, settings });
        let client = make.client(false)?;
        Ok(Self { client, exceptions: Arc::default(), make })
    }

    /// The client for hosts and ports that the operator wrote down for an integration. It is made when it is first
    /// needed, because that takes as long as many a command.
    fn exceptions(&self) -> Result<&reqwest::Client, TransportError> {
        if let Some(client) = self.exceptions.get() {
            return Ok(client);
        }
        let client = self.make.client(true)?;
        Ok(self.exceptions.get_or_init(|| client))
    }
}

/// The parts of the two clients.
struct Make<R> {
    settings: NetworkSettings,
    /// The hosts of the proxies that the environment names.
    proxies: BTreeSet<String>,
    inner: R,
}

/// [`Make`] for any resolver.
trait Clients: Send + Sync {
    fn client(&self, exception: bool) -> Result<reqwest::Client, TransportError>;
    fn policy(&self) -> &Policy;
    fn proxies(&self) -> &BTreeSet<String>;
}

impl<R: Resolve + Clone + 'static> Clients for Make<R> {
    fn client(&self, exception: bool) -> Result<reqwest::Client, TransportError> {
        let NetworkSettings { connect_timeout, idle_timeout, policy } = &self.settings;
        let resolver =
            Checked { inner: self.inner.clone(), policy: policy.clone(), proxies: self.proxies.clone(), exception };
        reqwest::Client::builder()
            .redirect(redirect::Policy::none())
            .referer(false)
            .connect_timeout(*connect_timeout)
            .read_timeout(*idle_timeout)
            .http2_max_header_list_size(HEAD_BYTES)
            // RFC 9112, 5.2: a line that goes on in the next is one line.
            .http1_allow_obsolete_multiline_headers_in_responses(true)
            .connector_layer(reuse::Watch)
            .dns_resolver(resolver)
            .build()
            .map_err(|error| TransportError::Unsendable(Box::new(error)))
    }

    fn policy(&self) -> &Policy {
        &self.settings.policy
    }

    fn proxies(&self) -> &BTreeSet<String> {
        &self.proxies
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network").field("policy", self.make.policy()).finish_non_exhaustive()
    }
}

impl Transport for Network {
    fn send(&self, request: Outgoing) -> BoxFuture<'_, Result<Incoming, TransportError>> {
        Box::pin(async move {
            let integration = request.integration.as_deref();
            self.make.policy().check(integration, &request.url).map_err(TransportError::Forbidden)?;
            let exception = self.make.policy().is_exception(integration, &request.url);
            // A proxy is dialled wherever it stands; as the end of a request it is a host like any other.
            if let Some(host) = request
                .url
                .host_str()
                .filter(|host| self.make.proxies().contains(*host) && !exception && !self.make.policy().names(host))
            {
                return Err(TransportError::Forbidden(egress::is_a_proxy(host)));
            }
            let timeout = request.timeout;
            let (method, url, mut headers, payload) = request.into_wire()?;
            coding::accept(&mut headers);
            let client = if exception { self.exceptions()? } else { &self.client };
            let mut request = client.request(method, url).headers(headers).body(payload);
            if let Some(timeout) = timeout {
                request = request.timeout(timeout);
            }
            let patience = Patience { started: Instant::now(), timeout };
            let (sent, reused) = reuse::watched(request.send()).await;
            let mut sent = sent.map_err(|error| match classify(error, patience) {
                TransportError::Broken(error) if reused && reuse::ended_before_answer(&*error) => {
                    TransportError::Stale(error)
                }
                other => other,
            })?;
            let status = sent.status().as_u16();
            let mut headers = std::mem::take(sent.headers_mut());
            let body = sent.bytes_stream().map_err(move |error| classify(error, patience)).boxed();
            let body = coding::decoded(&mut headers, body);
            Ok(Incoming { status, headers, body })
        })
    }
}

/// How long a request has taken, and may.
#[derive(Clone, Copy)]
struct Patience {
    started: Instant,
    timeout: Option<Duration>,
}

impl Patience {
    /// Whether a timeout is the one of the whole request, and not of a server that is silent.
    fn is_over(self) -> Option<Duration> {
        self.timeout.filter(|timeout| self.started.elapsed() >= *timeout)
    }
}

/// The class of a failure; its URL is taken off, because it may carry a key.
fn classify(error: reqwest::Error, patience: Patience) -> TransportError {
    let error = error.without_url();
    if let Some(refusal) = refusal(&error) {
        TransportError::Forbidden(refusal)
    } else if error.is_builder() {
        TransportError::Unsendable(Box::new(error))
    } else if error.is_connect() {
        TransportError::Unreachable(Box::new(error))
    } else if error.is_timeout()
        && let Some(limit) = patience.is_over()
    {
        TransportError::Slow(limit)
    } else if error.is_timeout() {
        TransportError::Silent(Box::new(error))
    } else if is_damaged(&error) {
        TransportError::Unreadable(Box::new(error))
    } else {
        TransportError::Broken(Box::new(error))
    }
}

/// The refusal of the resolver, if that is the cause.
fn refusal(error: &(dyn StdError + 'static)) -> Option<Refusal> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(refusal) = error.downcast_ref::<Refusal>() {
            return Some(refusal.clone());
        }
        cause = error.source();
    }
    None
}

/// The hosts of the proxies that the environment names.
fn proxies() -> BTreeSet<String> {
    ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]
        .into_iter()
        .filter_map(|name| {
            let value = std::env::var(name).ok()?;
            // A proxy may be written without a scheme.
            let url = value.parse().or_else(|_| format!("http://{value}").parse::<Url>()).ok()?;
            url.host_str().map(str::to_ascii_lowercase)
        })
        .collect()
}

/// Whether the bytes arrived and make no sense: a lost connection is not that.
fn is_damaged(error: &(dyn StdError + 'static)) -> bool {
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
