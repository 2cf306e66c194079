//! Nango's client for Node, npm's `@nangohq/node`, with which tests call the HTTP API.

use std::path::PathBuf;

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    http_client,
    npm::{NodeProcess, NpmProject},
    tools,
};

const PROJECT: NpmProject = NpmProject {
    name: "nango-client",
    min_node_version: 20,
    files: &[
        ("package.json", include_str!("nango_client/package.json")),
        ("package-lock.json", include_str!("nango_client/package-lock.json")),
        ("serve.mjs", include_str!("nango_client/serve.mjs")),
    ],
    prepare: None,
};

/// Client of one server and API key. Its process ends when it is dropped.
#[derive(Debug)]
pub struct NangoClient {
    script: NodeProcess,
    options: Value,
}

/// Error of a call.
#[derive(Debug, Clone, PartialEq)]
pub struct ClientError {
    /// Status of the response; `None` if there was none.
    pub status: Option<u64>,
    /// Body of the response.
    pub body: Value,
    /// Message of the client.
    pub message: String,
}

impl ClientError {
    /// Returns the status and the code of the response.
    pub fn code(&self) -> (u64, &str) {
        (self.status.unwrap_or_default(), self.body["error"]["code"].as_str().unwrap_or_default())
    }
}

impl NangoClient {
    /// Starts a client. Returns `None` if the tools are missing: see [`tools::skip`].
    ///
    /// # Panics
    ///
    /// Panics if the tools exist and the client does not start.
    pub fn start(host: &str, api_key: &str) -> Option<Self> {
        let options = json!({ "host": host, "apiKey": api_key });
        match PROJECT.start("serve.mjs", &[]) {
            Ok(script) => Some(Self { script, options }),
            Err(reason) => tools::skip("Nango's client", reason),
        }
    }

    /// Returns a directory in which programs can import the client. Returns `None` if the tools are missing.
    pub fn folder() -> Option<PathBuf> {
        PROJECT.install().map_or_else(|reason| tools::skip("Nango's client", reason), Some)
    }

    /// Calls a method with these arguments. The result is that of the method; of a response of its HTTP library, only
    /// `status` and `data`.
    ///
    /// # Errors
    ///
    /// Fails if the method fails.
    ///
    /// # Panics
    ///
    /// Panics if the process of the client does not respond.
    pub fn call(&self, method: &str, arguments: &[Value]) -> Result<Value, ClientError> {
        let body = json!({ "options": self.options, "method": method, "arguments": arguments });
        let client = http_client::builder().build().expect("a client");
        let request = client.request(Method::POST, format!("{}/", self.script.url)).body(body.to_string());
        let mut result: Value = http_client::json_blocking(request);
        let error = result["error"].take();
        if error.is_null() {
            return Ok(result["value"].take());
        }
        Err(ClientError {
            status: error["status"].as_u64(),
            body: error["data"].clone(),
            message: error["message"].as_str().unwrap_or_default().to_owned(),
        })
    }
}
