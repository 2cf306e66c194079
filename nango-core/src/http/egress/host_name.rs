//! Comparison of host names.

use url::{Host, Url};

/// Returns a host name in the form in which it is compared: lower case, without the trailing dot.
pub(super) fn normalized_host(host: &str) -> String {
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

/// Returns whether a normalized name means this machine by definition (RFC 6761), whatever a resolver returns.
pub(super) fn is_local_name(name: &str) -> bool {
    name == "localhost" || name.ends_with(".localhost")
}

/// Returns whether a URL leads to this machine.
pub(crate) fn is_local_url(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => is_local_name(&normalized_host(name)),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
