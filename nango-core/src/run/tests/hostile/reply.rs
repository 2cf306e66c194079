//! A response of the API before it is sent, and what is read from a request.

use url::Url;

/// A response of the API.
#[derive(Debug, Clone)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, Vec<u8>)>,
    pub(super) body: Vec<u8>,
    pub(super) records: Vec<u64>,
}

/// Returns a response without headers and records.
pub(super) fn reply(status: u16, body: Vec<u8>) -> Reply {
    Reply { status, headers: Vec::new(), body, records: Vec::new() }
}

/// Adds a header to a response.
pub(super) fn with(mut reply: Reply, name: &'static str, value: &str) -> Reply {
    reply.headers.push((name, value.as_bytes().to_vec()));
    reply
}

/// Returns the value of a query parameter.
pub(super) fn query(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(there, _)| there == name).map(|(_, value)| value.into_owned())
}
