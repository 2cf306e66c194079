//! Hosts that may receive the secret of the operator's app.
//!
//! A token URL may contain a configuration value in its host, so that a customer chooses the host. The secret of the
//! integration's app is only sent to hosts allowed by the entry or the operator: hosts of a registrable domain that the
//! entry contains literally (`zendesk.com` in `https://${connectionConfig.subdomain}.zendesk.com/oauth/tokens`). Values
//! of `enum` and defaults are part of the entry.

use std::collections::BTreeSet;

use url::{Host, Url};

use super::{Provider, Template, Variable};

/// Placeholder of a configuration value in a possible URL. It cannot occur in a host.
const VALUE_MARK: char = '\u{0}';
/// Maximum number of possible URLs of one template.
const MAX_POSSIBLE_URLS: usize = 1000;

impl Provider {
    /// Returns whether the entry literally contains the registrable domain of the host of a token request, or the host
    /// itself if it has none (an IP address, `localhost`).
    pub fn allows_token_host(&self, url: &Url) -> bool {
        contains_host(&self.token_domains(), url)
    }

    /// Returns whether API requests send the secret of the operator's app to a host that the base URL does not contain
    /// literally.
    pub fn exposes_app_secret(&self, url: &Url) -> bool {
        let proxy = &self.proxy;
        let templates = proxy.headers.iter().map(|(_, template)| template);
        let templates = templates.chain(proxy.query.iter().map(|(_, template)| template));
        let body = proxy.body.iter().flat_map(|(_, param)| param.templates());
        let sends_secret =
            templates.chain(body).any(|t| t.variables().any(|variable| *variable == Variable::ClientSecret));
        let possible_urls = proxy.base_url.iter().flat_map(|template| self.possible_urls(template));
        sends_secret && !contains_host(&possible_urls.filter_map(|url| literal_domain(&url)).collect(), url)
    }

    /// Returns the registrable domains, and hosts without one, that the token URLs of the entry contain literally.
    pub fn token_domains(&self) -> BTreeSet<String> {
        let token = &self.token;
        let urls = token.url.iter().chain(&token.app_url).chain(&token.refresh_url);
        let urls = urls.chain(token.steps.iter().map(|step| &step.url));
        urls.flat_map(|template| self.possible_urls(template)).filter_map(|url| literal_domain(&url)).collect()
    }

    /// Returns the possible texts of a template, with [`VALUE_MARK`] for each value that the entry does not define.
    fn possible_urls(&self, template: &Template) -> Vec<String> {
        template.possible_texts(MAX_POSSIBLE_URLS, &|variable| match variable {
            Variable::Config(name) => {
                let field = self.config.iter().find(|field| field.name == *name);
                let literal = field.into_iter().flat_map(|field| field.choices.iter().chain(&field.default)).cloned();
                let any_value = field.is_none_or(|field| field.choices.is_empty());
                literal.filter(|value| !value.is_empty()).chain(any_value.then(|| VALUE_MARK.to_string())).collect()
            }
            _ => vec![VALUE_MARK.to_string()],
        })
    }
}

/// Returns whether a set contains the registrable domain of the host of a URL, or the host itself if it has none.
fn contains_host(domains: &BTreeSet<String>, url: &Url) -> bool {
    url.host_str().is_some_and(|host| domains.contains(&registrable_domain(host).unwrap_or_else(|| host.to_owned())))
}

/// Returns the registrable domain that a possible URL contains literally: the last labels of its host, after the last
/// value.
fn literal_domain(possible_url: &str) -> Option<String> {
    let (_, rest) = possible_url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    if !authority.contains(VALUE_MARK) {
        let url = Url::parse(possible_url.replace(VALUE_MARK, "x").as_str()).ok()?;
        let host = url.host_str()?;
        return Some(registrable_domain(host).unwrap_or_else(|| host.to_owned()));
    }
    // The text after the last value must start at a label, or the value could choose another domain.
    let literal = authority.rsplit(VALUE_MARK).next()?.strip_prefix('.')?;
    let Host::Domain(literal) = Host::parse(literal).ok()? else { return None };
    registrable_domain(&literal)
}

/// Returns the registrable domain of a host by the public suffix list. Only the suffixes of registries count: a domain
/// below the suffix of a company, such as `myshopify.com`, still belongs to that company.
pub(crate) fn registrable_domain(host: &str) -> Option<String> {
    let Ok(Host::Domain(host)) = Host::parse(host.strip_suffix('.').unwrap_or(host)) else { return None };
    let mut suffix = psl::suffix(host.as_bytes()).filter(psl::Suffix::is_known)?;
    while suffix.typ() == Some(psl::Type::Private) {
        let text = std::str::from_utf8(suffix.as_bytes()).ok()?;
        let (_, parent) = text.split_once('.')?;
        let parent = host.get(host.len() - parent.len()..)?;
        suffix = psl::suffix(parent.as_bytes()).filter(psl::Suffix::is_known)?;
    }
    let suffix = suffix.as_bytes().len();
    let labels = host.get(..host.len().checked_sub(suffix + 1)?)?;
    let label = labels.rsplit('.').next().filter(|label| !label.is_empty())?;
    Some(host[host.len() - suffix - 1 - label.len()..].to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::Catalogue;
    use super::*;

    #[test]
    fn registrable_domain_is_found_by_public_suffix() {
        for (host, expect) in [
            ("accounts.google.com", Some("google.com")),
            ("a.b.example.co.uk", Some("example.co.uk")),
            ("shop.myshopify.com", Some("myshopify.com")),
            ("EXAMPLE.com.", Some("example.com")),
            ("com", None),
            ("co.uk", None),
            ("localhost", None),
            ("127.0.0.1", None),
            ("host.internal", None),
        ] {
            assert_eq!(registrable_domain(host).as_deref(), expect, "{host}");
        }
    }

    #[test]
    fn app_secret_is_sent_to_hosts_of_the_entry_only() {
        let yaml = "
suffix: { auth_mode: OAUTH2, token_url: 'https://${connectionConfig.subdomain}.acme.com/token' }
open: { auth_mode: OAUTH2, token_url: 'https://${connectionConfig.hostname}/token || https://login.acme.com/token' }
listed:
  auth_mode: OAUTH2
  token_url: https://accounts.acme.${connectionConfig.extension}/token
  connection_config: { extension: { enum: [com, co.uk] } }
default:
  auth_mode: OAUTH2
  token_url: https://${connectionConfig.hostname}/token
  connection_config: { hostname: { default_value: login.acme.com } }
glued: { auth_mode: OAUTH2, token_url: 'https://${connectionConfig.name}acme.com/token' }
address: { auth_mode: OAUTH2, token_url: 'http://127.0.0.1:8080/token' }
";
        let catalogue = Catalogue::parse(yaml).unwrap();
        let allows =
            |provider: &str, url: &str| catalogue.find(provider).unwrap().allows_token_host(&url.parse().unwrap());
        for (provider, url, expect) in [
            ("suffix", "https://a.acme.com/token", true),
            ("suffix", "https://acme.com.evil.example/token", false),
            ("suffix", "https://evilacme.com/token", false),
            ("open", "https://login.acme.com/token", true),
            ("open", "https://eu.acme.com/token", true),
            ("open", "https://attacker.example/token", false),
            ("open", "https://127.0.0.1:18443/token", false),
            ("listed", "https://accounts.acme.com/token", true),
            ("listed", "https://accounts.acme.co.uk/token", true),
            ("listed", "https://accounts.acme.attacker.example/token", false),
            ("default", "https://eu.acme.com/token", true),
            ("default", "https://attacker.example/token", false),
            ("glued", "https://evilacme.com/token", false),
            ("address", "http://127.0.0.1:8080/token", true),
            ("address", "http://127.0.0.2:8080/token", false),
        ] {
            assert_eq!(allows(provider, url), expect, "{provider} {url}");
        }
    }

    #[test]
    fn builtin_entries_have_a_literal_token_domain() {
        let catalogue = Catalogue::builtin();
        for name in ["gitlab", "salesforce", "zoho-crm", "intercom", "zendesk", "shopify", "hubspot", "google-drive"] {
            let Some(provider) = catalogue.get(name) else { continue };
            assert!(!provider.token_domains().is_empty(), "{name}");
        }
    }
}
