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

mod answer;
mod api;

use std::{sync::Arc, time::Duration};

use reqwest::Client;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{
    npm::{Kit, Script},
    tools, wait,
};
pub use answer::Answer;
pub use api::{Api, Seen};

const KIT: Kit = Kit {
    name: "oauth",
    oldest_node: 18,
    files: &[
        ("package.json", include_str!("oauth/package.json")),
        ("package-lock.json", include_str!("oauth/package-lock.json")),
        ("front.mjs", include_str!("oauth/front.mjs")),
        ("rotating.mjs", include_str!("oauth/rotating.mjs")),
        ("lasting.mjs", include_str!("oauth/lasting.mjs")),
    ],
    prepare: None,
};

/// Which server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// `oidc-provider`: each refresh brings a new refresh token.
    Rotating,
    /// `oauth2-mock-server`: the refresh token stays.
    Lasting,
}

impl Peer {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::Rotating, Self::Lasting];

    fn script(self) -> &'static str {
        match self {
            Self::Rotating => "rotating.mjs",
            Self::Lasting => "lasting.mjs",
        }
    }
}

/// A running authorization server. It has two clients, `basic` and `post`, named for the way in which they say who they
/// are; the rotating one is strict about it.
#[derive(Debug)]
pub struct OAuth {
    script: Script,
    door: Door,
}

/// The control of a server, for all who hold a copy.
#[derive(Debug, Clone)]
struct Door {
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
    pub grant: Option<String>,
    /// How the client said who it is: `basic`, `body` or `none`.
    pub client: String,
    /// The media type of its body.
    #[serde(rename = "type")]
    pub media_type: String,
    /// The status that the server gave, also where the answer was lost; `None` while it is at work.
    pub status: Option<u16>,
    /// What became of the answer: `whole`, `instead`, `garbled` or `lost`; `None` while it is on its way.
    pub answered: Option<String>,
}

impl OAuth {
    /// Starts a server of its own; `lifetime` is that of the access tokens that it gives for a token request, in seconds.
    ///
    /// `None` if the tools are missing: see [`tools::skip`].
    ///
    /// # Panics
    ///
    /// The tools are there, and the server does not start.
    pub fn start(peer: Peer, lifetime: u64) -> Option<Self> {
        match KIT.start(peer.script(), &[&lifetime.to_string()]) {
            Ok(script) => {
                let door = Door { url: script.url.as_str().into(), client: client() };
                Some(Self { script, door })
            }
            Err(why) => tools::skip(&format!("an authorization server ({})", peer.script()), why),
        }
    }

    /// Where it listens, without a trailing slash.
    pub fn url(&self) -> &str {
        &self.script.url
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
        self.ask("connect", json!({ "client": client, "lifetime": lifetime }))
    }

    /// Takes an access token back: an API that asks is told that it is no good.
    pub fn revoke(&self, access_token: &str) {
        let _: Value = self.ask("revoke", json!({ "token": access_token }));
    }

    /// Says what happens to the next token request that nothing was said of yet.
    pub fn next(&self, answer: &Answer) {
        let _: Value = self.ask("next", answer.plan());
    }

    /// The token requests so far, in the order of their arrival.
    pub fn token_requests(&self) -> Vec<TokenRequest> {
        self.ask("requests", json!({}))
    }

    /// Whether an access token is the newest one of its connection, and good.
    pub fn is_current(&self, access_token: &str) -> bool {
        let (door, token) = (self.door.clone(), access_token.to_owned());
        wait(async move { door.is_current(&token).await })
    }

    fn ask<T: DeserializeOwned + Send + 'static>(&self, control: &'static str, body: Value) -> T {
        let door = self.door.clone();
        wait(async move { door.ask(control, &body).await })
    }
}

impl Door {
    async fn is_current(&self, access_token: &str) -> bool {
        let answer: Value = self.ask("check", &json!({ "token": access_token })).await;
        answer["current"] == true
    }

    async fn ask<T: DeserializeOwned>(&self, control: &str, body: &Value) -> T {
        let request = self.client.post(format!("{}/control/{control}", self.url)).body(body.to_string());
        let answer = request.send().await.expect("an answer of the authorization server");
        let text = answer.text().await.expect("the answer of the authorization server");
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{control}: {error}: {text}"))
    }
}

fn client() -> Client {
    // The workspace builds reqwest without a choice of its own; another test may have made the same one before.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().no_proxy().timeout(Duration::from_secs(30)).build().expect("a client")
}
