//! Egress policy from the configuration: the file's `[egress]`, and the hosts of integrations and providers.

use url::{Host, Url};

use super::Config;
use crate::{
    http::{EgressPolicy, HostPattern},
    provider::Catalogue,
};

/// Egress rules of the file (`[egress]`). Default: public addresses only.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Egress {
    /// Hosts, addresses and networks that may be reached although they are not public, or although a less specific
    /// entry of `deny` matches them.
    pub allow: Vec<HostPattern>,
    /// Hosts, addresses and networks that may not be reached. With `*`, only hosts of `allow` and of base URLs are
    /// reached.
    pub deny: Vec<HostPattern>,
    /// Whether private networks and this machine may be reached. Default `false`.
    pub allow_private: bool,
}

impl Config {
    /// Returns the egress policy: the rules of `[egress]`, and for each integration exceptions for the hosts and ports
    /// that the operator configured as base URL, as trusted origin, or in a file of providers. A host that contains a
    /// value of the connection is not chosen by the operator alone and becomes no exception.
    pub fn policy(&self, catalogue: &Catalogue) -> EgressPolicy {
        let Egress { allow, deny, allow_private } = self.egress.clone();
        let mut policy = EgressPolicy::new(allow, deny, allow_private);
        let mut allow = |integration: &str, text: &str| {
            let url = Url::parse(text).ok();
            let is_literal = match url.as_ref().and_then(Url::host) {
                Some(Host::Domain(name)) => !name.contains(['$', '{', '%']),
                Some(Host::Ipv4(_) | Host::Ipv6(_)) => true,
                None => false,
            };
            if let Some(url) = url.filter(|_| is_literal) {
                policy.allow_for(integration, &url);
            }
        };
        for (name, settings) in &self.integrations {
            let urls = settings.base_url.iter().chain(&settings.trusted_origins);
            urls.for_each(|text| allow(name, text));
        }
        for (provider, text) in catalogue.custom_urls() {
            allow(provider, text);
            for (name, settings) in &self.integrations {
                if settings.provider.as_deref() == Some(provider) {
                    allow(name, text);
                }
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
    fn base_urls_are_egress_exceptions() {
        let file = "[egress]\nallow = ['10.1.0.0/16']\n[integrations.a]\nbase_url = 'http://127.0.0.1:8080/api'\n\
                    [integrations.b]\nbase_url = 'https://${connectionConfig.x}.internal/${connectionConfig.y}'\n\
                    [integrations.c]\nbase_url = 'https://[::1]/'\n[integrations.d]\nprovider = 'own'\n";
        let file = Some(("nango.toml".into(), file.to_owned()));
        let own = "own:\n  auth_mode: OAUTH2_CC\n  token_url: http://127.0.0.3/token\n  proxy: { base_url: 'http://127.0.0.4' }\n\
                   other:\n  auth_mode: NONE\n  proxy: { base_url: 'https://${connectionConfig.host}' }\n";
        let catalogue = Catalogue::load(Some((Path::new("providers.yaml"), own))).unwrap();
        let config = Config::load(Sources { flags: Flags::default(), file, ..Sources::default() }).unwrap();
        let policy = config.policy(&catalogue);
        let reaches = |integration: &str, url: &str| policy.check(Some(integration), &url.parse().unwrap()).is_ok();
        assert!(reaches("a", "http://127.0.0.1:8080/x") && reaches("c", "https://[::1]/"));
        assert!(reaches("d", "http://10.1.2.3/") && policy.check(None, &"http://10.1.2.3/".parse().unwrap()).is_ok());
        assert!(reaches("own", "http://127.0.0.3/") && reaches("own", "http://127.0.0.4/x"));
        assert!(reaches("d", "http://127.0.0.3/") && reaches("d", "http://127.0.0.4/x"));
        for (integration, url) in [
            // Another port, another integration, another host.
            ("a", "http://127.0.0.1:9/"),
            ("b", "http://127.0.0.1:8080/"),
            ("own", "http://127.0.0.1:8080/"),
            ("a", "http://127.0.0.3/"),
            ("own", "http://127.0.0.3:81/"),
            ("a", "http://127.0.0.2:8080/"),
            ("c", "http://10.2.0.1/"),
        ] {
            assert!(!reaches(integration, url), "{integration} {url}");
        }
    }
}
