//! One entry of a list: a host, the hosts below one, an address, a network.

use std::{fmt, net::IpAddr, str::FromStr};

use url::Host;

use super::{address, plain};

/// Which hosts or addresses an entry is about: `api.example.com`, `*.example.com`, `*`, `10.1.2.3`, `10.0.0.0/8`,
/// `fd00::/8`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule(Subject);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Subject {
    /// Everything.
    All,
    Host(String),
    /// All hosts below this one; begins with a dot.
    Below(String),
    /// The first bits of an address.
    Network(IpAddr, u8),
}

/// Why a text is no rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is neither a host (`api.example.com`, `*.example.com`, `*`) nor an address (`10.1.2.3`, `10.0.0.0/8`)")]
pub struct NoRule;

impl FromStr for Rule {
    type Err = NoRule;

    fn from_str(text: &str) -> Result<Self, NoRule> {
        let text = text.trim();
        if text == "*" {
            return Ok(Self(Subject::All));
        }
        if let Some((first, bits)) = text.split_once('/') {
            let first: IpAddr = first.parse().map_err(|_| NoRule)?;
            let bits: u8 = bits.parse().map_err(|_| NoRule)?;
            return (bits <= width(first)).then_some(Self(Subject::Network(first, bits))).ok_or(NoRule);
        }
        if let Ok(written) = text.trim_matches(['[', ']']).parse::<IpAddr>() {
            let address = address::inner(written);
            return Ok(Self(Subject::Network(address, width(address))));
        }
        let (below, name) = text.strip_prefix("*.").map_or((false, text), |name| (true, name));
        if name.contains('*') {
            return Err(NoRule);
        }
        match Host::parse(name).map_err(|_| NoRule)? {
            Host::Domain(name) if below => Ok(Self(Subject::Below(format!(".{}", plain(&name))))),
            Host::Domain(name) => Ok(Self(Subject::Host(plain(&name)))),
            Host::Ipv4(address) if !below => Ok(Self(Subject::Network(address.into(), 32))),
            _ => Err(NoRule),
        }
    }
}

impl Rule {
    /// Whether it is about a host or an address, as a URL writes it.
    pub(crate) fn covers(&self, host: &str) -> bool {
        let address = host.trim_matches(['[', ']']).parse().ok();
        self.weight_of_name(&plain(host)).is_some()
            || address.is_some_and(|address| self.weight_of_address(address::inner(address)).is_some())
    }

    /// Whether it is about this address alone.
    pub(super) fn is_exactly(&self, address: IpAddr) -> bool {
        matches!(&self.0, Subject::Network(first, bits) if *first == address && *bits == width(address))
    }

    /// Whether it is about every host.
    pub(crate) fn is_everything(&self) -> bool {
        matches!(self.0, Subject::All | Subject::Network(_, 0))
    }

    /// How specific the rule is about a host; `None`: it is about others.
    pub(super) fn weight_of_name(&self, name: &str) -> Option<u32> {
        match &self.0 {
            Subject::All => Some(0),
            Subject::Host(host) => (host == name).then_some(u32::MAX),
            Subject::Below(suffix) => {
                name.ends_with(suffix.as_str()).then(|| u32::try_from(suffix.len()).unwrap_or(u32::MAX - 1))
            }
            Subject::Network(..) => None,
        }
    }

    /// How specific it is about an address, to which a `*` says nothing: it is about hosts.
    pub(super) fn weight_of_address(&self, address: IpAddr) -> Option<u32> {
        let Subject::Network(first, bits) = &self.0 else { return None };
        let same = match (first, address) {
            (IpAddr::V4(a), IpAddr::V4(b)) => agree(a.to_bits().into(), b.to_bits().into(), 32, *bits),
            (IpAddr::V6(a), IpAddr::V6(b)) => agree(a.to_bits(), b.to_bits(), 128, *bits),
            _ => false,
        };
        same.then(|| u32::from(*bits))
    }
}

/// Whether the first `bits` of two numbers are the same.
fn agree(a: u128, b: u128, width: u32, bits: u8) -> bool {
    (a ^ b).checked_shr(width - u32::from(bits)).is_none_or(|rest| rest == 0)
}

fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Subject::All => f.write_str("*"),
            Subject::Host(name) => f.write_str(name),
            Subject::Below(suffix) => write!(f, "*{suffix}"),
            Subject::Network(address, bits) if *bits == width(*address) => write!(f, "{address}"),
            Subject::Network(first, bits) => write!(f, "{first}/{bits}"),
        }
    }
}
