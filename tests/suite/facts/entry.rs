//! The parts of a built-in entry that a description can speak of.

use serde_json::Value;

/// The keys of `paginate` that name something in the request.
const REQUEST: [&str; 3] = ["cursor_name_in_request", "offset_name_in_request", "limit_name_in_request"];
/// The keys of `paginate` that name a place in the answer.
const ANSWER: [&str; 8] = [
    "cursor_path_in_response",
    "link_path_in_response_body",
    "response_path",
    "last_item_id",
    "has_more_path",
    "is_last_path",
    "total_path",
    "total_pages_path",
];
/// The keys with addresses for signing in.
const SIGN_IN: [&str; 3] = ["authorization_url", "token_url", "refresh_url"];

/// An entry of the built-in file.
#[derive(Debug)]
pub(super) struct Entry {
    raw: Value,
}

/// The request with which an entry verifies a credential.
#[derive(Debug)]
pub(super) struct Probe {
    pub(super) method: String,
    /// Whole addresses, with `${…}` for what varies.
    pub(super) addresses: Vec<String>,
    /// Set if its base address is not that of the API.
    pub(super) elsewhere: bool,
}

impl Entry {
    /// Takes an entry as `registry providers show --json` prints it.
    pub(super) fn new(raw: Value) -> Self {
        Self { raw }
    }

    fn text(&self, path: &str) -> Option<&str> {
        self.raw.pointer(path).and_then(Value::as_str)
    }

    /// Returns the base address in each of its forms.
    pub(super) fn bases(&self) -> Vec<&str> {
        self.text("/proxy/base_url").map(alternatives).unwrap_or_default()
    }

    /// Returns the addresses for signing in, by key.
    pub(super) fn sign_in(&self) -> impl Iterator<Item = (&'static str, Vec<&str>)> {
        SIGN_IN.into_iter().filter_map(|key| Some((key, alternatives(self.text(&format!("/{key}"))?))))
    }

    /// Returns whether the entry has a pagination.
    pub(super) fn has_pages(&self) -> bool {
        self.raw.pointer("/proxy/paginate").is_some()
    }

    /// Returns whether the pagination goes into the body of the request.
    pub(super) fn pages_in_body(&self) -> bool {
        self.raw.pointer("/proxy/paginate/in_body").and_then(Value::as_bool) == Some(true)
    }

    /// Returns the names of `paginate` in the request, by key.
    pub(super) fn request_names(&self) -> Vec<(&'static str, &str)> {
        self.of_pages(&REQUEST)
    }

    /// Returns the paths of `paginate` in the answer, by key.
    pub(super) fn answer_paths(&self) -> Vec<(&'static str, &str)> {
        self.of_pages(&ANSWER)
    }

    /// Returns whether the next page is a link in a header.
    pub(super) fn has_link_header(&self) -> bool {
        self.text("/proxy/paginate/link_rel_in_response_header").is_some()
    }

    /// Returns the path of the records.
    pub(super) fn records(&self) -> Option<&str> {
        self.text("/proxy/paginate/response_path")
    }

    fn of_pages(&self, keys: &[&'static str]) -> Vec<(&'static str, &str)> {
        let pages = self.raw.pointer("/proxy/paginate");
        keys.iter().filter_map(|key| Some((*key, pages?.get(key)?.as_str()?))).collect()
    }

    /// Returns the request that verifies a credential.
    pub(super) fn probe(&self) -> Option<Probe> {
        let verification = self.raw.pointer("/proxy/verification")?;
        let endpoints = verification.get("endpoints")?.as_array()?.iter().filter_map(Value::as_str);
        let own = verification.get("base_url_override").and_then(Value::as_str).map(alternatives);
        let elsewhere = own.is_some();
        let bases = own.unwrap_or_else(|| self.bases());
        let addresses = endpoints.flat_map(|endpoint| bases.iter().map(move |base| format!("{base}{endpoint}")));
        let method = verification.get("method").and_then(Value::as_str).unwrap_or("GET").to_uppercase();
        Some(Probe { method, addresses: addresses.collect(), elsewhere })
    }
}

/// Splits a template into its forms, of which the program uses the first whose values are known.
fn alternatives(template: &str) -> Vec<&str> {
    template.split(" || ").map(str::trim).collect()
}
