//! Which places may be reached.
//!
//! Base URLs, links of pages, redirects and webhook targets are chosen by others: an API, a customer, whoever writes a
//! connection's configuration. None of them may make this process speak to the network that it stands in. So addresses
//! that are not public are refused, unless the operator allows them.
//!
//! Must stay true: what is dialled is what was checked. A host's name is resolved by [`Checked`], which gives out only
//! addresses that passed, and an address that is written in a URL is checked before each request; there is no second
//! resolution between the check and the connection that a name could use to change its mind.
//!
//! Behind a proxy the proxy resolves names, so that only names and written addresses can be checked here: whoever wants
//! more sets it up there.

mod address;
mod host_pattern;
mod resolve;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr},
};

use url::{Host, Url};

use address::AddressScope;
pub use host_pattern::{HostPattern, ParseHostPatternError};
pub(super) use resolve::{PolicyResolver, SystemResolver};

/// Which places may be reached. Default: every public address, and nothing else.
///
/// The most specific rule counts: a host or an address over a `*.suffix` or a network, a longer one over a shorter one,
/// and of equal ones the denial. A name that is denied is not reached at an allowed address, nor a denied address by an
/// allowed name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EgressPolicy {
    allow: Vec<HostPattern>,
    deny: Vec<HostPattern>,
    allow_private: bool,
    /// Hosts and ports that the operator wrote down for an integration, by integration, as URLs name them.
    exceptions: BTreeMap<String, BTreeSet<(String, u16)>>,
}

/// Why a place may not be reached.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{host}` may not be reached: {reason}")]
pub struct EgressDenied {
    host: String,
    reason: String,
}

/// The refusal of a proxy as the end of a request.
pub(super) fn proxy_denied(host: &str) -> EgressDenied {
    let reason = format!("it is a proxy of the environment; `[egress] allow = [\"{host}\"]` in nango.toml allows it");
    EgressDenied { host: host.to_owned(), reason }
}

impl EgressPolicy {
    /// A policy of these rules. `private`: whether private networks and this machine may be reached. Addresses that
    /// give out credentials of the machine, and those that are no machine's, need a rule of their own in any case.
    pub fn new(allow: Vec<HostPattern>, deny: Vec<HostPattern>, allow_private: bool) -> Self {
        Self { allow, deny, allow_private, exceptions: BTreeMap::new() }
    }

    /// Allows the host and port of a URL that the operator wrote down for an integration, such as its base URL in
    /// `nango.toml`: for requests of that integration, and for no other.
    pub fn allow_for(&mut self, integration: &str, url: &Url) {
        if let Some(host_port) = host_and_port(url) {
            self.exceptions.entry(integration.to_owned()).or_default().insert(host_port);
        }
    }

    /// Whether the operator wrote this host and port down for the integration.
    pub(super) fn is_exception(&self, integration: Option<&str>, url: &Url) -> bool {
        let listed = integration.and_then(|integration| self.exceptions.get(integration));
        listed.zip(host_and_port(url)).is_some_and(|(listed, host_port)| listed.contains(&host_port))
    }

    /// Checks where a request of an integration goes, as far as its URL tells.
    ///
    /// # Errors
    ///
    /// The host's name or address is refused.
    pub fn check(&self, integration: Option<&str>, url: &Url) -> Result<(), EgressDenied> {
        let exception = self.is_exception(integration, url);
        match url.host() {
            Some(Host::Domain(name)) => {
                let name = normalized_host(name);
                self.check_name(&name, exception)?;
                // A name of this machine by definition, whoever resolves it.
                let local = name == "localhost" || name.ends_with(".localhost");
                if local { self.check_address(&name, Ipv4Addr::LOCALHOST.into(), exception) } else { Ok(()) }
            }
            Some(Host::Ipv4(address)) => self.check_literal(address.into(), exception),
            Some(Host::Ipv6(address)) => self.check_literal(address.into(), exception),
            None => Ok(()),
        }
    }

    /// Whether a rule names this host as one that may be reached.
    pub(super) fn is_allowed_by_name(&self, host: &str) -> bool {
        let host = normalized_host(host);
        self.most_specific(|rule| rule.name_specificity(&host)) == Some(true)
    }

    /// The addresses of a host that may be dialled. `exception`: whether the operator wrote the host and port down for
    /// the integration that asks.
    ///
    /// # Errors
    ///
    /// None of them may; the reason is that of the first.
    pub(super) fn filter_addresses<A: Into<IpAddr> + Copy>(
        &self,
        name: &str,
        found: Vec<A>,
        exception: bool,
    ) -> Result<Vec<A>, EgressDenied> {
        let name = normalized_host(name);
        self.check_name(&name, exception)?;
        let mut first = None;
        let passed =
            found.into_iter().filter(|address| match self.check_address(&name, (*address).into(), exception) {
                Ok(()) => true,
                Err(refusal) => {
                    first.get_or_insert(refusal);
                    false
                }
            });
        let passed: Vec<A> = passed.collect();
        match first {
            Some(refusal) if passed.is_empty() => Err(refusal),
            _ => Ok(passed),
        }
    }

    fn check_name(&self, name: &str, exception: bool) -> Result<(), EgressDenied> {
        if !exception && self.most_specific(|rule| rule.name_specificity(name)) == Some(false) {
            return Err(EgressDenied { host: name.to_owned(), reason: DENIED.to_owned() });
        }
        Ok(())
    }

    /// Checks an address that stands in a URL: it is its own host, so that `*` is about it, too.
    fn check_literal(&self, address: IpAddr, exception: bool) -> Result<(), EgressDenied> {
        let address = address::unmapped(address);
        let host = bracketed(address);
        self.check_name(&host, exception)?;
        self.check_address(&host, address, exception)
    }

    /// Checks an address that `host` stands for.
    fn check_address(&self, host: &str, address: IpAddr, exception: bool) -> Result<(), EgressDenied> {
        let refuse = |reason: String| Err(EgressDenied { host: host.to_owned(), reason });
        // An address inside of an address is the one that is reached.
        let address = address::unmapped(address);
        let by_address = self.most_specific(|rule| rule.address_specificity(address));
        if by_address == Some(false) {
            return refuse(DENIED.to_owned());
        }
        // A network that is allowed does not open the metadata service in it, nor does a base URL.
        if address::is_metadata(address) {
            let listed = self.allow.iter().any(|rule| rule.is_single_address(address));
            let refusal =
                || refuse(format!("{} {}; {NEEDS_EXACT_RULE}", error_subject(host, address), address::IS_METADATA));
            return if listed { Ok(()) } else { refusal() };
        }
        if by_address == Some(true) {
            return Ok(());
        }
        // A rule about every host is none about hosts inside.
        let named = |rule: &HostPattern| rule.name_specificity(host).filter(|weight| *weight > 0);
        let by_name = exception || self.most_specific(named) == Some(true);
        let it = error_subject(host, address);
        match address::scope_of(address) {
            AddressScope::Public => Ok(()),
            AddressScope::Private if self.allow_private || by_name => Ok(()),
            AddressScope::Private => {
                let entry = host.trim_matches(['[', ']']);
                refuse(format!("{it} is private; `[egress] allow = [\"{entry}\"]` in nango.toml allows it"))
            }
            AddressScope::Special(_) if exception && host == bracketed(address) => Ok(()),
            AddressScope::Special(what) => refuse(format!("{it} {what}; {NEEDS_EXACT_RULE}")),
        }
    }

    /// What the most specific rule says; `None`: none is about it.
    fn most_specific(&self, weight: impl Fn(&HostPattern) -> Option<u32>) -> Option<bool> {
        let heaviest = |rules: &[HostPattern]| rules.iter().filter_map(&weight).max();
        match (heaviest(&self.allow), heaviest(&self.deny)) {
            (None, None) => None,
            (allow, deny) => Some(allow > deny),
        }
    }
}

const NEEDS_EXACT_RULE: &str = "only its address under `[egress] allow` in nango.toml allows it";
const DENIED: &str = "`[egress] deny` in nango.toml says so";

/// A host's name in the one form in which it is compared.
fn normalized_host(host: &str) -> String {
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

/// Host and port of a URL.
fn host_and_port(url: &Url) -> Option<(String, u16)> {
    Some((normalized_host(url.host_str()?), url.port_or_known_default()?))
}

/// The subject of a refusal. Where a name leads to inside is not shown: the caller may not be of this network.
fn error_subject(host: &str, address: IpAddr) -> &'static str {
    if host == bracketed(address) { "it" } else { "its address" }
}

fn bracketed(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}

#[cfg(test)]
mod tests;
