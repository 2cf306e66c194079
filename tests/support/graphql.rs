//! An issue tracker with a GraphQL API: npm's `graphql` over a part of Linear's public schema.
//!
//! It validates each query and its variables, and returns errors of fields beside the data, as the GraphQL
//! specification says.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    http_client,
    npm::{NodeProcess, NpmProject},
    tools,
};

const PROJECT: NpmProject = NpmProject {
    name: "graphql",
    min_node_version: 18,
    files: &[
        ("package.json", include_str!("graphql/package.json")),
        ("package-lock.json", include_str!("graphql/package-lock.json")),
        ("serve.mjs", include_str!("graphql/serve.mjs")),
    ],
    prepare: None,
};

/// Token that the server accepts.
pub const TOKEN: &str = "lin_test";

/// A running server. It ends when it is dropped.
#[derive(Debug)]
pub struct GraphQl {
    script: NodeProcess,
}

impl GraphQl {
    /// Starts the server without issues. Returns `None` if the tools are missing: see [`tools::skip`].
    ///
    /// # Panics
    ///
    /// Panics if the tools exist and the server does not start.
    pub fn start() -> Option<Self> {
        match PROJECT.start("serve.mjs", &[]) {
            Ok(script) => Some(Self { script }),
            Err(reason) => tools::skip("the GraphQL server", reason),
        }
    }

    /// Base URL for the integration, without a trailing slash.
    pub fn url(&self) -> &str {
        &self.script.url
    }

    /// Replaces the issues. Fields that are not given have default values; `id` is required.
    pub fn set_issues(&self, issues: &[Value]) {
        self.control(Method::PUT, "issues", &json!(issues));
    }

    /// Makes a field fail for the issues with these ids.
    pub fn set_failing(&self, field: &str, ids: &[&str]) {
        self.control(Method::PUT, "failing", &json!({ "field": field, "ids": ids }));
    }

    /// Returns the variables of the queries so far.
    pub fn variables(&self) -> Vec<Value> {
        serde_json::from_value(self.control(Method::GET, "requests", &Value::Null)).expect("a list")
    }

    fn control(&self, method: Method, name: &str, body: &Value) -> Value {
        let client = http_client::builder().build().expect("a client");
        let url = format!("{}/control/{name}", self.url());
        http_client::json_blocking(client.request(method, url).body(body.to_string()))
    }
}
