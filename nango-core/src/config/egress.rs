//! Which places may be reached: the file's `[egress]`, and the hosts that it names elsewhere.

use url::{Host, Url};

use super::Config;
use crate::{
    http::{Policy, Rule},
    provider::Catalogue,
};

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
    /// Which places may be reached: as `[egress]` says, and the hosts that the operator wrote down, in base URLs and
    /// trusted origins of integrations and in a file of providers. A host with a value of the connection in it was not written by the
    /// operator alone, and gets no leave.
    pub fn policy(&self, catalogue: &Catalogue) -> Policy {
        let Egress { allow, deny, private } = self.egress.clone();
        let mut policy = Policy::new(allow, deny, private);
        let settings = self.integrations.values().flat_map(|settings| {
            settings.base_url.as_deref().into_iter().chain(settings.trusted_origins.iter().map(String::as_str))
        });
        for text in settings.chain(catalogue.own_urls()) {
            let url = Url::parse(text).ok();
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
    use std::path::Path;

    use super::*;
    use crate::config::{Flags, Sources};

    #[test]
    fn base_urls_are_places_that_the_operator_named() {
        let file = "[egress]\nallow = ['10.1.0.0/16']\n[integrations.a]\nbase_url = 'http://127.0.0.1:8080/api'\n\
                    [integrations.b]\nbase_url = 'https://${connectionConfig.x}.internal/${connectionConfig.y}'\n\
                    [integrations.c]\nbase_url = 'https://[::1]/'\n";
        let file = Some(("nango.toml".into(), file.to_owned()));
        let own = "own:\n  auth_mode: OAUTH2_CC\n  token_url: http://127.0.0.3/token\n  proxy: { base_url: 'http://127.0.0.4' }\n\
                   other:\n  auth_mode: NONE\n  proxy: { base_url: 'https://${connectionConfig.host}' }\n";
        let catalogue = Catalogue::load(Some((Path::new("providers.yaml"), own))).unwrap();
        let config = Config::load(Sources { flags: Flags::default(), file, ..Sources::default() }).unwrap();
        let policy = config.policy(&catalogue);
        let reaches = |url: &str| policy.check(&url.parse().unwrap()).is_ok();
        assert!(reaches("http://127.0.0.1:9/") && reaches("http://[::1]/") && reaches("http://10.1.2.3/"));
        assert!(reaches("http://127.0.0.3/") && reaches("http://127.0.0.4/x"));
        assert!(!reaches("http://127.0.0.2/") && !reaches("http://10.2.0.1/"));
    }
}
