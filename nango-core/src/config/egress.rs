//! Which places may be reached: the file's `[egress]`, and the hosts that it names elsewhere.

use url::{Host, Url};

use super::Config;
use crate::http::{Policy, Rule};

/// What the file says about places beside base URLs. Default: public addresses only.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Egress {
    /// Hosts, addresses and networks that may be reached although they are not public, or although a wider entry of
    /// `deny` is about them.
    pub allow: Vec<Rule>,
    /// Hosts, addresses and networks that may not be reached. `*` leaves only what `allow` and the base URLs name.
    pub deny: Vec<Rule>,
    /// Whether private networks and this machine may be reached. Default `false`.
    pub private: bool,
}

impl Config {
    /// Which places may be reached: as `[egress]` says, and the hosts of the integrations' base URLs, which the operator
    /// wrote down. A host with a value of the connection in it was not written by the operator alone, and gets no leave.
    pub fn policy(&self) -> Policy {
        let Egress { allow, deny, private } = self.egress.clone();
        let mut policy = Policy::new(allow, deny, private);
        for settings in self.integrations.values() {
            let url = settings.base_url.as_deref().and_then(|text| Url::parse(text).ok());
            match url.as_ref().and_then(Url::host) {
                Some(Host::Domain(name)) if !name.contains(['$', '{', '%']) => policy.allow_host(name),
                Some(host @ (Host::Ipv4(_) | Host::Ipv6(_))) => policy.allow_host(&host.to_string()),
                _ => {}
            }
        }
        policy
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Flags, Sources};

    #[test]
    fn base_urls_are_places_that_the_operator_named() {
        let file = "[egress]\nallow = ['10.1.0.0/16']\n[integrations.a]\nbase_url = 'http://127.0.0.1:8080/api'\n\
                    [integrations.b]\nbase_url = 'https://${connectionConfig.x}.internal/${connectionConfig.y}'\n\
                    [integrations.c]\nbase_url = 'https://[::1]/'\n";
        let file = Some(("nango.toml".into(), file.to_owned()));
        let policy = Config::load(Sources { flags: Flags::default(), file, ..Sources::default() }).unwrap().policy();
        let reaches = |url: &str| policy.check(&url.parse().unwrap()).is_ok();
        assert!(reaches("http://127.0.0.1:9/") && reaches("http://[::1]/") && reaches("http://10.1.2.3/"));
        assert!(!reaches("http://127.0.0.2/") && !reaches("http://10.2.0.1/"));
    }
}
