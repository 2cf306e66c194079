//! Canonical form of parameters.

use nango_grammar::segment::encoded;
use url::form_urlencoded;

/// Returns the canonical form of parameters for signatures: names and values encoded by RFC 3986, sorted, joined by
/// `&`.
pub(in crate::provider) fn canonical_query(query: &[u8]) -> String {
    let mut pairs: Vec<(String, String)> =
        form_urlencoded::parse(query).map(|(name, value)| (encoded(&name), encoded(&value))).collect();
    pairs.sort();
    let pairs: Vec<String> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}
