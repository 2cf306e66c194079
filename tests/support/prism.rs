//! GitHub as its own description says it: npm's `@stoplight/prism-cli` over `@octokit/openapi`.
//!
//! It answers with the description's examples, and tells of each request whether the description allows it. The
//! recorded GitHub (`octokit`) is the real one, for two conversations; this one knows every request, and nothing of what
//! becomes of it.

use std::time::Duration;

use reqwest::Client;
use serde::Deserialize;

use crate::{
    npm::{NodeProcess, NpmProject},
    tools, wait,
};

const KIT: NpmProject = NpmProject {
    name: "prism",
    min_node_version: 18,
    files: &[
        ("package.json", include_str!("prism/package.json")),
        ("package-lock.json", include_str!("prism/package-lock.json")),
        ("prepare.mjs", include_str!("prism/prepare.mjs")),
        ("serve.mjs", include_str!("prism/serve.mjs")),
    ],
    prepare: Some("prepare.mjs"),
};

/// A running GitHub of examples.
#[derive(Debug)]
pub struct Prism {
    script: NodeProcess,
}

/// A request that arrived.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RequestReport {
    /// The method.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// The status of the answer.
    pub status: u16,
    /// What in the request the description does not allow.
    pub violations: Vec<String>,
}

impl Prism {
    /// Starts one. `None` if the tools are missing: see [`tools::skip`].
    ///
    /// # Panics
    ///
    /// The tools are there, and it does not start.
    pub fn start() -> Option<Self> {
        match KIT.start("serve.mjs", &[]) {
            Ok(script) => Some(Self { script }),
            Err(why) => tools::skip("GitHub by its description", why),
        }
    }

    /// Where it listens, without a trailing slash: the `base_url` of the integration.
    pub fn url(&self) -> &str {
        &self.script.url
    }

    /// The process id, for those who measure.
    pub fn id(&self) -> u32 {
        self.script.id()
    }

    /// The requests so far.
    pub fn requests(&self) -> Vec<RequestReport> {
        // The workspace builds reqwest without a choice of its own; another test may have made the same one before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().no_proxy().timeout(Duration::from_secs(30)).build().expect("a client");
        let request = client.get(format!("{}/control/requests", self.url()));
        let text = wait(async move {
            let answer = request.send().await.expect("an answer of prism's front");
            answer.text().await.expect("the answer of prism's front")
        });
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }
}
