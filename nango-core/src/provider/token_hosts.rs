//! Hosts to which the secret of the operator's app may be sent.
//!
//! A token URL may have a value of the connection in its host, and with it a host that a customer chose. The secret of
//! the integration's own app goes only where the entry itself, or the operator, says: to hosts of a registrable domain
//! that the entry names literally (`zendesk.com` in `https://${connectionConfig.subdomain}.zendesk.com/oauth/tokens`).
//! Values of `enum` and defaults are part of the entry.

use std::collections::BTreeSet;

use url::{Host, Url};

use super::{Provider, Template, Variable};

/// The mark for a value of the connection in an outline; no host has it.
const VALUE_MARK: char = '\u{0}';
/// The most outlines of one template.
const MAX_POSSIBLE_URLS: usize = 1000;

impl Provider {
    /// Whether the entry names the registrable domain of a token request's host literally, or the host itself where it
    /// has none (an address, `localhost`).
    pub fn allows_token_host(&self, url: &Url) -> bool {
        contains_host(&self.token_domains(), url)
    }

    /// Whether requests to the API carry the secret of the operator's app to a host that the base URL does not name
    /// literally.
    pub fn exposes_app_secret(&self, url: &Url) -> bool {
        let proxy = &self.proxy;
        let templates = proxy.headers.iter().map(|(_, template)| template);
        let templates = templates.chain(proxy.query.iter().map(|(_, template)| template));
        let body = proxy.body.iter().flat_map(|(_, param)| param.templates());
        let carries = templates.chain(body).any(|t| t.variables().any(|variable| *variable == Variable::ClientSecret));
        let outlines = proxy.base_url.iter().flat_map(|template| self.possible_urls(template));
        carries && !contains_host(&outlines.filter_map(|outline| literal_domain(&outline)).collect(), url)
    }

    /// The registrable domains (and hosts that have none) that the entry names literally for its token requests.
    pub fn token_domains(&self) -> BTreeSet<String> {
        let token = &self.token;
        let urls = token.url.iter().chain(&token.app_url).chain(&token.refresh_url);
        let urls = urls.chain(token.steps.iter().map(|step| &step.url));
        urls.flat_map(|template| self.possible_urls(template)).filter_map(|outline| literal_domain(&outline)).collect()
    }

    /// The texts that a template may become, with a mark for each value that the entry does not give.
    fn possible_urls(&self, template: &Template) -> Vec<String> {
        template.possible_texts(MAX_POSSIBLE_URLS, &|variable| match variable {
            Variable::Config(name) => {
                let field = self.config.iter().find(|field| field.name == *name);
                let literal = field.into_iter().flat_map(|field| field.choices.iter().chain(&field.default)).cloned();
                let open = field.is_none_or(|field| field.choices.is_empty());
                literal.filter(|value| !value.is_empty()).chain(open.then(|| VALUE_MARK.to_string())).collect()
            }
            _ => vec![VALUE_MARK.to_string()],
        })
    }
}

/// Whether the registrable domain of a URL's host, or the host itself where it has none, is among those that are named.
fn contains_host(named: &BTreeSet<String>, url: &Url) -> bool {
    url.host_str().is_some_and(|host| named.contains(&registrable_domain(host).unwrap_or_else(|| host.to_owned())))
}

/// The domain that the host of an outline names literally: its last labels, behind the last value in it.
fn literal_domain(outline: &str) -> Option<String> {
    let (_, rest) = outline.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    if !authority.contains(VALUE_MARK) {
        let url = Url::parse(outline.replace(VALUE_MARK, "x").as_str()).ok()?;
        let host = url.host_str()?;
        return Some(registrable_domain(host).unwrap_or_else(|| host.to_owned()));
    }
    // What is behind the last value must begin at a label, or the value could choose another domain.
    let literal = authority.rsplit(VALUE_MARK).next()?.strip_prefix('.')?;
    let Host::Domain(literal) = Host::parse(literal).ok()? else { return None };
    registrable_domain(&literal)
}

/// The registrable domain of a host by the public suffix list, of which only the part of registries counts: what lies
/// below a company's own suffix, such as `myshopify.com`, is still that company's.
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
    fn registrable_domain_of_a_host() {
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
    fn app_secret_goes_to_hosts_that_the_entry_names() {
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
        let names =
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
            assert_eq!(names(provider, url), expect, "{provider} {url}");
        }
    }

    #[test]
    fn builtin_entries_name_a_domain_for_their_tokens() {
        let catalogue = Catalogue::builtin();
        for name in ["gitlab", "salesforce", "zoho-crm", "intercom", "zendesk", "shopify", "hubspot", "google-drive"] {
            let Some(provider) = catalogue.get(name) else { continue };
            assert!(!provider.token_domains().is_empty(), "{name}");
        }
    }
}
