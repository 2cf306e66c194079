//! Node process that serves the recordings: one for all tests of this process, with a session for each test.

use std::sync::OnceLock;

use reqwest::Client;
use serde_json::{Value, json};

use super::scenario::Scenario;
use crate::http_client;
use crate::npm::{NodeProcess, NpmProject};

const PROJECT: NpmProject = NpmProject {
    name: "octokit",
    min_node_version: 18,
    files: &[
        ("package.json", include_str!("package.json")),
        ("package-lock.json", include_str!("package-lock.json")),
        ("serve.mjs", include_str!("serve.mjs")),
    ],
    prepare: None,
};

/// A running fixtures server.
#[derive(Debug)]
pub(super) struct Server {
    script: NodeProcess,
    client: Client,
}

/// A session that serves one replay. The server removes it after ten minutes, or after its last request.
#[derive(Debug, Clone)]
pub(super) struct Session {
    /// Address of the server, without a trailing slash.
    pub(super) server: String,
    pub(super) id: String,
    /// Address of the recorded API, without a trailing slash.
    pub(super) url: String,
    pub(super) client: Client,
}

impl Server {
    /// Returns the shared server, and starts it if needed.
    ///
    /// # Errors
    ///
    /// Returns a message that lists the missing tools.
    pub(super) fn shared() -> Result<&'static Self, &'static str> {
        static SERVER: OnceLock<Result<Server, String>> = OnceLock::new();
        SERVER.get_or_init(Self::start).as_ref().map_err(String::as_str)
    }

    fn start() -> Result<Self, String> {
        Ok(Self { script: PROJECT.start("serve.mjs", &[])?, client: client() })
    }

    /// Starts a session for a scenario.
    pub(super) async fn session(&self, scenario: Scenario) -> Session {
        let body = json!({ "scenario": scenario.name() }).to_string();
        let request =
            self.client.post(format!("{}/fixtures", self.script.url)).header("content-type", "application/json");
        let session: Value = http_client::json(request.body(body)).await;
        let field = |name: &str| session[name].as_str().unwrap_or_else(|| panic!("no `{name}`: {session}")).to_owned();
        Session { server: self.script.url.clone(), id: field("id"), url: field("url"), client: self.client.clone() }
    }
}

fn client() -> Client {
    http_client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client")
}
