//! Public descriptions of APIs (OpenAPI and what is made of it), cut down to what a provider's entry can be held against.
//!
//! They come from packages of npm, which `descriptions/sources.json` names, and are fetched when a test wants them;
//! nothing of them is in the repository.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use serde::Deserialize;

use crate::{npm::NpmProject, tools};

const KIT: NpmProject = NpmProject {
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

/// The descriptions by the names of `sources.json`.
#[derive(Debug, Deserialize)]
pub struct Descriptions {
    #[serde(rename = "answers")]
    response_fields: Vec<BTreeSet<String>>,
    descriptions: BTreeMap<String, Description>,
}

/// A description, cut down.
#[derive(Debug, Default, Deserialize)]
pub struct Description {
    /// The package that it comes from.
    pub package: String,
    /// The addresses of its servers; none in some forms.
    pub servers: Vec<String>,
    /// The addresses for signing in, each behind the key that an entry has for it, and a space.
    pub sign_in: Vec<String>,
    /// The operations of the API.
    pub operations: Vec<Operation>,
}

/// A method at a path.
#[derive(Debug, Default, Deserialize)]
pub struct Operation {
    /// The method, in capitals.
    pub method: String,
    /// The path behind the host, with `{name}` for what varies.
    pub path: String,
    /// The names of the parameters of the query.
    pub query: BTreeSet<String>,
    /// The names in the body of the request, with dots between them.
    pub body: BTreeSet<String>,
    /// The names of the headers of the answer, in small letters.
    pub headers: BTreeSet<String>,
    /// The number of the answer in the list of all answers.
    #[serde(rename = "answer")]
    response_fields: usize,
}

impl Descriptions {
    /// Returns the descriptions, which are fetched if need be. `None` if the tools are missing: see [`tools::skip`].
    ///
    /// # Panics
    ///
    /// They are there and cannot be read.
    pub fn read() -> Option<Self> {
        let file = match KIT.install() {
            Ok(place) => place.join("descriptions.json"),
            Err(why) => return tools::skip("public descriptions of APIs", why),
        };
        let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        Some(Self::parse(&text))
    }

    /// Reads descriptions from a text of the form that `prepare.mjs` writes.
    ///
    /// # Panics
    ///
    /// The text has another form.
    pub fn parse(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_else(|error| panic!("no descriptions: {error}"))
    }

    /// Returns the description of a name.
    ///
    /// # Panics
    ///
    /// There is none.
    pub fn description(&self, name: &str) -> &Description {
        self.descriptions.get(name).unwrap_or_else(|| panic!("`sources.json` has no {name}"))
    }

    /// Returns the paths in the answer of an operation: names with dots between them, `[]` behind a list. There is none
    /// if the description leaves the answer out.
    pub fn response_fields(&self, operation: &Operation) -> &BTreeSet<String> {
        &self.response_fields[operation.response_fields]
    }
}
