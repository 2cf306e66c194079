//! Templates of an entry, and the configuration that they require.

use super::{AssertionKind, Field, Param, Provider, Template, Variable};

/// A template of an entry with its key, such as `proxy.headers.x-api-key`.
pub(super) type KeyedTemplate<'a> = (String, &'a Template);

impl Provider {
    /// Returns whether the resolved text of a template is secret, because it contains a credential or a secret
    /// configuration value.
    pub fn is_sensitive(&self, template: &Template) -> bool {
        template.is_secret()
            || template
                .variables()
                .any(|variable| matches!(variable, Variable::Config(name) if self.is_secret_config(name)))
    }

    /// Returns whether a configuration value of the connection is secret.
    pub fn is_secret_config(&self, name: &str) -> bool {
        self.config.iter().any(|field| field.secret && field.name == name)
    }

    /// Returns the names of required configuration: those that templates use without an alternative, and that are not
    /// set from responses of the provider. The declared fields come first, in their order.
    pub fn required_config(&self) -> Vec<&str> {
        let mut names_in_templates: Vec<&str> = Vec::new();
        for (_, template) in self.templates() {
            for variable in template.required_variables() {
                if let Variable::Config(name) = variable {
                    names_in_templates.push(name);
                }
            }
        }
        names_in_templates.extend(self.proxy.required_config.iter().map(String::as_str));
        let is_required = |name: &str| {
            let field = self.config.iter().find(|field| field.name == name);
            field.is_none_or(Field::is_required) && !self.response_config.iter().any(|known| known == name)
        };
        let fields =
            self.config.iter().map(|field| field.name.as_str()).filter(|name| names_in_templates.contains(name));
        let mut names: Vec<&str> = Vec::new();
        for name in fields.chain(names_in_templates.iter().copied()).filter(|name| is_required(name)) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// Returns all templates of the entry with their keys.
    pub(super) fn templates(&self) -> Vec<KeyedTemplate<'_>> {
        let mut all: Vec<KeyedTemplate<'_>> = Vec::new();
        let proxy = &self.proxy;
        all.extend(proxy.base_url.iter().map(|url| ("proxy.base_url".to_owned(), url)));
        all.extend(keyed_templates("proxy.headers", &proxy.headers));
        all.extend(keyed_templates("proxy.query", &proxy.query));
        all.extend(param_templates("proxy.body", &proxy.body));
        if let Some(probe) = &proxy.verification {
            all.extend(probe.endpoints.iter().map(|endpoint| ("proxy.verification.endpoints".to_owned(), endpoint)));
            all.extend(probe.base_url.iter().map(|url| ("proxy.verification.base_url_override".to_owned(), url)));
            all.extend(keyed_templates("proxy.verification.headers", &probe.headers));
            all.extend(probe.data.iter().flat_map(|data| templates_of_param("proxy.verification.data", data)));
        }
        self.token_templates(&mut all);
        let authorization = &self.authorization;
        all.extend(authorization.url.iter().map(|url| ("authorization_url".to_owned(), url)));
        all.extend(param_templates("authorization_params", &authorization.params));
        if let Some(registration) = &authorization.registration {
            all.extend(registration.url.iter().map(|url| ("registration_url".to_owned(), url)));
        }
        if let Some(oauth1) = &authorization.oauth1 {
            all.extend(oauth1.request_url.iter().map(|url| ("request_url".to_owned(), url)));
            all.extend(param_templates("request_params", &oauth1.request_params));
        }
        all
    }

    fn token_templates<'a>(&'a self, all: &mut Vec<KeyedTemplate<'a>>) {
        let token = &self.token;
        let urls = token.url.iter().chain(&token.app_url);
        all.extend(urls.map(|url| ("token_url".to_owned(), url)));
        all.extend(token.refresh_url.iter().map(|url| ("refresh_url".to_owned(), url)));
        all.extend(param_templates("token_params", &token.params));
        all.extend(param_templates("refresh_params", token.refresh_params.iter().flatten()));
        all.extend(keyed_templates("token_headers", &token.headers));
        all.extend(keyed_templates("refresh_token_headers", &token.refresh_headers));
        for step in &token.steps {
            all.push(("additional_steps.token_url".to_owned(), &step.url));
            all.extend(param_templates("additional_steps.token_params", &step.params));
            all.extend(keyed_templates("additional_steps.token_headers", &step.headers));
        }
        if let Some(signed) = &token.signed_token {
            all.extend(signed.key.iter().map(|key| ("token.signing_key".to_owned(), key)));
            all.extend(param_templates("token.header", &signed.header));
            all.extend(param_templates("token.payload", &signed.payload));
        }
        if let Some(assertion) = &token.assertion {
            all.push(("assertion.key".to_owned(), &assertion.key));
            match &assertion.kind {
                AssertionKind::Jwt { header, payload } => {
                    all.extend(param_templates("assertion.header", header));
                    all.extend(param_templates("assertion.payload", payload));
                }
                AssertionKind::Saml { issuer, audiences, recipient, name_identifier, session_index, attributes } => {
                    let texts = [issuer, recipient, name_identifier].into_iter().chain(audiences).chain(session_index);
                    all.extend(texts.map(|text| ("assertion".to_owned(), text)));
                    all.extend(param_templates("assertion.attributes", attributes));
                }
            }
        }
    }
}

fn keyed_templates<'a, N: std::fmt::Display + 'a>(
    key: &'static str,
    pairs: &'a [(N, Template)],
) -> impl Iterator<Item = KeyedTemplate<'a>> {
    pairs.iter().map(move |(name, template)| (format!("{key}.{name}"), template))
}

fn param_templates<'a>(
    key: &'static str,
    pairs: impl IntoIterator<Item = &'a (String, Param)>,
) -> impl Iterator<Item = KeyedTemplate<'a>> {
    pairs.into_iter().flat_map(move |(name, param)| templates_of_param(&format!("{key}.{name}"), param))
}

fn templates_of_param<'a>(key: &str, param: &'a Param) -> Vec<KeyedTemplate<'a>> {
    param.templates().into_iter().map(|template| (key.to_owned(), template)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::Catalogue;

    #[test]
    fn required_and_secret_config_is_found() {
        let yaml = "
acme:
  auth_mode: OAUTH2
  token_url: https://${connectionConfig.tenant}.h.test/${connectionConfig.id}
  token_response_metadata: [instance]
  redirect_uri_metadata: [id]
  proxy:
    base_url: https://${connectionConfig.region}.h.test || https://${connectionConfig.host}
    connection_config: { project: '${connectionConfig.project}' }
    headers:
      x-instance: ${connectionConfig.instance}
      x-version: ${connectionConfig.version} || 2
      x-secret: ${connectionConfig.developer}
      x-flag: ${connectionConfig.flag}
  connection_config:
    host: { title: Host }
    tenant: { title: Tenant }
    developer: { secret: true }
    flag: { default_value: '' }
";
        let catalogue = Catalogue::parse(yaml).unwrap();
        let acme = catalogue.find("acme").unwrap();
        assert_eq!(acme.required_config(), ["host", "tenant", "developer", "project"]);
        assert!(acme.is_sensitive(&"${connectionConfig.developer}".parse().unwrap()));
        assert!(acme.is_sensitive(&"${accessToken}".parse().unwrap()));
        assert!(!acme.is_sensitive(&"${connectionConfig.host}".parse().unwrap()));
    }
}
