//! Access to the parts of a built-in entry that a description may cover.

use serde_json::Value;

/// Keys of `paginate` that name a parameter of the request.
const REQUEST_KEYS: [&str; 3] = ["cursor_name_in_request", "offset_name_in_request", "limit_name_in_request"];
/// Keys of `paginate` that name a path in the response.
const RESPONSE_KEYS: [&str; 8] = [
    "cursor_path_in_response",
    "link_path_in_response_body",
    "response_path",
    "last_item_id",
    "has_more_path",
    "is_last_path",
    "total_path",
    "total_pages_path",
];
/// Keys with sign-in addresses.
const SIGN_IN_KEYS: [&str; 3] = ["authorization_url", "token_url", "refresh_url"];

/// An entry of the built-in file.
#[derive(Debug)]
pub(super) struct Entry {
    raw: Value,
}

/// The request with which an entry verifies a credential.
#[derive(Debug)]
pub(super) struct Probe {
    pub(super) method: String,
    /// Paths and queries after a base address, with `${…}` for variable parts.
    pub(super) endpoints: Vec<String>,
    /// The alternatives of the base address.
    pub(super) bases: Vec<String>,
    /// Paths of the fields in the response to a GraphQL query.
    pub(super) response_fields: Vec<String>,
    /// Set if the request has a base address of its own.
    pub(super) has_own_base_url: bool,
}

impl Entry {
    /// Wraps an entry as printed by `registry providers show --json`.
    pub(super) fn new(raw: Value) -> Self {
        Self { raw }
    }

    fn text(&self, path: &str) -> Option<&str> {
        self.raw.pointer(path).and_then(Value::as_str)
    }

    /// Returns the alternatives of the base address.
    pub(super) fn bases(&self) -> Vec<&str> {
        self.text("/proxy/base_url").map(alternatives).unwrap_or_default()
    }

    /// Returns the sign-in addresses, by key.
    pub(super) fn sign_in(&self) -> impl Iterator<Item = (&'static str, Vec<&str>)> {
        SIGN_IN_KEYS.into_iter().filter_map(|key| Some((key, alternatives(self.text(&format!("/{key}"))?))))
    }

    /// Returns whether the entry has a pagination.
    pub(super) fn has_pagination(&self) -> bool {
        self.raw.pointer("/proxy/paginate").is_some()
    }

    /// Returns whether pagination parameters are sent in the body of the request.
    pub(super) fn paginates_in_body(&self) -> bool {
        self.raw.pointer("/proxy/paginate/in_body").and_then(Value::as_bool) == Some(true)
    }

    /// Returns the names of request parameters in `paginate`, by key.
    pub(super) fn request_names(&self) -> Vec<(&'static str, &str)> {
        self.pagination_values(&REQUEST_KEYS)
    }

    /// Returns the response paths in `paginate`, by key.
    pub(super) fn response_paths(&self) -> Vec<(&'static str, &str)> {
        self.pagination_values(&RESPONSE_KEYS)
    }

    /// Returns whether the next page is a link in a response header.
    pub(super) fn has_link_header(&self) -> bool {
        self.text("/proxy/paginate/link_rel_in_response_header").is_some()
    }

    /// Returns the path of the records in the response.
    pub(super) fn records(&self) -> Option<&str> {
        self.text("/proxy/paginate/response_path")
    }

    fn pagination_values(&self, keys: &[&'static str]) -> Vec<(&'static str, &str)> {
        let pages = self.raw.pointer("/proxy/paginate");
        keys.iter().filter_map(|key| Some((*key, pages?.get(key)?.as_str()?))).collect()
    }

    /// Returns the request that verifies a credential.
    pub(super) fn probe(&self) -> Option<Probe> {
        let verification = self.raw.pointer("/proxy/verification")?;
        let endpoints = verification.get("endpoints")?.as_array()?.iter().filter_map(Value::as_str);
        let endpoints = endpoints.flat_map(alternatives).map(str::to_owned).collect();
        let own = verification.get("base_url_override").and_then(Value::as_str).map(alternatives);
        let has_own_base_url = own.is_some();
        let bases = own.unwrap_or_else(|| self.bases());
        let response_fields = verification
            .pointer("/data/query")
            .and_then(Value::as_str)
            .map(graphql_response_fields)
            .unwrap_or_default();
        let method = verification.get("method").and_then(Value::as_str).unwrap_or("GET").to_uppercase();
        Some(Probe {
            method,
            endpoints,
            bases: bases.into_iter().map(str::to_owned).collect(),
            response_fields,
            has_own_base_url,
        })
    }
}

/// Splits a template into its alternatives; the product uses the first one whose values are known.
fn alternatives(template: &str) -> Vec<&str> {
    template.split(" || ").map(str::trim).collect()
}

/// Returns the response paths of a GraphQL query without arguments: `data.viewer` and `data.viewer.id` for
/// `{ viewer { id } }`.
fn graphql_response_fields(query: &str) -> Vec<String> {
    let mut parents = Vec::new();
    let mut last = "data";
    let mut fields = Vec::new();
    for word in query.split_whitespace() {
        match word {
            "{" => parents.push(last),
            "}" => drop(parents.pop()),
            name => {
                last = name;
                fields.push(format!("{}.{name}", parents.join(".")));
            }
        }
    }
    fields
}

#[test]
fn graphql_query_returns_paths_of_its_fields() {
    assert_eq!(graphql_response_fields("{ viewer { id } }"), ["data.viewer", "data.viewer.id"]);
}
