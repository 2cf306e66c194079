//! What a client is made of.

use std::{sync::Arc, time::Duration};

use reqwest::header::HeaderMap;
use url::{Origin, Url};

use super::{Authorize, ClientQuota, Clock, NoAuth, Transport, WaitObserver};
use crate::{provider::RetryRules, redact::Redactor};

/// What a [`Client`](super::Client) is made of.
#[derive(Debug)]
#[non_exhaustive]
pub struct ClientParts {
    /// What sends.
    pub transport: Arc<dyn Transport>,
    /// What waits.
    pub clock: Arc<dyn Clock>,
    /// Where endpoints lie; credentials go to its origin only.
    pub base_url: Url,
    /// The integration's headers, for requests to that origin.
    pub headers: HeaderMap,
    /// The integration's query parameters, for requests to that origin that do not have them.
    pub query: Vec<(String, String)>,
    /// What adds the credentials. Default: [`Nothing`].
    pub authorize: Arc<dyn Authorize>,
    /// What the provider says about failures. Default: nothing.
    pub retry: Arc<RetryRules>,
    /// Whether credentials and the integration's headers go along with redirects to other origins, which a few
    /// providers need. Never from `https` to `http`. Default `false`.
    pub forward_headers: bool,
    /// Origins beside the base URL's that get the credentials and the integration's headers, because the operator lists
    /// them. Default: none.
    pub trusted_origins: Vec<Origin>,
    /// The client's part in the budgets. Default: none, requests leave when they are sent.
    pub quota: Option<ClientQuota>,
    /// The API's name for people. Default: none.
    pub name: String,
    /// Who is told of waits. Default: nobody.
    pub wait_observer: Option<Arc<dyn WaitObserver>>,
    /// The integration, whose exceptions of the egress policy count. Default: none.
    pub integration: Option<Arc<str>>,
    /// Hides the secrets of the connection in everything that is shown. Default: none are known.
    pub redactor: Redactor,
    /// How many bytes of a body are held in memory. Default 256 MiB.
    pub max_body_bytes: u64,
    /// How long one request may take, its answer's body included, unless its call says otherwise; streams may take
    /// longer. Default 10 minutes.
    pub timeout: Duration,
    /// The longest wait that an answer may demand. Default 10 minutes.
    pub max_wait: Duration,
}

impl ClientParts {
    /// A client without credentials, headers and parameters, with the default limits.
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
        }
    }

    /// Sets what adds the credentials.
    #[must_use]
    pub fn authorize(mut self, authorize: Arc<dyn Authorize>) -> Self {
        self.authorize = authorize;
        self
    }

    /// Sets what the provider says about failures.
    #[must_use]
    pub fn retry(mut self, rules: Arc<RetryRules>) -> Self {
        self.retry = rules;
        self
    }

    /// Sets the client's part in the budgets.
    #[must_use]
    pub fn quota(mut self, quota: ClientQuota) -> Self {
        self.quota = Some(quota);
        self
    }

    /// Sets who is told of waits, and what the API is called there.
    #[must_use]
    pub fn wait_observer(mut self, watch: Arc<dyn WaitObserver>, name: impl Into<String>) -> Self {
        self.wait_observer = Some(watch);
        self.name = name.into();
        self
    }

    /// Sets whether credentials go along with redirects to other origins.
    #[must_use]
    pub fn forward_headers(mut self, forward: bool) -> Self {
        self.forward_headers = forward;
        self
    }

    /// Sets the origins beside the base URL's that get the credentials.
    #[must_use]
    pub fn trusted_origins(mut self, origins: Vec<Origin>) -> Self {
        self.trusted_origins = origins;
        self
    }

    /// Sets the integration, whose exceptions of the egress policy count.
    #[must_use]
    pub fn integration(mut self, integration: &str) -> Self {
        self.integration = Some(integration.into());
        self
    }

    /// Sets what hides the connection's secrets.
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
