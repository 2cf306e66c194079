//! Egress policy: the hosts and addresses that outbound requests may reach.
//!
//! Base URLs, links of pages, redirects and webhook targets come from others: an API, a customer, the author of a
//! connection's configuration. None of them may make this process send requests into its own network (SSRF). Addresses
//! that are not public are therefore refused, unless the operator allows them.
//!
//! Invariant: the address that is dialled is the address that was checked. [`PolicyResolver`] resolves host names and
//! returns only allowed addresses, and an IP address in a URL is checked before each request. No second resolution
//! happens between check and connection, so that DNS rebinding has no effect.
//!
//! Behind a proxy, the proxy resolves names, so that only host names and literal addresses are checked here. Restrict
//! resolved addresses in the proxy.

mod address;
mod host_name;
mod host_pattern;
mod resolve;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr},
};

use url::{Host, Url};

use address::AddressScope;
pub(crate) use host_name::is_local_url;
use host_name::{is_local_name, normalized_host};
pub(crate) use host_pattern::HostPattern;
pub(super) use resolve::{PolicyResolver, SystemResolver};

/// Rules for the hosts and addresses that requests may reach. Default: every public address, and nothing else.
///
/// The most specific rule applies: a host or an address before a `*.suffix` or a network, a longer one before a shorter
/// one, and of equal ones the denial. A denied name is not reached at an allowed address, nor a denied address by an
/// allowed name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EgressPolicy {
    allow: Vec<HostPattern>,
    deny: Vec<HostPattern>,
    allow_private: bool,
    /// Hosts and ports that the operator configured for an integration, as URLs write them, by integration.
    exceptions: BTreeMap<String, BTreeSet<(String, u16)>>,
}

/// Error of a request to a host or address that the policy denies.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{host}` may not be reached: {reason}")]
pub struct EgressDenied {
    host: String,
    reason: String,
}

impl EgressDenied {
    /// Creates the error of a host, with the rule that denies it.
    pub(crate) fn new(host: String, reason: String) -> Self {
        Self { host, reason }
    }

    /// Returns host and reason.
    pub(crate) fn parts(&self) -> (&str, &str) {
        (&self.host, &self.reason)
    }
}

/// Returns the error of a request whose target is a proxy from the environment.
pub(super) fn proxy_denied(host: &str) -> EgressDenied {
    let reason = format!("it is a proxy of the environment; `[egress] allow = [\"{host}\"]` in nango.toml allows it");
    EgressDenied { host: host.to_owned(), reason }
}

impl EgressPolicy {
    /// Creates a policy from its rules. `allow_private`: whether private networks and this machine may be reached.
    /// Addresses of cloud metadata services, and addresses that are not of a single host, always need a rule of their
    /// own.
    pub fn new(allow: Vec<HostPattern>, deny: Vec<HostPattern>, allow_private: bool) -> Self {
        Self { allow, deny, allow_private, exceptions: BTreeMap::new() }
    }

    /// Allows the host and port of a URL that the operator configured for an integration, such as its base URL in
    /// `nango.toml`, for requests of that integration only.
    pub fn allow_for(&mut self, integration: &str, url: &Url) {
        if let Some(host_port) = host_and_port(url) {
            self.exceptions.entry(integration.to_owned()).or_default().insert(host_port);
        }
    }

    /// Returns whether the operator configured this host and port for the integration.
    pub(super) fn is_exception(&self, integration: Option<&str>, url: &Url) -> bool {
        let listed = integration.and_then(|integration| self.exceptions.get(integration));
        listed.zip(host_and_port(url)).is_some_and(|(listed, host_port)| listed.contains(&host_port))
    }

    /// Checks the target of a request of an integration, as far as its URL shows it: a host name is checked by its name
    /// here, and by its addresses when it is resolved.
    ///
    /// # Errors
    ///
    /// Fails if the policy denies the host's name or address.
    pub fn check(&self, integration: Option<&str>, url: &Url) -> Result<(), EgressDenied> {
        let exception = self.is_exception(integration, url);
        match url.host() {
            Some(Host::Domain(name)) => {
                let name = normalized_host(name);
                self.check_name(&name, exception)?;
                if is_local_name(&name) {
                    self.check_address(&name, Ipv4Addr::LOCALHOST.into(), exception)
                } else {
                    Ok(())
                }
            }
            Some(Host::Ipv4(address)) => self.check_literal(address.into(), exception),
            Some(Host::Ipv6(address)) => self.check_literal(address.into(), exception),
            None => Ok(()),
        }
    }

    /// Returns whether a rule allows this host by its name.
    pub(super) fn is_allowed_by_name(&self, host: &str) -> bool {
        let host = normalized_host(host);
        self.most_specific(|rule| rule.name_specificity(&host)) == Some(true)
    }

    /// Returns the addresses of a host that may be dialled. `exception`: whether the operator configured the host and
    /// port for the requesting integration.
    ///
    /// # Errors
    ///
    /// Fails if all addresses are denied; the reason is that of the first.
    pub(super) fn filter_addresses<A: Into<IpAddr> + Copy>(
        &self,
        name: &str,
        found: Vec<A>,
        exception: bool,
    ) -> Result<Vec<A>, EgressDenied> {
        let name = normalized_host(name);
        self.check_name(&name, exception)?;
        let mut first = None;
        let allowed =
            found.into_iter().filter(|address| match self.check_address(&name, (*address).into(), exception) {
                Ok(()) => true,
                Err(refusal) => {
                    first.get_or_insert(refusal);
                    false
                }
            });
        let allowed: Vec<A> = allowed.collect();
        match first {
            Some(refusal) if allowed.is_empty() => Err(refusal),
            _ => Ok(allowed),
        }
    }

    fn check_name(&self, name: &str, exception: bool) -> Result<(), EgressDenied> {
        if !exception && self.most_specific(|rule| rule.name_specificity(name)) == Some(false) {
            return Err(EgressDenied { host: name.to_owned(), reason: DENIED.to_owned() });
        }
        Ok(())
    }

    /// Checks a literal address in a URL. It is also the host, so that `*` matches it.
    fn check_literal(&self, address: IpAddr, exception: bool) -> Result<(), EgressDenied> {
        let address = address::unmapped(address);
        let host = bracketed(address);
        self.check_name(&host, exception)?;
        self.check_address(&host, address, exception)
    }

    /// Checks an address that `host` resolves to.
    fn check_address(&self, host: &str, address: IpAddr, exception: bool) -> Result<(), EgressDenied> {
        let refuse = |reason: String| Err(EgressDenied { host: host.to_owned(), reason });
        // An IPv4 address embedded in an IPv6 address is the one that is reached.
        let address = address::unmapped(address);
        let by_address = self.most_specific(|rule| rule.address_specificity(address));
        if by_address == Some(false) {
            return refuse(DENIED.to_owned());
        }
        // An allowed network does not include its metadata service, nor does a base URL.
        if address::is_metadata(address) {
            let listed = self.allow.iter().any(|rule| rule.is_single_address(address));
            let refusal =
                || refuse(format!("{} {}; {NEEDS_EXACT_RULE}", error_subject(host, address), address::IS_METADATA));
            return if listed { Ok(()) } else { refusal() };
        }
        if by_address == Some(true) {
            return Ok(());
        }
        // A rule for every host does not apply to hosts in private networks.
        let named = |rule: &HostPattern| rule.name_specificity(host).filter(|weight| *weight > 0);
        let by_name = exception || self.most_specific(named) == Some(true);
        let subject = error_subject(host, address);
        match address::scope_of(address) {
            AddressScope::Public => Ok(()),
            AddressScope::Private if self.allow_private || by_name => Ok(()),
            AddressScope::Private => {
                let entry = host.trim_matches(['[', ']']);
                refuse(format!("{subject} is private; `[egress] allow = [\"{entry}\"]` in nango.toml allows it"))
            }
            AddressScope::Special(_) if exception && host == bracketed(address) => Ok(()),
            AddressScope::Special(what) => refuse(format!("{subject} {what}; {NEEDS_EXACT_RULE}")),
        }
    }

    /// Returns the decision of the most specific rule; `None`: no rule matches.
    fn most_specific(&self, weight: impl Fn(&HostPattern) -> Option<u32>) -> Option<bool> {
        let heaviest = |rules: &[HostPattern]| rules.iter().filter_map(&weight).max();
        match (heaviest(&self.allow), heaviest(&self.deny)) {
            (None, None) => None,
            (allow, deny) => Some(allow > deny),
        }
    }
}

const NEEDS_EXACT_RULE: &str = "only its address under `[egress] allow` in nango.toml allows it";
const DENIED: &str = "it is denied by `[egress] deny` in nango.toml";

/// Returns the host and port of a URL; `None` if it has none.
fn host_and_port(url: &Url) -> Option<(String, u16)> {
    Some((normalized_host(url.host_str()?), url.port_or_known_default()?))
}

/// Returns the subject of a refusal. The address of a name is not shown: the caller may be outside this network.
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
