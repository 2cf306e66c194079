//! Two third-party authorization servers, and an API that accepts only their tokens.
//!
//! [`AuthServerKind::Rotating`] is npm's `oidc-provider`: a refresh token can be used once, and its reuse revokes the
//! grant. [`AuthServerKind::NonRotating`] is npm's `oauth2-mock-server`: a refresh token stays valid, and token
//! responses do not repeat it. A proxy (`oauth/proxy.mjs`) in front of either counts the token requests, and delays,
//! replaces, truncates or drops responses.
//!
//! ```no_run
//! use nango_tests::oauth::{Api, AuthServerKind, OAuth, TokenResponse};
//!
//! let Some(oauth) = OAuth::start(AuthServerKind::Rotating, 3600) else { return };
//! let api = Api::start(&oauth);
//! let tokens = oauth.connect("basic", 60);
//! oauth.revoke(&tokens.access_token);
//! oauth.set_next_response(&TokenResponse::Lost);
//! // … call the API …
//! assert_eq!((oauth.token_requests().len(), api.request_counts().refused), (2, 1));
//! ```

mod api;
mod token_response;

use std::sync::{Arc, OnceLock};

use reqwest::Client;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{
    http_client,
    npm::{NodeProcess, NpmProject},
    tools, wait,
};
pub use api::{Api, RequestCounts};
pub use token_response::TokenResponse;

const PROJECT: NpmProject = NpmProject {
    name: "oauth",
    min_node_version: 18,
    files: &[
        ("package.json", include_str!("oauth/package.json")),
        ("package-lock.json", include_str!("oauth/package-lock.json")),
        ("proxy.mjs", include_str!("oauth/proxy.mjs")),
        ("serve.mjs", include_str!("oauth/serve.mjs")),
        ("rotating.mjs", include_str!("oauth/rotating.mjs")),
        ("non_rotating.mjs", include_str!("oauth/non_rotating.mjs")),
    ],
    prepare: None,
};

/// The implementation of the authorization server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthServerKind {
    /// `oidc-provider`: each refresh returns a new refresh token.
    Rotating,
    /// `oauth2-mock-server`: the refresh token stays the same.
    NonRotating,
}

impl AuthServerKind {
    /// Both implementations, for loops.
    pub const BOTH: [Self; 2] = [Self::Rotating, Self::NonRotating];

    fn module(self) -> &'static str {
        match self {
            Self::Rotating => "rotating",
            Self::NonRotating => "non_rotating",
        }
    }

    /// Returns the process that runs all servers of this kind, and starts it if needed.
    fn process(self) -> Result<&'static NodeProcess, &'static str> {
        static PROCESSES: [OnceLock<Result<NodeProcess, String>>; 2] = [const { OnceLock::new() }; 2];
        let started = PROCESSES[self as usize].get_or_init(|| PROJECT.start("serve.mjs", &[self.module()]));
        started.as_ref().map_err(String::as_str)
    }
}

/// A running authorization server. It has two clients, `basic` and `post`, named after their client authentication; the
/// rotating server enforces it.
#[derive(Debug)]
pub struct OAuth {
    process: &'static NodeProcess,
    control: ControlClient,
}

/// Client of the proxy's control endpoints, shared with [`Api`].
#[derive(Debug, Clone)]
struct ControlClient {
    url: Arc<str>,
    client: Client,
}

/// The first tokens of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Tokens {
    /// The access token.
    pub access_token: String,
    /// The refresh token.
    pub refresh_token: String,
    /// The lifetime of the access token, in seconds.
    pub expires_in: u64,
}

/// A token request that arrived at the server.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TokenRequest {
    /// The `grant_type` parameter.
    pub grant_type: Option<String>,
    /// Client authentication: `basic`, `body` or `none`.
    pub client_auth: String,
    /// Media type of the body.
    pub media_type: String,
    /// Status of the server's response, even if the response was dropped; `None` while the server processes the
    /// request.
    pub status: Option<u16>,
    /// Result for the client: `complete`, `replaced`, `truncated` or `lost`; `None` while the response is in flight.
    pub outcome: Option<String>,
}

impl OAuth {
    /// Starts a server on a port of its own in the shared process of its kind. `lifetime` is that of access tokens from
    /// token requests, in seconds.
    ///
    /// Returns `None` if the tools are missing: see [`tools::skip`].
    ///
    /// # Panics
    ///
    /// Panics if the tools exist and the server does not start.
    pub fn start(kind: AuthServerKind, lifetime: u64) -> Option<Self> {
        let process = match kind.process() {
            Ok(process) => process,
            Err(reason) => return tools::skip(&format!("an authorization server ({})", kind.module()), reason),
        };
        let client = client();
        let started: Value =
            wait(post(client.clone(), format!("{}/start", process.url), json!({ "lifetime": lifetime })));
        let url = started["url"].as_str().expect("the address of the server");
        Some(Self { process, control: ControlClient { url: url.into(), client } })
    }

    /// Base URL, without a trailing slash.
    pub fn url(&self) -> &str {
        &self.control.url
    }

    /// URL of the token endpoint.
    pub fn token_url(&self) -> String {
        format!("{}/token", self.url())
    }

    /// Returns the secret of a client.
    pub fn secret(client: &str) -> String {
        format!("{client}-secret")
    }

    /// Creates a new connection of a client, as an authorization in the browser would. `lifetime` is that of the access
    /// token, in seconds.
    pub fn connect(&self, client: &str, lifetime: u64) -> Tokens {
        self.call_control("connect", json!({ "client": client, "lifetime": lifetime }))
    }

    /// Revokes an access token: the API refuses it afterwards.
    pub fn revoke(&self, access_token: &str) {
        let _: Value = self.call_control("revoke", json!({ "token": access_token }));
    }

    /// Queues the response to a token request. Responses are used in the order of these calls.
    pub fn set_next_response(&self, response: &TokenResponse) {
        let _: Value = self.call_control("next", response.control_json());
    }

    /// Returns the token requests so far, in order of arrival.
    pub fn token_requests(&self) -> Vec<TokenRequest> {
        self.call_control("requests", json!({}))
    }

    /// Returns whether an access token is valid and the newest one of its connection.
    pub fn is_current(&self, access_token: &str) -> bool {
        let (control, token) = (self.control.clone(), access_token.to_owned());
        wait(async move { control.is_current(&token).await })
    }

    fn call_control<T: DeserializeOwned + Send + 'static>(&self, control: &'static str, body: Value) -> T {
        let control_client = self.control.clone();
        wait(async move { control_client.call(control, &body).await })
    }
}

impl ControlClient {
    async fn is_current(&self, access_token: &str) -> bool {
        let response: Value = self.call("check", &json!({ "token": access_token })).await;
        response["current"] == true
    }

    async fn call<T: DeserializeOwned>(&self, control: &str, body: &Value) -> T {
        post(self.client.clone(), format!("{}/control/{control}", self.url), body.clone()).await
    }
}

impl Drop for OAuth {
    fn drop(&mut self) {
        let stop = self.control.client.post(format!("{}/stop", self.process.url));
        let stop = stop.body(json!({ "url": self.url() }).to_string());
        // Best effort: the server ends with its process at the latest, and a failed test must not panic a second time.
        drop(wait(async move { stop.send().await }));
    }
}

async fn post<T: DeserializeOwned>(client: Client, url: String, body: Value) -> T {
    http_client::json(client.post(&url).body(body.to_string())).await
}

fn client() -> Client {
    // Node closes connections that are idle for five seconds, and a test may wait that long between two requests.
    http_client::builder().pool_max_idle_per_host(0).build().expect("a client")
}
