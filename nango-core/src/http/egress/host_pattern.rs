//! Entries of egress lists: a host, its subdomains, an address, or a network.

use std::{fmt, net::IpAddr, str::FromStr};

use url::Host;

use super::{address, host_name::normalized_host};

/// Pattern of hosts or addresses: `api.example.com`, `*.example.com`, `*`, `10.1.2.3`, `10.0.0.0/8`,
/// `fd00::/8`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPattern(PatternKind);

#[derive(Debug, Clone, PartialEq, Eq)]
enum PatternKind {
    /// Every host (`*`).
    All,
    Host(String),
    /// All subdomains of a host; the text begins with a dot.
    Subdomains(String),
    /// A network: its address and prefix length in bits.
    Network(IpAddr, u8),
}

/// Error of a text that is not a host pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is neither a host (`api.example.com`, `*.example.com`, `*`) nor an address (`10.1.2.3`, `10.0.0.0/8`)")]
pub struct ParseHostPatternError;

impl FromStr for HostPattern {
    type Err = ParseHostPatternError;

    fn from_str(text: &str) -> Result<Self, ParseHostPatternError> {
        let text = text.trim();
        if text == "*" {
            return Ok(Self(PatternKind::All));
        }
        if let Some((first, bits)) = text.split_once('/') {
            let first: IpAddr = first.parse().map_err(|_| ParseHostPatternError)?;
            let bits: u8 = bits.parse().map_err(|_| ParseHostPatternError)?;
            return (bits <= bit_width(first))
                .then_some(Self(PatternKind::Network(first, bits)))
                .ok_or(ParseHostPatternError);
        }
        if let Ok(written) = text.trim_matches(['[', ']']).parse::<IpAddr>() {
            let address = address::unmapped(written);
            return Ok(Self(PatternKind::Network(address, bit_width(address))));
        }
        let (is_suffix, name) = text.strip_prefix("*.").map_or((false, text), |name| (true, name));
        if name.contains('*') {
            return Err(ParseHostPatternError);
        }
        match Host::parse(name).map_err(|_| ParseHostPatternError)? {
            Host::Domain(name) if is_suffix => {
                Ok(Self(PatternKind::Subdomains(format!(".{}", normalized_host(&name)))))
            }
            Host::Domain(name) => Ok(Self(PatternKind::Host(normalized_host(&name)))),
            Host::Ipv4(address) if !is_suffix => Ok(Self(PatternKind::Network(address.into(), 32))),
            _ => Err(ParseHostPatternError),
        }
    }
}

impl HostPattern {
    /// Returns whether the pattern matches a host or an address, as a URL writes it.
    pub(crate) fn matches(&self, host: &str) -> bool {
        let address = host.trim_matches(['[', ']']).parse().ok();
        self.name_specificity(&normalized_host(host)).is_some()
            || address.is_some_and(|address| self.address_specificity(address::unmapped(address)).is_some())
    }

    /// Returns whether the pattern is exactly this address.
    pub(super) fn is_single_address(&self, address: IpAddr) -> bool {
        matches!(&self.0, PatternKind::Network(first, bits) if *first == address && *bits == bit_width(address))
    }

    /// Returns whether the pattern matches every host or every address.
    pub(crate) fn matches_all(&self) -> bool {
        matches!(self.0, PatternKind::All | PatternKind::Network(_, 0))
    }

    /// Returns the specificity of the pattern for a host name; `None`: it does not match.
    pub(super) fn name_specificity(&self, name: &str) -> Option<u32> {
        match &self.0 {
            PatternKind::All => Some(0),
            PatternKind::Host(host) => (host == name).then_some(u32::MAX),
            PatternKind::Subdomains(suffix) => {
                name.ends_with(suffix.as_str()).then(|| u32::try_from(suffix.len()).unwrap_or(u32::MAX - 1))
            }
            PatternKind::Network(..) => None,
        }
    }

    /// Returns the specificity of the pattern for an address; `None`: it does not match. `*` matches host names only.
    pub(super) fn address_specificity(&self, address: IpAddr) -> Option<u32> {
        let PatternKind::Network(first, bits) = &self.0 else { return None };
        let same = match (first, address) {
            (IpAddr::V4(a), IpAddr::V4(b)) => same_prefix(a.to_bits().into(), b.to_bits().into(), 32, *bits),
            (IpAddr::V6(a), IpAddr::V6(b)) => same_prefix(a.to_bits(), b.to_bits(), 128, *bits),
            _ => false,
        };
        same.then(|| u32::from(*bits))
    }
}

/// Returns whether the first `bits` of two numbers are the same.
fn same_prefix(a: u128, b: u128, width: u32, bits: u8) -> bool {
    (a ^ b).checked_shr(width - u32::from(bits)).is_none_or(|rest| rest == 0)
}

fn bit_width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            PatternKind::All => f.write_str("*"),
            PatternKind::Host(name) => f.write_str(name),
            PatternKind::Subdomains(suffix) => write!(f, "*{suffix}"),
            PatternKind::Network(address, bits) if *bits == bit_width(*address) => write!(f, "{address}"),
            PatternKind::Network(first, bits) => write!(f, "{first}/{bits}"),
        }
    }
}
