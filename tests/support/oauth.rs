//! Two authorization servers that we did not write, and an API that believes only them.
//!
//! [`Peer::Rotating`] is npm's `oidc-provider`: a refresh token is good for one use, and one that comes a second time ends
//! the grant. [`Peer::Lasting`] is npm's `oauth2-mock-server`: a refresh token stays, and answers do not repeat it. A front
//! (`oauth/front.mjs`) stands before either, counts the token requests, and lets answers come late, wrong or not at all.
//!
//! ```no_run
//! use nango_tests::oauth::{Answer, Api, OAuth, Peer};
//!
//! let Some(oauth) = OAuth::start(Peer::Rotating, 3600) else { return };
//! let api = Api::start(&oauth);
//! let tokens = oauth.connect("basic", 60);
//! oauth.revoke(&tokens.access_token);
//! oauth.next(&Answer::Lost);
//! // … call the API …
//! assert_eq!((oauth.token_requests().len(), api.seen().refused), (2, 1));
//! ```

mod api;
mod token_response;

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use reqwest::Client;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{
    npm::{NodeProcess, NpmProject},
    tools, wait,
};
pub use api::{Api, RequestCounts};
pub use token_response::TokenResponse;

const KIT: NpmProject = NpmProject {
    name: "oauth",
    min_node_version: 18,
    files: &[
        ("package.json", include_str!("oauth/package.json")),
        ("package-lock.json", include_str!("oauth/package-lock.json")),
        ("front.mjs", include_str!("oauth/front.mjs")),
        ("serve.mjs", include_str!("oauth/serve.mjs")),
        ("rotating.mjs", include_str!("oauth/rotating.mjs")),
        ("lasting.mjs", include_str!("oauth/lasting.mjs")),
    ],
    prepare: None,
};

/// Which server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthServerKind {
    /// `oidc-provider`: each refresh brings a new refresh token.
    Rotating,
    /// `oauth2-mock-server`: the refresh token stays.
    NonRotating,
}

impl AuthServerKind {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::Rotating, Self::NonRotating];

    fn module(self) -> &'static str {
        match self {
            Self::Rotating => "rotating",
            Self::NonRotating => "lasting",
        }
    }

    /// The process that runs all servers of this kind, started if need be.
    fn process(self) -> Result<&'static NodeProcess, &'static str> {
        static PROCESSES: [OnceLock<Result<NodeProcess, String>>; 2] = [const { OnceLock::new() }; 2];
        let started = PROCESSES[self as usize].get_or_init(|| KIT.start("serve.mjs", &[self.module()]));
        started.as_ref().map_err(String::as_str)
    }
}

/// A running authorization server. It has two clients, `basic` and `post`, named for the way in which they say who they
/// are; the rotating one is strict about it.
#[derive(Debug)]
pub struct OAuth {
    process: &'static NodeProcess,
    control: ControlClient,
}

/// The control of a server, for all who hold a copy.
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

/// A token request that arrived.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TokenRequest {
    /// The `grant_type`.
    #[serde(rename = "grant")]
    pub grant_type: Option<String>,
    /// How the client said who it is: `basic`, `body` or `none`.
    #[serde(rename = "client")]
    pub client_auth: String,
    /// The media type of its body.
    #[serde(rename = "type")]
    pub media_type: String,
    /// The status that the server gave, also where the answer was lost; `None` while it is at work.
    pub status: Option<u16>,
    /// What became of the answer: `whole`, `instead`, `garbled` or `lost`; `None` while it is on its way.
    #[serde(rename = "answered")]
    pub outcome: Option<String>,
}

impl OAuth {
    /// Starts a server of its own, on a port of its own in the process of its kind; `lifetime` is that of the access tokens
    /// that it gives for a token request, in seconds.
    ///
    /// `None` if the tools are missing: see [`tools::skip`].
    ///
    /// # Panics
    ///
    /// The tools are there, and the server does not start.
    pub fn start(peer: AuthServerKind, lifetime: u64) -> Option<Self> {
        let process = match peer.process() {
            Ok(process) => process,
            Err(why) => return tools::skip(&format!("an authorization server ({})", peer.module()), why),
        };
        let client = client();
        let started: Value =
            wait(post(client.clone(), format!("{}/start", process.url), json!({ "lifetime": lifetime })));
        let url = started["url"].as_str().expect("the address of the server");
        Some(Self { process, control: ControlClient { url: url.into(), client } })
    }

    /// Where it listens, without a trailing slash.
    pub fn url(&self) -> &str {
        &self.control.url
    }

    /// Where it gives tokens.
    pub fn token_url(&self) -> String {
        format!("{}/token", self.url())
    }

    /// The secret of a client.
    pub fn secret(client: &str) -> String {
        format!("{client}-secret")
    }

    /// A new connection of a client, as a walk through the browser would end; its access token lives so many seconds.
    pub fn connect(&self, client: &str, lifetime: u64) -> Tokens {
        self.call_control("connect", json!({ "client": client, "lifetime": lifetime }))
    }

    /// Takes an access token back: an API that asks is told that it is no good.
    pub fn revoke(&self, access_token: &str) {
        let _: Value = self.call_control("revoke", json!({ "token": access_token }));
    }

    /// Says what happens to the next token request that nothing was said of yet.
    pub fn set_next_response(&self, answer: &TokenResponse) {
        let _: Value = self.call_control("next", answer.control_json());
    }

    /// The token requests so far, in the order of their arrival.
    pub fn token_requests(&self) -> Vec<TokenRequest> {
        self.call_control("requests", json!({}))
    }

    /// Whether an access token is the newest one of its connection, and good.
    pub fn is_current(&self, access_token: &str) -> bool {
        let (door, token) = (self.control.clone(), access_token.to_owned());
        wait(async move { door.is_current(&token).await })
    }

    fn call_control<T: DeserializeOwned + Send + 'static>(&self, control: &'static str, body: Value) -> T {
        let control_client = self.control.clone();
        wait(async move { control_client.call(control, &body).await })
    }
}

impl ControlClient {
    async fn is_current(&self, access_token: &str) -> bool {
        let answer: Value = self.call("check", &json!({ "token": access_token })).await;
        answer["current"] == true
    }

    async fn call<T: DeserializeOwned>(&self, control: &str, body: &Value) -> T {
        post(self.client.clone(), format!("{}/control/{control}", self.url), body.clone()).await
    }
}

impl Drop for OAuth {
    fn drop(&mut self) {
        let stop = self.control.client.post(format!("{}/stop", self.process.url));
        let stop = stop.body(json!({ "url": self.url() }).to_string());
        // Best effort: it ends with its process at the latest, and a test that failed must not panic a second time.
        drop(wait(async move { stop.send().await }));
    }
}

async fn post<T: DeserializeOwned>(client: Client, url: String, body: Value) -> T {
    let answer = client.post(&url).body(body.to_string()).send().await.expect("an answer of the authorization server");
    let text = answer.text().await.expect("the answer of the authorization server");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{url}: {error}: {text}"))
}

fn client() -> Client {
    // The workspace builds reqwest without a choice of its own; another test may have made the same one before.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // Node closes a connection that was idle for five seconds, and a test may wait just as long between two requests.
    let builder = Client::builder().no_proxy().pool_max_idle_per_host(0);
    builder.timeout(Duration::from_secs(30)).build().expect("a client")
}
