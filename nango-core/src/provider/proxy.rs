//! How an API is called.

use reqwest::{Method, header::HeaderName};

use super::{Param, RetryRules, Template};
use crate::declare::Paginate;

/// How an API is called.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct Proxy {
    /// Where endpoints lie; `None`: the entry does not say it, so the settings must.
    pub base_url: Option<Template>,
    /// Headers of every request.
    pub headers: Vec<(HeaderName, Template)>,
    /// Query parameters of every request.
    pub query: Vec<(String, Template)>,
    /// Fields that are merged over the body of every request that has one; a text whose value is missing is left out.
    pub body: Vec<(String, Param)>,
    /// How pages are found, where the API has one way for all its lists.
    pub paginate: Option<Paginate>,
    /// Which failures are worth another attempt, and where an answer tells how long to wait.
    pub retry: RetryRules,
    /// How credentials are tried.
    pub verification: Option<Verification>,
    /// Whether a redirect to another host gets the headers too, credentials among them.
    pub forward_headers: bool,
    /// Values of the connection's configuration that callers need, although no template asks for them.
    pub config: Vec<String>,
}

/// A request that tells whether credentials are good.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Verification {
    /// Endpoints, each a request of its own: one that answers well is enough.
    pub endpoints: Vec<Template>,
    /// How they are asked. Default: `GET`.
    pub method: Method,
    /// Headers of these requests.
    pub headers: Vec<(HeaderName, Template)>,
    /// The body, sent as JSON.
    pub data: Option<Param>,
    /// Another base URL for these requests.
    pub base_url: Option<Template>,
}

impl Verification {
    pub(super) fn new(endpoints: Vec<Template>) -> Self {
        Self { endpoints, method: Method::GET, headers: Vec::new(), data: None, base_url: None }
    }
}
