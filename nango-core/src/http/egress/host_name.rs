//! Comparison of host names.

/// Returns a host name in the form in which it is compared: lower case, without the trailing dot.
pub(super) fn normalized_host(host: &str) -> String {
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}
