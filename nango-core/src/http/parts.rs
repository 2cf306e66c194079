//! Parts and settings of a client.

use std::{sync::Arc, time::Duration};

use reqwest::header::HeaderMap;
use tokio_util::sync::CancellationToken;
use url::{Origin, Url};

use super::{Authorize, ClientQuota, Clock, NoAuth, Transport, WaitObserver};
use crate::{provider::RetryRules, redact::Redactor};

/// Parts and settings of a [`Client`](super::Client).
#[derive(Debug)]
#[non_exhaustive]
pub struct ClientParts {
    /// Sends the requests.
    pub transport: Arc<dyn Transport>,
    /// Source of time, waits and jitter.
    pub clock: Arc<dyn Clock>,
    /// Base URL of the endpoints; credentials are sent to its origin.
    pub base_url: Url,
    /// The integration's headers, for requests to that origin.
    pub headers: HeaderMap,
    /// The integration's query parameters, for requests to that origin that do not have them.
    pub query: Vec<(String, String)>,
    /// Adds the credentials to requests. Default: `NoAuth`.
    pub authorize: Arc<dyn Authorize>,
    /// The provider's rules for failures. Default: no rules.
    pub retry: Arc<RetryRules>,
    /// Whether redirects to other origins keep credentials and the integration's headers, which a few providers need.
    /// Never applies from `https` to `http`. Default `false`.
    pub forward_headers: bool,
    /// Origins besides the base URL's that receive the credentials and the integration's headers, as listed by the
    /// operator. Default: none.
    pub trusted_origins: Vec<Origin>,
    /// The client's share of a rate limit. Default: none; requests are sent without waiting.
    pub quota: Option<ClientQuota>,
    /// Display name of the API, for wait messages. Default: empty, shown as "the API".
    pub name: String,
    /// Observer of waits for rate limits. Default: none.
    pub wait_observer: Option<Arc<dyn WaitObserver>>,
    /// The integration, whose exceptions of the egress policy apply. Default: none.
    pub integration: Option<Arc<str>>,
    /// Redacts the secrets of the connection in logs and errors. Default: no secrets are known.
    pub redactor: Redactor,
    /// Limit of a buffered response body, in bytes. Default 256 MiB.
    pub max_body_bytes: u64,
    /// Timeout of one request including its response body, unless the request sets its own; streams have none. Default
    /// 10 minutes.
    pub timeout: Duration,
    /// Maximum wait that a response may require. Default 10 minutes.
    pub max_wait: Duration,
    /// Ends requests in progress and their waits, and prevents further attempts. Default: never cancelled.
    pub cancellation: CancellationToken,
}

impl ClientParts {
    /// Creates the parts of a client without credentials, headers and parameters, with the default limits.
    pub fn new(transport: Arc<dyn Transport>, clock: Arc<dyn Clock>, base_url: Url) -> Self {
        Self {
            transport,
            clock,
            base_url,
            headers: HeaderMap::new(),
            query: Vec::new(),
            authorize: Arc::new(NoAuth),
            retry: Arc::default(),
            forward_headers: false,
            trusted_origins: Vec::new(),
            quota: None,
            name: String::new(),
            wait_observer: None,
            integration: None,
            redactor: Redactor::default(),
            max_body_bytes: 256 << 20,
            timeout: Duration::from_mins(10),
            max_wait: Duration::from_mins(10),
            cancellation: CancellationToken::new(),
        }
    }

    /// Sets the authorizer, which adds the credentials.
    #[must_use]
    pub fn authorize(mut self, authorize: Arc<dyn Authorize>) -> Self {
        self.authorize = authorize;
        self
    }

    /// Sets the provider's rules for failures.
    #[must_use]
    pub fn retry(mut self, rules: Arc<RetryRules>) -> Self {
        self.retry = rules;
        self
    }

    /// Sets the client's share of a rate limit.
    #[must_use]
    pub fn quota(mut self, quota: ClientQuota) -> Self {
        self.quota = Some(quota);
        self
    }

    /// Sets the cancellation of the run to which the client belongs.
    #[must_use]
    pub fn cancellation(mut self, cancellation: CancellationToken) -> Self {
        self.cancellation = cancellation;
        self
    }

    /// Sets the observer of waits, and the API's name in its messages.
    #[must_use]
    pub fn wait_observer(mut self, observer: Arc<dyn WaitObserver>, name: impl Into<String>) -> Self {
        self.wait_observer = Some(observer);
        self.name = name.into();
        self
    }

    /// Sets whether redirects to other origins keep the credentials.
    #[must_use]
    pub fn forward_headers(mut self, forward: bool) -> Self {
        self.forward_headers = forward;
        self
    }

    /// Sets the origins besides the base URL's that receive the credentials.
    #[must_use]
    pub fn trusted_origins(mut self, origins: Vec<Origin>) -> Self {
        self.trusted_origins = origins;
        self
    }

    /// Sets the integration, whose exceptions of the egress policy apply.
    #[must_use]
    pub fn integration(mut self, integration: &str) -> Self {
        self.integration = Some(integration.into());
        self
    }

    /// Sets the redactor of the connection's secrets.
    #[must_use]
    pub fn redactor(mut self, redactor: Redactor) -> Self {
        self.redactor = redactor;
        self
    }

    /// Sets the integration's headers.
    #[must_use]
    pub fn headers(mut self, headers: HeaderMap) -> Self {
        self.headers = headers;
        self
    }

    /// Sets the integration's query parameters.
    #[must_use]
    pub fn query(mut self, query: Vec<(String, String)>) -> Self {
        self.query = query;
        self
    }
}
