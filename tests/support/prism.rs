//! GitHub according to its own OpenAPI description: npm's `@stoplight/prism-cli` over `@octokit/openapi`.
//!
//! It responds with the description's examples, and reports for each request whether the description allows it. The
//! recorded GitHub (`octokit`) has real responses for two scenarios; this one covers every request, without side
//! effects.

use serde::Deserialize;

use crate::{
    http_client,
    npm::{NodeProcess, NpmProject},
    tools,
};

const PROJECT: NpmProject = NpmProject {
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

/// A running server with the examples of GitHub's description.
#[derive(Debug)]
pub struct Prism {
    script: NodeProcess,
}

/// A request with the result of its validation.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RequestReport {
    /// The HTTP method.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Status of the response.
    pub status: u16,
    /// Parts of the request that violate the description.
    pub violations: Vec<String>,
}

impl Prism {
    /// Starts the server. Returns `None` if the tools are missing: see [`tools::skip`].
    ///
    /// # Panics
    ///
    /// Panics if the tools exist and the server does not start.
    pub fn start() -> Option<Self> {
        match PROJECT.start("serve.mjs", &[]) {
            Ok(script) => Some(Self { script }),
            Err(reason) => tools::skip("GitHub's API description", reason),
        }
    }

    /// Base URL for the integration, without a trailing slash.
    pub fn url(&self) -> &str {
        &self.script.url
    }

    /// Process id, for measurements.
    pub fn id(&self) -> u32 {
        self.script.id()
    }

    /// The requests so far.
    pub fn requests(&self) -> Vec<RequestReport> {
        let client = http_client::builder().build().expect("a client");
        http_client::json_blocking(client.get(format!("{}/control/requests", self.url())))
    }
}
