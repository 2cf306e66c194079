//! Public API descriptions (OpenAPI and formats derived from it), reduced to the parts that can be compared with a
//! provider entry.
//!
//! They come from npm packages, which `descriptions/sources.json` lists, and are downloaded when a test needs them; the
//! repository contains nothing of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use serde::Deserialize;

use crate::{npm::NpmProject, tools};

const PROJECT: NpmProject = NpmProject {
    name: "descriptions",
    min_node_version: 18,
    files: &[
        ("package.json", include_str!("descriptions/package.json")),
        ("package-lock.json", include_str!("descriptions/package-lock.json")),
        ("sources.json", include_str!("descriptions/sources.json")),
        ("prepare.mjs", include_str!("descriptions/prepare.mjs")),
        ("shape.mjs", include_str!("descriptions/shape.mjs")),
        ("clients.mjs", include_str!("descriptions/clients.mjs")),
        ("fern.mjs", include_str!("descriptions/fern.mjs")),
        ("graphql.mjs", include_str!("descriptions/graphql.mjs")),
        ("openapi.mjs", include_str!("descriptions/openapi.mjs")),
        ("resources.mjs", include_str!("descriptions/resources.mjs")),
        ("stainless.mjs", include_str!("descriptions/stainless.mjs")),
        ("types.mjs", include_str!("descriptions/types.mjs")),
        ("unpack.mjs", include_str!("descriptions/unpack.mjs")),
    ],
    prepare: Some("prepare.mjs"),
};

/// The descriptions, by the names in `sources.json`.
#[derive(Debug, Deserialize)]
pub struct Descriptions {
    responses: Vec<BTreeSet<String>>,
    descriptions: BTreeMap<String, Description>,
}

/// The reduced description of one API.
#[derive(Debug, Default, Deserialize)]
pub struct Description {
    /// The npm package that it comes from.
    pub package: String,
    /// Server addresses; empty in some formats.
    pub servers: Vec<String>,
    /// Sign-in addresses, each as `KEY ADDRESS` with the key of a provider entry.
    pub sign_in: Vec<String>,
    /// The operations of the API.
    pub operations: Vec<Operation>,
}

/// A method on a path.
#[derive(Debug, Default, Deserialize)]
pub struct Operation {
    /// The HTTP method, in capitals.
    pub method: String,
    /// The path after the host, with `{name}` for variable parts.
    pub path: String,
    /// Names of the query parameters.
    pub query: BTreeSet<String>,
    /// Paths of fields in the request body, separated by dots.
    pub body: BTreeSet<String>,
    /// Names of the response headers, in lower case.
    pub headers: BTreeSet<String>,
    /// Index into the list of all responses.
    response: usize,
}

impl Descriptions {
    /// Returns the descriptions, and downloads them if needed. Returns `None` if the tools are missing: see
    /// [`tools::skip`].
    ///
    /// # Panics
    ///
    /// Panics if the file cannot be read.
    pub fn read() -> Option<Self> {
        let file = match PROJECT.install() {
            Ok(dir) => dir.join("descriptions.json"),
            Err(reason) => return tools::skip("public descriptions of APIs", reason),
        };
        let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        Some(Self::parse(&text))
    }

    /// Parses descriptions in the format that `prepare.mjs` writes.
    ///
    /// # Panics
    ///
    /// Panics if the text has another format.
    pub fn parse(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_else(|error| panic!("no descriptions: {error}"))
    }

    /// Returns the description with this name.
    ///
    /// # Panics
    ///
    /// Panics if there is none.
    pub fn description(&self, name: &str) -> &Description {
        self.descriptions.get(name).unwrap_or_else(|| panic!("`sources.json` has no {name}"))
    }

    /// Returns the paths in the response of an operation: names separated by dots, `[]` after a list. The set is empty
    /// if the description does not define the response.
    pub fn response_fields(&self, operation: &Operation) -> &BTreeSet<String> {
        &self.responses[operation.response]
    }
}
